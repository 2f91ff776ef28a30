/** Workflow runs that people started through a daemon go on after a crash; those of triggers are resumed by the engine. */
import type { Log } from "@agentcore/contract";
import type { Journal } from "@agentcore/scheduler";
import type { TriggerEngine } from "@agentcore/triggers";
import { openRuns, readRun } from "@agentcore/workflow";
import type { Workflows } from "../library/workflows.ts";
import { callerOf } from "../workflow/stored-run.ts";
import { runStateOf } from "../workflow/run-owner.ts";

export interface ResumeRunsOptions {
  readonly workflows: Workflows;
  readonly journal: Journal;
  readonly engine: Pick<TriggerEngine, "state">;
  readonly log: Log;
}

/** Resolves once each has begun again. A run that cannot go on is logged and left as it is. */
export async function resumeRuns({ workflows, journal, engine, log }: ResumeRunsOptions): Promise<void> {
  const ofTriggers = new Set(
    [...engine.state.open.values()].map(({ state }) => (state.kind === "running" ? state.run : null)),
  );
  for (const { id, header } of await openRuns(journal)) {
    if (runStateOf(header) !== "INTERRUPTED" || ofTriggers.has(id)) continue;
    const stored = await readRun(journal, id);
    if (stored === undefined || !callerOf(stored).isDaemon) continue;
    try {
      await workflows.resume(id);
      log.info({ run: id }, "resumed a workflow run");
    } catch (error) {
      log.warn({ run: id, error }, "a workflow run could not be resumed");
    }
  }
}
