/** The parameters of a run: what the caller gave, read as the workflow declares it. Pure. */
import { AgentCoreError } from "@agentcore/contract";
import type { InputDeclaration, Workflow } from "../definition.ts";

export type InputValue = string | number | boolean | null;
export type InputValues = Readonly<Record<string, InputValue>>;

/** Throws `AC_WORKFLOW_INPUT` with everything that is wrong with them. Texts are read as the declared type. */
export function resolveInputs(workflow: Workflow, given: InputValues): InputValues {
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
      if (declaration.required)
        problems.push(`input "${name}" is required; give it with --input ${name}=VALUE`);
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

function readAs({ type }: InputDeclaration, value: InputValue): InputValue | undefined {
  if (typeof value === type) return value;
  if (typeof value !== "string") return type === "string" && value !== null ? String(value) : undefined;
  switch (type) {
    case "string":
      return value;
    case "number":
      return value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : undefined;
    case "boolean":
      return value === "true" ? true : value === "false" ? false : undefined;
  }
}
