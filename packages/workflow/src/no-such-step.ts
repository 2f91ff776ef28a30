/** The error for the name of a step that a workflow does not have. */
import { AgentCoreError } from "@agentcore/contract";
import { didYouMean } from "@agentcore/yaml-file";

/** A workflow can have thousands of steps. */
const namedMax = 20;

/** `where`: what has no such step, at the beginning of the sentence. */
export function noSuchStep(
  where: string,
  step: string,
  ids: Iterable<string>,
  evidence: Readonly<Record<string, string>> = {},
): AgentCoreError {
  const known = [...new Set(ids)];
  const more = known.length > namedMax ? `, and ${known.length - namedMax} more` : "";
  const cure = didYouMean(step, known) || `; there are ${known.slice(0, namedMax).join(", ")}${more}`;
  return new AgentCoreError("AC_WORKFLOW_STEP", `${where} has no step "${step}"${cure}`, {
    evidence: { ...evidence, step },
  });
}
