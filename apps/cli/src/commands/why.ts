/** `agentcore why JOB`: prints every decision about a job, with its code, the evidence, and the setting behind it. */
import { systemClock } from "@agentcore/contract";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { plainScreen } from "../screen/terminal.ts";
import { whyLines } from "../screen/why-screen.ts";
import { findNamedJob } from "../target/find-job.ts";
import { withTarget } from "../target/open-target.ts";
import type { TargetOptions } from "../target/target.ts";

export async function why(id: string, options: TargetOptions, io: Io): Promise<number> {
  return withTarget(options, io, async ({ jobs }) => {
    const decisions = await jobs.decisions((await findNamedJob(jobs, id)).id);
    if (options.json === true) io.stdout.json(decisions);
    else plainScreen(io.stdout).print(whyLines(decisions, systemClock.now()));
    return exitCodes.succeeded;
  });
}
