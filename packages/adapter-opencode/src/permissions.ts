/**
 * Maps capabilities to OpenCode's `permission` configuration, with only `allow` and `deny`: an `ask` could not be answered
 * and would end the run. A denied tool is not offered to the model at all; the last matching pattern counts.
 */
import type { Capability } from "@agentcore/contract";
import { capabilitySet, testCommandPrefixes } from "@agentcore/worker-kit";

type Rule = "allow" | "deny";
export type Permission = Readonly<Record<string, Rule | Readonly<Record<string, Rule>>>>;

export function openCodePermission(granted: readonly Capability[]): Permission {
  const set = capabilitySet(granted);
  return {
    edit: set.edit ? "allow" : "deny",
    bash: set.runCommands ? "allow" : set.runTests ? testPatterns() : "deny",
    webfetch: "deny",
    websearch: "deny",
    external_directory: "deny",
    doom_loop: "deny",
    question: "deny",
    // OpenCode's default, except that it has "ask" for files with secrets.
    read: { "*": "allow", "*.env": "deny", "*.env.*": "deny", "*.env.example": "allow" },
  };
}

/**
 * OpenCode checks each command of a command line, but keeps redirections with their command: `npm test > file` would pass
 * as `npm test`. The last pattern prevents that; it also refuses the harmless `2>&1`.
 */
function testPatterns(): Record<string, Rule> {
  const allowed = testCommandPrefixes.flatMap((prefix) => [prefix, `${prefix} *`]);
  return { "*": "deny", ...Object.fromEntries(allowed.map((pattern) => [pattern, "allow"])), "*>*": "deny" };
}
