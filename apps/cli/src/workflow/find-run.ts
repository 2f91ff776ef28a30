/** Runs may be named by the beginning of their id, where only one begins so. */
import { AgentCoreError } from "@agentcore/contract";
import type { Journal } from "@agentcore/scheduler";
import { listRuns, runNotFound } from "@agentcore/workflow";

const idCharsMin = 6;
const searchedMax = 1000;

/** Throws `AC_WORKFLOW_RUN_NOT_FOUND`. */
export async function findRunId(journal: Journal, id: string): Promise<string> {
  const runs = await listRuns(journal, { limit: searchedMax });
  if (runs.some((run) => run.id === id)) return id;
  const alike = id.length < idCharsMin ? [] : runs.filter((run) => run.id.startsWith(id));
  const [only] = alike;
  if (only === undefined) throw runNotFound(id);
  if (alike.length === 1) return only.id;
  throw new AgentCoreError(
    "AC_WORKFLOW_RUN_NOT_FOUND",
    `${alike.length} runs have an id that begins with ${id}`,
  );
}
