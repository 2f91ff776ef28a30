/** What an `evaluate` or `analyze` of a trigger asks of a worker: its own settings, and those of its agent profile. */
import type { GateStep } from "@agentcore/triggers";
import { parseWorkflow, type WorkSpec } from "@agentcore/workflow";
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
  const { worker, agent, capabilities } = step;
  if (worker !== null)
    return { worker, model: null, args: [], capabilities: capabilities ?? [], preface: "" };
  // The reader of workflows knows how a profile and a step go together.
  const gate = { agent, instructions: mark, ...(capabilities === null ? {} : { capabilities }) };
  const text = JSON.stringify({ name: "gate", version: "1", timeout: "1h", steps: { gate } });
  const file = join(place.workspace, "gate.yaml");
  const parsed = await parseWorkflow({
    file,
    readFile: async (path) =>
      path === file ? text : readNamedFile(path, "agents file", "AC_WORKFLOW_INVALID"),
    ...(place.agentsFile === null ? {} : { agentFiles: [place.agentsFile] }),
  });
  if (!parsed.ok) throw fileProblems("AC_WORKFLOW_INVALID", parsed.problems);
  const action = parsed.workflow.steps[0]?.action;
  if (action?.kind !== "worker") throw new TypeError("the gate is work for a worker");
  const { instructions, ...work } = action.work;
  return { ...work, preface: instructions.slice(0, instructions.lastIndexOf(mark)) };
}
