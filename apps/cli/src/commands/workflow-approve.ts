/** `agentcore workflow approve|reject RUN [STEP]`: answers what a step waits for, in the process that works on the run or later. */
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import type { StateOptions } from "../queue/open-queue.ts";
import { shortId } from "../screen/short-id.ts";
import { answerWait } from "../workflow/answer-approval.ts";
import { withJournal } from "../workflow/open-journal.ts";

export interface ApproveOptions extends StateOptions {
  readonly message?: string;
  readonly json?: boolean;
}

export async function answerApproval(
  decision: "approved" | "rejected",
  run: string,
  step: string | undefined,
  options: ApproveOptions,
  io: Io,
): Promise<number> {
  return withJournal(options, io, async (journal) => {
    const { message = "" } = options;
    const answer = { decision, run, step, message };
    const { id, step: answered, by, isApplied } = await answerWait(journal, answer, io);
    if (options.json === true) {
      io.stdout.json({ type: "approval", run: id, step: answered, decision, by, message, isApplied });
    } else {
      const later = isApplied
        ? ""
        : `; it counts when the run goes on: agentcore workflow resume ${shortId(id)}`;
      io.stdout.write(`${shortId(id)}  ${answered} ${decision} by ${by}${later}\n`);
    }
    return exitCodes.succeeded;
  });
}
