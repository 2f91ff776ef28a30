/** Finds a workflow run by its id, its short id, the beginning of its id, or as the newest one. */
import { AgentCoreError } from "@agentcore/contract";
import type { Journal } from "@agentcore/scheduler";
import { listRuns, type RunListing } from "@agentcore/workflow";
import { afterPrefix, findId, type IdSource } from "../queue/find-id.ts";

/** Throws `AC_WORKFLOW_RUN_NOT_FOUND`. */
export async function findRunId(journal: Journal, text: string): Promise<string> {
  const found = await findId(text, runIds(journal));
  if ("id" in found) return found.id;
  throw new AgentCoreError("AC_WORKFLOW_RUN_NOT_FOUND", found.problem, { evidence: { run: text } });
}

function runIds(journal: Journal): IdSource {
  const listed = async (page: Parameters<typeof listRuns>[1]): Promise<readonly string[]> =>
    (await listRuns(journal, page)).map(({ id }) => id);
  return {
    what: "run",
    exact: async (text) => (await listed({ before: `${text}\0`, limit: 1 })).find((id) => id === text),
    beginning: async (text, limit) =>
      (await listed({ before: afterPrefix(text), limit })).filter((id) => id.startsWith(text)),
    ending: async (text) => (await allRuns(journal)).filter((id) => id.endsWith(text)),
    newest: async () => (await listed({ limit: 1 }))[0],
    recent: () => listed({}),
  };
}

async function allRuns(journal: Journal): Promise<readonly string[]> {
  return (await everyRun(journal)).map(({ id }) => id);
}

/** Newest first. Ended runs are deleted after a while, so there are not many. */
async function everyRun(journal: Journal): Promise<readonly RunListing[]> {
  const found: RunListing[] = [];
  for (let before: string | undefined; ; before = found.at(-1)?.id) {
    const page = await listRuns(journal, { before, limit: pageRuns });
    found.push(...page);
    if (page.length < pageRuns) return found;
  }
}

const pageRuns = 1000;
