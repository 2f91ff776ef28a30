/** Paths that a command names on the machine of a daemon. */
import { AgentCoreError } from "@agentcore/contract";
import { isAbsolute } from "node:path";

/** The path as given. `what`: for people; `where`: the option or argument. Throws `AC_USAGE` unless it is absolute. */
export function pathThere(what: string, where: string, given: string | undefined): string {
  if (given !== undefined && isAbsolute(given)) return given;
  const problem = given === undefined ? "is not given" : `"${given}" is relative to this machine`;
  throw new AgentCoreError(
    "AC_USAGE",
    `${what} ${problem}: name its absolute path on the daemon's machine (${where} /PATH)`,
  );
}
