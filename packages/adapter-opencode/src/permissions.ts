/**
 * Capabilities as OpenCode's `permission` configuration. Everything is `allow` or `deny`: an `ask` would have nobody to
 * answer it, and ends the run. A denied tool is not offered to the model at all; of patterns the last match counts.
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
    // As OpenCode's default has it, but for the "ask" that it has for files with secrets.
    read: { "*": "allow", "*.env": "deny", "*.env.*": "deny", "*.env.example": "allow" },
  };
}

/**
 * OpenCode takes a command line apart and looks at each command, but leaves redirections with theirs: `npm test > file`
 * would pass as `npm test`. Hence the last pattern, which also refuses the harmless `2>&1`.
 */
function testPatterns(): Record<string, Rule> {
  const allowed = testCommandPrefixes.flatMap((prefix) => [prefix, `${prefix} *`]);
  return { "*": "deny", ...Object.fromEntries(allowed.map((pattern) => [pattern, "allow"])), "*>*": "deny" };
}
