/** Reads the caller's inputs of a run as the workflow declares them. Pure. */
import { AgentCoreError } from "@agentcore/contract";
import type { Workflow } from "./definition.ts";
import type { Lookup } from "./expression.ts";
import { readAs } from "./input-value.ts";

export type InputValue = string | number | boolean | null;
export type InputValues = Readonly<Record<string, InputValue>>;

/** For texts that may only use inputs. */
export function inputLookup(inputs: InputValues): Lookup {
  return ([root, name = ""]) =>
    root === "inputs" && Object.hasOwn(inputs, name) ? (inputs[name] ?? null) : null;
}

/**
 * Throws `AC_WORKFLOW_INPUT` with all that is wrong. Texts are read as the declared type. `cure`: how to give a missing input.
 */
export function resolveInputs(
  workflow: Workflow,
  given: InputValues,
  cure = (_name: string): string => `give it a value`,
): InputValues {
  const problems: string[] = [];
  const values: Record<string, InputValue> = {};
  for (const name of Object.keys(given)) {
    if (workflow.inputs.has(name)) continue;
    const known = [...workflow.inputs.keys()];
    problems.push(
      `there is no input "${name}"; ${known.length === 0 ? "the workflow has none" : `there are ${known.join(", ")}`}`,
    );
  }
  for (const [name, declaration] of workflow.inputs) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined) {
      if (declaration.required) problems.push(`input "${name}" is required; ${cure(name)}`);
      values[name] = declaration.default;
      continue;
    }
    const read = readAs(declaration, value);
    if (read === undefined)
      problems.push(`input "${name}" is a ${declaration.type}, not ${JSON.stringify(value)}`);
    else values[name] = read;
  }
  if (problems.length > 0) throw new AgentCoreError("AC_WORKFLOW_INPUT", problems.join("; "));
  return values;
}

/** The inputs of a sub-workflow. A value that evaluates to nothing counts as not given. */
export function childInputs(
  workflow: Workflow,
  given: ReadonlyMap<string, string | number | boolean>,
  valueOf: (text: string) => InputValue,
): InputValues {
  const values = [...given].map(([name, value]) => [
    name,
    typeof value === "string" ? valueOf(value) : value,
  ]);
  const known = values.filter(([, value]) => value !== null);
  return resolveInputs(workflow, Object.fromEntries(known), (name) => `give it in with: { ${name}: … }`);
}
