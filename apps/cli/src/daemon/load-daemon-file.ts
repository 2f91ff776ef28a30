/** Reads a daemon file with its workflows. */
import { AgentCoreError, isMissingOrBelowFile } from "@agentcore/contract";
import { parseDaemonFile, type ParseDaemonResult } from "@agentcore/triggers";
import type { LookUpWorkers } from "@agentcore/workflow";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fileProblems } from "../file-problems.ts";
import type { Io } from "../io.ts";
import { readNamedFile } from "../text-files.ts";
import { lookUpGates } from "./gate-work.ts";
import { loadWorkflow } from "../workflow/load-workflow.ts";

/** `workers`: for checking what workflows and gates require of their workers. Throws `AC_DAEMON_FILE` if it cannot be read. */
export async function loadDaemonFile(
  file: string,
  io: Pick<Io, "cwd" | "env">,
  workers?: LookUpWorkers,
): Promise<ParseDaemonResult> {
  const path = resolve(io.cwd, file);
  const text = await readNamedFile(path, "daemon file", "AC_DAEMON_FILE");
  if (text === null) throw new AgentCoreError("AC_DAEMON_FILE", `there is no daemon file ${path}`);
  return parseDaemonFile({
    text,
    file: path,
    cwd: io.cwd,
    env: io.env,
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    checkWorkflow: async (workflow, agentsFile) => {
      if (!(await exists(workflow))) return null;
      const agents = agentsFile === null ? undefined : [agentsFile];
      const loaded = await loadWorkflow(workflow, agents, io, { workers });
      return loaded.ok ? [] : loaded.problems;
    },
    lookUpGate: lookUpGates(workers),
  });
}

/** The definition, and what only looks wrong in it. Throws `AC_DAEMON_FILE` with a line for each mistake. */
export async function requireDaemonFile(
  ...request: Parameters<typeof loadDaemonFile>
): Promise<Extract<ParseDaemonResult, { ok: true }>> {
  const loaded = await loadDaemonFile(...request);
  if (loaded.ok) return loaded;
  throw fileProblems("AC_DAEMON_FILE", loaded.problems);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissingOrBelowFile(error)) return false;
    throw error;
  }
}
