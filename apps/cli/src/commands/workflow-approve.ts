/** `agentcore workflow approve|reject RUN [STEP]`: answers what a step waits for, in the process that works on the run or later. */
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { shortId } from "../screen/short-id.ts";
import { withTarget } from "../target/open-target.ts";
import type { TargetOptions } from "../target/target.ts";

export interface ApproveOptions extends TargetOptions {
  readonly message?: string;
}

export async function answerApproval(
  decision: "approved" | "rejected",
  run: string,
  step: string | undefined,
  options: ApproveOptions,
  io: Io,
): Promise<number> {
  return withTarget(options, io, async ({ runs }) => {
    const { message = "" } = options;
    const approval = await runs.answer(run, { decision, step, message });
    if (options.json === true) io.stdout.json(approval);
    else {
      const { step: answered, by, isApplied } = approval;
      const id = shortId(approval.run);
      const later = isApplied ? "" : `; it counts when the run goes on: agentcore workflow resume ${id}`;
      io.stdout.write(`${id}  ${answered} ${decision} by ${by}${later}\n`);
    }
    return exitCodes.succeeded;
  });
}
