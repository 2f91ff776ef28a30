/** Ends a run in its journal only, if no process works on it and its definition no longer exists. */
import type { Journal, JournalValue } from "@agentcore/scheduler";
import { readRun } from "../records/read-runs.ts";
import { runNotFound } from "./run-workflow.ts";
import type { RunEntry } from "../records/entry-types.ts";
import { streamTaken } from "../records/run-log.ts";

/**
 * Ends the run as `CANCELLED`; the states of its steps do not change. The caller must cancel its jobs with `interruptedMessage`,
 * so that a later retry starts their steps again. Throws `AC_WORKFLOW_RUN_NOT_FOUND`, or `AC_WORKFLOW_TAKEN` if a process works
 * on the run after all.
 */
export async function endRun(
  journal: Journal,
  runId: string,
  { at, message }: { readonly at: number; readonly message: string },
): Promise<void> {
  const stored = await readRun(journal, runId);
  if (stored === undefined) throw runNotFound(runId);
  const reason = { outcome: "CANCELLED", message, code: "AC_CANCELLED" } as const;
  const entries: readonly RunEntry[] = [
    { type: "event", at, event: { type: "stop_requested", reason } },
    { type: "event", at, event: { type: "run_ended", outcome: "CANCELLED" } },
  ];
  const ended = { outcome: "CANCELLED", message, endedAt: at, owner: null, interrupted: false };
  const answer = await journal.append(stored.stream, {
    after: stored.entries.length,
    entries: entries as unknown as readonly JournalValue[],
    header: { ...stored.header, ...ended },
  });
  if (answer === "conflict") throw streamTaken(stored.stream);
}
