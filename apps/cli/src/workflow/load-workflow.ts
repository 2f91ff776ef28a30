/** Reads a workflow and all its files, or reports every error in them. */
import {
  formatProblem,
  parseWorkflow,
  type LookUpWorkers,
  type Problem,
  type Workflow,
} from "@agentcore/workflow";
import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { fileProblems } from "../file-problems.ts";
import type { Io } from "../io.ts";
import { readNamedFile } from "../text-files.ts";

export type LoadedWorkflow =
  | {
      readonly ok: true;
      readonly workflow: Workflow;
      readonly warnings: readonly Problem[];
      readonly agentFiles: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface WorkflowChecks {
  /** For checking what steps require of their workers. */
  readonly workers?: LookUpWorkers;
  /** Where the workflow will run, for checking that no symbolic link leads out of it. */
  readonly workspace?: string;
}

/** `agents`: as given with --agents. Default: those of the environment, then the file beside the workflow. */
export async function loadWorkflow(
  file: string,
  agents: readonly string[] | undefined,
  io: Pick<Io, "cwd" | "env">,
  { workers, workspace }: WorkflowChecks = {},
): Promise<LoadedWorkflow> {
  const named = agents ?? agentFilesOf(io.env);
  const agentFiles = named.map((path) => resolve(io.cwd, path));
  const parsed = await parseWorkflow({
    file: resolve(io.cwd, file),
    agentFiles,
    readFile: (path) => readNamedFile(path, "workflow file", "AC_WORKFLOW_INVALID"),
    workers,
    ...(workspace === undefined ? {} : { workspace: await realpath(workspace) }),
  });
  return parsed.ok ? { ...parsed, agentFiles } : parsed;
}

/** The workflow. Throws `AC_WORKFLOW_INVALID` with a line for each mistake. */
export async function requireWorkflow(
  file: string,
  agents: readonly string[] | undefined,
  io: Pick<Io, "cwd" | "env">,
  checks?: WorkflowChecks,
): Promise<Extract<LoadedWorkflow, { ok: true }>> {
  const loaded = await loadWorkflow(file, agents, io, checks);
  if (loaded.ok) return loaded;
  throw fileProblems("AC_WORKFLOW_INVALID", loaded.problems);
}

/** Requirements of steps that are not met: the workflow runs anyway. */
export function writeWarnings(warnings: readonly Problem[], io: Io): void {
  for (const warning of warnings) io.stderr.write(`${formatProblem(warning)} (a warning)\n`);
}

function agentFilesOf(env: Io["env"]): readonly string[] {
  const text = env["AGENTCORE_AGENTS_FILE"] ?? env["ROBOPPI_AGENTS_FILE"] ?? "";
  return text.split(":").filter((path) => path !== "");
}
