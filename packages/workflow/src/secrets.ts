/** The secrets of a run: variables of its caller, which are passed on to workers, masked, and stored nowhere. */
import {
  AgentCoreError,
  canMask,
  createMasker,
  noMasker,
  secretCharsMin,
  type Masker,
} from "@agentcore/contract";
import type { Workflow } from "./definition.ts";

/** The value of a variable of the caller's environment; undefined if it is not set. */
export type SecretValue = (name: string) => string | undefined;

/** Of the workflow and its sub-workflows, each once, with what uses it first. */
function secretsOf(workflow: Workflow): ReadonlyMap<string, string> {
  const found = secretsOfSteps(workflow, "");
  // Notifications of sub-workflows have no effect.
  for (const name of workflow.notify.flatMap(({ secrets }) => secrets))
    if (!found.has(name)) found.set(name, "a notification");
  return found;
}

function secretsOfSteps(workflow: Workflow, above: string): Map<string, string> {
  const found = new Map<string, string>();
  const note = (name: string, user: string): void => void (found.has(name) || found.set(name, user));
  for (const { id, secrets, action } of workflow.steps) {
    for (const name of secrets) note(name, `step "${above}${id}"`);
    if (action.kind !== "workflow") continue;
    for (const [name, user] of secretsOfSteps(action.workflow, `${above}${id}/`)) note(name, user);
  }
  return found;
}

/** Throws `AC_WORKFLOW_SECRET` with all that is wrong. */
export function requireSecrets(workflow: Workflow, valueOf: SecretValue): void {
  const problems = [...secretsOf(workflow)].flatMap(([name, user]) => {
    const value = valueOf(name) ?? "";
    if (value === "") return [`the secret ${name} of ${user} is not set in the environment`];
    return canMask(value)
      ? []
      : [`the secret ${name} of ${user} is shorter than ${secretCharsMin} characters`];
  });
  if (problems.length === 0) return;
  throw new AgentCoreError("AC_WORKFLOW_SECRET", problems.join("; "), {
    evidence: { variables: [...secretsOf(workflow).keys()] },
  });
}

/** Masks what steps left: their values, decisions and reasons. */
export function maskerOf(workflow: Workflow, valueOf: SecretValue): Masker {
  const names = [...secretsOf(workflow).keys()];
  return names.length === 0 ? noMasker : createMasker(names.map((name) => valueOf(name) ?? ""));
}
