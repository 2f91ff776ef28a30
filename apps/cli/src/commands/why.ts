/** `agentcore why JOB`: prints every decision about a job, with its code, the evidence, and the setting behind it. */
import { systemClock } from "@agentcore/contract";
import { jobDecisionsDocument } from "@agentcore/scheduler";
import { createSettingPlaces } from "../config/setting-place.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { findNamedJob, withQueue, type StateOptions } from "../queue/open-queue.ts";
import { leftProcesses } from "../state/quarantine.ts";
import { plainScreen } from "../screen/terminal.ts";
import { whyLines } from "../screen/why-screen.ts";

export async function why(id: string, options: StateOptions, io: Io): Promise<number> {
  return withQueue(options, io, async (opened) => {
    const { client, loaded, state } = opened;
    const { job } = await findNamedJob(opened, id);
    const [report, placeOf] = await Promise.all([client.why(job.id), createSettingPlaces(loaded)]);
    const left = leftProcesses(state.containment, job);
    if (options.json === true) {
      io.stdout.json(jobDecisionsDocument(report, { placeOf, left }));
    } else {
      plainScreen(io.stdout).print(whyLines({ ...report, left, placeOf, now: systemClock.now() }));
    }
    return exitCodes.succeeded;
  });
}
