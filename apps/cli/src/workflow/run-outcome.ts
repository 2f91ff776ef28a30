/** The end of a run, or of its cancel, on the command line: the exit code, and the line. */
import type { CancelDocument } from "@agentcore/contract";
import { isBudgetCode, type RunResult } from "@agentcore/workflow";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { shortId } from "../screen/short-id.ts";

export function exitCodeOf({ outcome, code }: Pick<RunResult, "outcome" | "code">): number {
  switch (outcome) {
    case "SUCCEEDED":
      return exitCodes.succeeded;
    case "TIMED_OUT":
      return exitCodes.timedOut;
    case "CANCELLED":
    case "INTERRUPTED":
      return exitCodes.cancelled;
    case "FAILED":
      return isBudgetCode(code) ? exitCodes.budgetExhausted : exitCodes.failed;
  }
}

export function writeCancel(
  id: string,
  outcome: CancelDocument["outcome"],
  { json }: { readonly json?: boolean },
  { stdout }: Pick<Io, "stdout">,
): void {
  const name = shortId(id);
  if (json === true) stdout.json({ type: "cancel", id, outcome });
  else if (outcome === "requested")
    stdout.write(`${name}  cancellation requested; follow it with agentcore workflow show ${name}\n`);
  else stdout.write(`${name}  ${outcome}\n`);
}
