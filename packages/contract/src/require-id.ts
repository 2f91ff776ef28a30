/** Checks what programs pass to functions of the library that take no schema. */
import { AgentCoreError } from "./errors.ts";

/** A program without types may pass anything, such as a parameter of a route that is missing. Throws `AC_OPTION_INVALID`. */
export function requireId(what: string, id: unknown): void {
  if (typeof id === "string") return;
  const given = id === undefined ? "undefined" : `a ${typeof id}`;
  throw new AgentCoreError("AC_OPTION_INVALID", `the id of a ${what} is a text, not ${given}`);
}

const kinds = { boolean: "true or false", number: "a number", string: "a text" } as const;

/**
 * Throws `AC_OPTION_INVALID` if the options of the call are no object, or have one that is unknown or of another kind. `known`:
 * the kind of each; all of them are optional.
 */
export function requireOptions(
  call: string,
  given: unknown,
  known: Readonly<Record<string, keyof typeof kinds>>,
): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw invalid(`${call}: the options object must be a mapping of names to values, not ${shown(given)}`);
  }
  for (const [name, value] of Object.entries(given)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined)
      throw invalid(`${call}: ${name}: unknown option; there are ${Object.keys(known).join(", ")}`);
    if (value !== undefined && typeof value !== kind)
      throw invalid(`${call}: ${name}: must be ${kinds[kind]}, not ${shown(value)}`);
  }
}

const invalid = (message: string): AgentCoreError => new AgentCoreError("AC_OPTION_INVALID", message);

const shownMax = 40;

function shown(value: unknown): string {
  if (typeof value === "string") return `the text ${JSON.stringify(value.slice(0, shownMax))}`;
  if (Array.isArray(value)) return "a list";
  if (value === null) return "empty";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "object" ? "a mapping" : `a ${typeof value}`;
}
