/** What an `evaluate` or `analyze` of a trigger asks of a worker: its own settings, and those of its agent profile. */
import { omitUndefined } from "@agentcore/contract";
import type { GateStep, LookUpGate } from "@agentcore/triggers";
import { parseWorkflow, type LookUpWorkers, type Problem, type WorkSpec } from "@agentcore/workflow";
import { join } from "node:path";
import { fileProblems } from "../file-problems.ts";
import { readNamedFile } from "../text-files.ts";

export interface GatePlace {
  readonly agentsFile: string | null;
  readonly workspace: string;
}

export type GateWork = Pick<WorkSpec, "worker" | "model" | "args" | "capabilities"> & {
  /** What the profile says first, with a blank line after it; empty: nothing. */
  readonly preface: string;
};

/** Stands for the instructions, which may hold anything. */
const mark = "INSTRUCTIONS";

/** Rejects with `AC_WORKFLOW_INVALID` for a profile that does not exist or is not valid. */
export async function gateWork(step: GateStep, place: GatePlace): Promise<GateWork> {
  const { work, problems } = await readGate(step, place);
  if (work === null) throw fileProblems("AC_WORKFLOW_INVALID", problems);
  return work;
}

/** For the checks of a daemon file. */
export function lookUpGates(workers: LookUpWorkers | undefined): LookUpGate {
  return async (step, place) => {
    const { work, problems, file } = await readGate(step, place, workers);
    if (work !== null) return { ok: true, ...work };
    const isOfGate = (problem: Problem): boolean => problem.file === file;
    return {
      ok: false,
      mistakes: problems.filter(isOfGate).map(({ message }) => mistakeOf(message, step)),
      problems: problems.filter((problem) => !isOfGate(problem)),
    };
  };
}

/** The reader of workflows knows how a profile and a step go together. */
async function readGate(
  { worker, agent, capabilities }: GateStep,
  { agentsFile, workspace }: GatePlace,
  workers?: LookUpWorkers,
) {
  const who = worker === null ? { agent } : { worker };
  const gate = { ...who, instructions: mark, ...(capabilities === null ? {} : { capabilities }) };
  const text = JSON.stringify({ name: "gate", version: "1", timeout: "1h", steps: { gate } });
  const file = join(workspace, "gate.yaml");
  const parsed = await parseWorkflow({
    file,
    readFile: async (path) => {
      if (path === file) return text;
      return path === agentsFile ? readNamedFile(path, "agents file", "AC_WORKFLOW_INVALID") : null;
    },
    ...(agent === null || agentsFile === null ? {} : { agentFiles: [agentsFile] }),
    ...omitUndefined({ workers }),
  });
  if (!parsed.ok) return { work: null, problems: parsed.problems, file };
  const action = parsed.workflow.steps[0]?.action;
  if (action?.kind !== "worker") throw new TypeError("the gate is work for a worker");
  const { instructions, ...work } = action.work;
  const preface = instructions.slice(0, instructions.lastIndexOf(mark));
  return { work: { ...work, preface }, problems: [], file };
}

/** Its setting and what is wrong with it. */
function mistakeOf(text: string, { agent }: GateStep) {
  const [, key, message = text] = /^steps\.gate\.(worker|agent): (.*)$/s.exec(text) ?? [];
  return { key: key ?? (agent === null ? "worker" : "agent"), message };
}
