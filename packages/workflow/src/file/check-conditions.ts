/** Checks a condition for a result that is known before the run: comparisons with impossible statuses, functions that cannot be true. */
import { didYouMean } from "@agentcore/yaml-file";
import { functionOf, isTrue, referencesOf, type Expression, type StatusFunction } from "../expression.ts";

const endedStatuses: readonly string[] = ["SUCCEEDED", "FAILED", "INCOMPLETE", "SKIPPED", "CANCELLED"];

/** Comparisons with a status that no ended step can have: their result would always be the same. */
export function comparisonProblems(expression: Expression): string[] {
  switch (expression.kind) {
    case "literal":
    case "reference":
      return [];
    case "not":
      return comparisonProblems(expression.of);
    case "and":
    case "or":
      return [...comparisonProblems(expression.left), ...comparisonProblems(expression.right)];
    case "equal":
    case "unequal":
      return [
        ...statusProblem(expression.left, expression.right),
        ...statusProblem(expression.right, expression.left),
      ];
  }
}

function statusProblem(reference: Expression, literal: Expression): string[] {
  if (reference.kind !== "reference" || literal.kind !== "literal") return [];
  const [root, , field, more] = reference.path;
  if (root !== "steps" || field !== "status" || more !== undefined) return [];
  const { value } = literal;
  if (typeof value === "string" && endedStatuses.includes(value)) return [];
  const meant = didYouMean(String(value), endedStatuses);
  return [
    `${reference.path.join(".")} is never ${JSON.stringify(value)}; it is one of ${endedStatuses.join(", ")}${meant}`,
  ];
}

/** Why the step could never run, if the functions of its condition say so; null if it could. Not for steps of `finally`. */
export function neverMet(expression: Expression, step: string, waits: boolean): string | null {
  const used = new Set(referencesOf(expression).flatMap((path) => functionOf(path) ?? []));
  const reacts = used.has("failure()") || used.has("cancelled()") || used.has("always()");
  const known = new Map<StatusFunction, boolean>([["always()", true]]);
  if (!waits) known.set("failure()", false).set("cancelled()", false);
  if (!waits || !reacts) known.set("success()", true);
  if (truthOf(expression, known) !== false || truthOf(expression, new Map()) === false) return null;
  if (!reacts)
    return "is never true: without failure(), cancelled() or always(), a step runs only if all in depends_on passed; write failure() || cancelled()";
  const functions = [...used].filter((name) => known.get(name) === false).join(" and ");
  if (functions === "") return "is never true";
  return `step "${step}" waits for no other, so ${functions} cannot be true; name the steps that it is about in depends_on`;
}

/** Undefined if it depends on something that is not known. */
function truthOf(expression: Expression, known: ReadonlyMap<StatusFunction, boolean>): boolean | undefined {
  switch (expression.kind) {
    case "literal":
      return isTrue(expression.value);
    case "reference": {
      const called = functionOf(expression.path);
      return called === undefined ? undefined : known.get(called);
    }
    case "not": {
      const inner = truthOf(expression.of, known);
      return inner === undefined ? undefined : !inner;
    }
    case "and":
    case "or": {
      const sides = [truthOf(expression.left, known), truthOf(expression.right, known)];
      const deciding = expression.kind === "or";
      if (sides.includes(deciding)) return deciding;
      return sides.includes(undefined) ? undefined : !deciding;
    }
    case "equal":
    case "unequal":
      return undefined;
  }
}
