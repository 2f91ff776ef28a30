/** Finds a workflow run by its id or by an unambiguous beginning of it. */
import { AgentCoreError } from "@agentcore/contract";
import type { Journal } from "@agentcore/scheduler";
import { afterPrefix, alikeMax, idCharsMin, manyAlike } from "../queue/open-queue.ts";
import { listRuns, runNotFound } from "@agentcore/workflow";

/** Throws `AC_WORKFLOW_RUN_NOT_FOUND`. */
export async function findRunId(journal: Journal, id: string): Promise<string> {
  const runs = await listRuns(journal, { before: afterPrefix(id), limit: alikeMax });
  // This id is lower than every longer one that begins with it, so more of those than requested may come before it.
  const [whole] = await listRuns(journal, { before: `${id}\0`, limit: 1 });
  if (whole?.id === id) return id;
  const alike = id.length < idCharsMin ? [] : runs.filter((run) => run.id.startsWith(id));
  const [only] = alike;
  if (only === undefined) throw runNotFound(id);
  if (alike.length === 1) return only.id;
  throw new AgentCoreError(
    "AC_WORKFLOW_RUN_NOT_FOUND",
    manyAlike(
      id,
      "runs",
      alike.map((run) => run.id),
    ),
  );
}
