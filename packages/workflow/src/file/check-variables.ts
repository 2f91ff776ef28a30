/** Checks the environment of steps: the names in `env`, and the variables that inputs and matrix values become. */
import { inputVariable, matrixVariable } from "../value-variables.ts";
import {
  listOf,
  rawOf,
  textOf,
  type Path,
  type Raw,
  type Report,
  variableProblem,
} from "@agentcore/yaml-file";
import type { RawSteps } from "./raw.ts";

export function checkVariables(file: Raw, steps: RawSteps, report: Report): void {
  checkEnv(rawOf(file["defaults"])["env"], ["defaults", "env"], report);
  checkEnv(file["env"], ["env"], report);
  const envOfFile = [file["env"], rawOf(file["defaults"])["env"]];
  const envsOf = (step: Raw): unknown[] => [step["env"], rawOf(step["completion_check"])["env"]];
  const envOfSteps = [...steps.byId.values()].flatMap(envsOf);
  checkSecrets(file, ["secrets"], [...envOfFile, ...envOfSteps], report);
  checkDistinct(Object.keys(rawOf(file["inputs"])), inputVariable, ["inputs"], report);
  for (const [id, step] of steps.byId) {
    const path = steps.pathOf(id);
    checkEnv(step["env"], [...path, "env"], report);
    checkSecrets(step, [...path, "secrets"], [...envOfFile, ...envsOf(step)], report);
    checkEnv(rawOf(step["completion_check"])["env"], [...path, "completion_check", "env"], report);
    checkDistinct(Object.keys(rawOf(step["matrix"])), matrixVariable, [...path, "matrix"], report);
  }
}

function checkEnv(env: unknown, path: Path, report: Report): void {
  for (const [name, value] of Object.entries(rawOf(env))) {
    const problem = variableProblem(name, ownNames);
    if (problem !== null) report([...path, name], problem, "key");
    if (typeof value === "string" && value.includes("\0"))
      report([...path, name], "holds a NUL character, which no environment variable can");
  }
}

/** A secret must not be a variable that the same place sets. */
function checkSecrets(owner: Raw, path: Path, envs: readonly unknown[], report: Report): void {
  const seen = new Set<string>();
  for (const [index, value] of listOf(owner["secrets"]).entries()) {
    const name = textOf(value);
    if (name === undefined) continue;
    const problem = variableProblem(name, ownNames);
    if (problem !== null) report([...path, index], problem);
    else if (seen.has(name)) report([...path, index], `"${name}" is listed twice`);
    else if (envs.some((env) => Object.hasOwn(rawOf(env), name)))
      report([...path, index], `${name} is also in env; leave out one of the two`);
    seen.add(name);
  }
}

/** Names that the run itself sets. */
const ownNames = ["BASE_BRANCH", "BASE_SHA"];

function checkDistinct(
  names: readonly string[],
  variableOf: (name: string) => string,
  path: Path,
  report: Report,
): void {
  const byVariable = new Map<string, string>();
  for (const name of names) {
    const variable = variableOf(name);
    const other = byVariable.get(variable);
    if (other === undefined) byVariable.set(variable, name);
    else
      report([...path, name], `"${name}" and "${other}" both become ${variable}; rename one of them`, "key");
  }
}
