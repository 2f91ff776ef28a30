/** `agentcore why JOB`: every decision about it, with its code, the evidence, and the line of the configuration behind it. */
import { systemClock } from "@agentcore/core";
import { createSettingPlaces } from "../config/setting-place.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { jobJson } from "../job-json.ts";
import { findJob, withStore, type StateOptions } from "../open-store.ts";
import { plainScreen } from "../screen/terminal.ts";
import { whyLines } from "../screen/why-screen.ts";

/** Jobs ahead that are looked up. */
const aheadMax = 100;

export async function why(id: string, options: StateOptions, io: Io): Promise<number> {
  return withStore(options, io, async ({ store, loaded }) => {
    const record = await findJob(store, id);
    const [decisions, ahead, placeOf] = await Promise.all([
      store.decisions(record.job.id),
      store.aheadOf(record.job.id, aheadMax),
      createSettingPlaces(loaded),
    ]);
    if (options.json === true) {
      const placed = decisions.map((decision) => {
        const { setting } = decision.evidence;
        return { ...decision, configuredAt: typeof setting === "string" ? placeOf(setting) : null };
      });
      io.stdout.write(`${JSON.stringify({ ...jobJson(record), decisions: placed, ahead })}\n`);
    } else {
      plainScreen(io.stdout).print(whyLines({ record, decisions, ahead, placeOf, now: systemClock.now() }));
    }
    return exitCodes.succeeded;
  });
}
