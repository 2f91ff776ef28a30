/** What a triggered run can read of its event: files in the workspace, and variables of its steps. */
import type { Json, RunRequest, TriggerDefinition } from "@agentcore/triggers";
import { replaceFile } from "@agentcore/workflow";
import { realpath } from "node:fs/promises";
import { join } from "node:path";

/** Holds the chain of runs that led to a run, see `formatChain`: what the run sends to a daemon carries it on. */
export const chainVariable = "AGENTCORE_CHAIN";

export const contextDirOf = (workspace: string): string => join(workspace, ".daemon-context");

/** Writes the files that the trigger asks for. Rejects with `AC_WORKFLOW_CONTEXT` if a link stands in their way. */
export async function writeContext(
  workspace: string,
  { context }: TriggerDefinition,
  { event, lastResult }: Pick<RunRequest, "event" | "lastResult">,
): Promise<void> {
  const directory = contextDirOf(await realpath(workspace));
  const put = (name: string, content: unknown): Promise<void> =>
    replaceFile(join(directory, name), `${JSON.stringify(content, null, 2)}\n`);
  if (context.eventPayload) await put("event.json", event.payload);
  if (context.lastResult) await put("last-result.json", lastResultOf(lastResult));
}

export function lastResultOf(result: RunRequest["lastResult"]): Json {
  if (result === null) return null;
  const { run, event, status, startedAt, endedAt, costUsd } = result;
  const iso = (at: number): string => new Date(at).toISOString();
  return { run, event, status, startedAt: iso(startedAt), endedAt: iso(endedAt), costUsd };
}
