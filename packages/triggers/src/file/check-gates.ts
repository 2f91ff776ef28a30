/** Checks who does the gates and analyses of a daemon file: their workers, and their agent profiles. */
import type { Path, Problem, Report } from "@agentcore/yaml-file";
import type { DaemonDefinition, GateStep } from "../definition.ts";
import { codeInTemplate } from "../template/render.ts";
import { problemOfCode } from "./check-triggers.ts";

/** Who does a gate, or why nobody can. */
export type GateLookUp =
  | {
      readonly ok: true;
      readonly worker: string;
      /** What a profile says before the instructions. */
      readonly preface: string;
    }
  | {
      readonly ok: false;
      /** By setting of the gate: `worker` or `agent`. */
      readonly mistakes: readonly { readonly key: string; readonly message: string }[];
      /** In the file of profiles. */
      readonly problems: readonly Problem[];
    };

export type LookUpGate = (
  step: GateStep,
  place: Pick<DaemonDefinition, "agentsFile" | "workspace">,
) => Promise<GateLookUp>;

/** Gates that are done by the same worker or profile are looked up once. Returns the errors in the file of profiles. */
export async function checkGates(
  definition: DaemonDefinition,
  lookUp: LookUpGate,
  report: Report,
): Promise<readonly Problem[]> {
  const known = new Map<string, GateLookUp>();
  for (const { path, step } of gatesOf(definition)) {
    const { worker, agent, capabilities } = step;
    const who = JSON.stringify([worker, agent, capabilities]);
    const found = known.get(who) ?? (await lookUp(step, definition));
    known.set(who, found);
    if (!found.ok) for (const { key, message } of found.mistakes) report([...path, key], message);
    // Those without a profile are checked with the rest of the file.
    if (!found.ok || agent === null || found.worker !== "shell") continue;
    for (const code of codeInTemplate(found.preface + step.instructions))
      report([...path, "instructions"], problemOfCode(code));
  }
  return [...known.values()].flatMap((found) => (found.ok ? [] : found.problems));
}

function gatesOf({
  triggers,
}: DaemonDefinition): readonly { readonly path: Path; readonly step: GateStep }[] {
  return [...triggers.values()].flatMap(({ id, evaluate, analyze }) => [
    ...(evaluate === null ? [] : [{ path: ["triggers", id, "evaluate"], step: evaluate }]),
    ...(analyze === null ? [] : [{ path: ["triggers", id, "analyze"], step: analyze }]),
  ]);
}
