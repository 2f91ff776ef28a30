/**
 * Refuses scripts in which bash would read a value as code. References to variables do not protect there: in arithmetic, bash
 * runs commands in the subscripts of the text that a variable holds. Numbers, booleans and what the file itself says are safe.
 */
import {
  canonicalWorker,
  codeInScript,
  listOf,
  rawOf,
  textOf,
  type CodeInScript,
  type Path,
  type Raw,
  type Report,
} from "@agentcore/yaml-file";
import { parseExpression } from "../expression.ts";
import { placeholderAt } from "../placeholder.ts";
import { inputVariable, matrixVariable } from "../value-variables.ts";
import type { RawSteps } from "./raw.ts";

/** `profileOf`: the keys of an agent profile; empty for an unknown one. */
export function checkCode(
  file: Raw,
  steps: RawSteps,
  profileOf: (agent: string) => Raw,
  report: Report,
): void {
  const texts = Object.entries(rawOf(file["inputs"])).flatMap(([name, input]) =>
    (textOf(rawOf(input)["type"]) ?? "string") === "string" ? [name] : [],
  );
  const ofRun: Texts = { inputs: new Set(texts), matrix: new Set() };
  for (const [index, rule] of listOf(file["notify"]).entries())
    checkScript(rawOf(rule)["command"], ["notify", index, "command"], ofRun, report);
  for (const [id, step] of steps.byId) {
    // Lists in the file are as trusted as its scripts.
    const lists = Object.entries(rawOf(step["matrix"])).filter(([, list]) => typeof list === "string");
    const ofStep: Texts = { ...ofRun, matrix: new Set(lists.map(([key]) => key)) };
    checkScript(step["verify"], steps.pathOf(id, "verify"), ofStep, report);
    for (const [work, path] of [
      [step, steps.pathOf(id)],
      [rawOf(step["completion_check"]), steps.pathOf(id, "completion_check")],
    ] as const) {
      const profile = rawOf(profileOf(textOf(work["agent"]) ?? ""));
      const worker = textOf(work["worker"]) ?? textOf(profile["worker"]);
      if (worker === undefined || canonicalWorker(worker) !== "shell") continue;
      checkScript(profile["base_instructions"], [...path, "agent"], ofStep, report);
      checkScript(work["instructions"], [...path, "instructions"], ofStep, report);
    }
  }
}

/** Names of values that somebody else than the file decides. */
interface Texts {
  readonly inputs: ReadonlySet<string>;
  readonly matrix: ReadonlySet<string>;
}

function checkScript(value: unknown, path: Path, texts: Texts, report: Report): void {
  const script = textOf(value);
  if (script === undefined) return;
  const placeholders = codeInScript(script, placeholderAt).filter(({ placeholder }) =>
    canBeAnyText(placeholder.slice(3, -2).trim(), texts),
  );
  const variables = codeInScript(script, variableAt(texts)).filter(isEvaluated);
  for (const found of [...placeholders, ...variables]) report(path, problemOf(found));
}

function canBeAnyText(expression: string, { inputs, matrix }: Texts): boolean {
  const parsed = parseExpression(expression);
  // Every other expression is true or false.
  if (!parsed.ok || parsed.expression.kind !== "reference") return false;
  const [root, name = "", field] = parsed.expression.path;
  if (root === "inputs") return inputs.has(name);
  if (root === "matrix") return matrix.has(name);
  return root === "secrets" || field === "outputs";
}

/** Finds the variables that hold inputs and matrix values. */
function variableAt({ inputs, matrix }: Texts) {
  const names = new Set([...[...inputs].map(inputVariable), ...[...matrix].map(matrixVariable)]);
  const name = /(?<!\w)AGENTCORE_(?:INPUT|MATRIX)_\w+/y;
  return (text: string, at: number): { readonly end: number } | null => {
    if (text[at] !== "A") return null;
    name.lastIndex = at;
    const found = name.exec(text)?.[0];
    return found !== undefined && names.has(found) ? { end: at + found.length } : null;
  };
}

/** A script that is quoted for another shell may well use the variable; in arithmetic its value is code. */
const isEvaluated = ({ as, where }: CodeInScript): boolean =>
  as === "arithmetic" && /…|subscript/.test(where);

function problemOf({ placeholder, where, as }: CodeInScript): string {
  if (as === "commands")
    return `in ${where}, bash runs the value of ${placeholder} as code; pass it as an argument or a variable, as in bash -c 'echo "$1"' _ "${placeholder}"`;
  const value = placeholder.startsWith("$") ? placeholder : `$${placeholder}`;
  return (
    `in ${where}, bash runs commands that the value of ${placeholder} contains; declare the input with type: number, or check the ` +
    `value first: n="${value}"; case $n in "" | *[!0-9]*) exit 1 ;; esac; and use $n`
  );
}
