/** Checks the ids that programs pass to the library. */
import { AgentCoreError } from "./errors.ts";

/** A program without types may pass anything, such as a parameter of a route that is missing. Throws `AC_OPTION_INVALID`. */
export function requireId(what: string, id: unknown): void {
  if (typeof id === "string") return;
  const given = id === undefined ? "undefined" : `a ${typeof id}`;
  throw new AgentCoreError("AC_OPTION_INVALID", `the id of a ${what} is a text, not ${given}`);
}
