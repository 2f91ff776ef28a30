/** Which of several forms a value was meant to have, and what is wrong with it then. Pure. */
import type * as z from "zod";

type Issue = z.core.$ZodIssue;

interface Form {
  readonly issues: readonly Issue[];
  /** Names of the value that the form does not have. */
  readonly foreign: readonly string[];
  /** Names of the form that the value does not have. */
  readonly missing: readonly string[];
  readonly depth: number;
}

export interface MeantForm {
  /** Their paths begin at the value. */
  readonly issues: readonly Issue[];
  /** Not empty if the value does not say which form was meant: it needs one of these names. */
  readonly oneOf: readonly string[];
}

/** `errors`: the issues of each form. */
export function meantForm(errors: readonly (readonly Issue[])[], value: unknown): MeantForm {
  const forms = errors.map((issues) => formOf(issues, value)).toSorted(byLikelihood);
  const [likeliest] = forms;
  if (likeliest === undefined) return { issues: [], oneOf: [] };
  const asLikely = forms.filter(
    ({ foreign, missing }) =>
      foreign.length === likeliest.foreign.length && missing.length === likeliest.missing.length,
  );
  const isOpen = asLikely.length > 1 && asLikely.every(({ missing }) => missing.length === 1);
  if (!isOpen) return { issues: likeliest.issues, oneOf: [] };
  return {
    issues: likeliest.issues.filter(({ code }) => code === "unrecognized_keys"),
    oneOf: [...new Set(asLikely.flatMap(({ missing }) => missing))],
  };
}

function formOf(issues: readonly Issue[], value: unknown): Form {
  const isMissing = ({ path: [name, ...rest] }: Issue): boolean =>
    name !== undefined &&
    rest.length === 0 &&
    typeof value === "object" &&
    value !== null &&
    !Object.hasOwn(value, name);
  return {
    issues,
    foreign: issues.flatMap((issue) =>
      issue.code === "unrecognized_keys" && issue.path.length === 0 ? issue.keys : [],
    ),
    missing: issues.filter(isMissing).map(({ path }) => String(path[0])),
    depth: Math.max(0, ...issues.map(({ path }) => path.length)),
  };
}

/** The form of which the value has the most names; then the one that matched the most of it. */
function byLikelihood(a: Form, b: Form): number {
  return a.foreign.length - b.foreign.length || a.missing.length - b.missing.length || b.depth - a.depth;
}
