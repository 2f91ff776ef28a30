/**
 * Maps capabilities to Claude Code's permission flags, in two layers, so that one mistake is not enough: `--tools` decides
 * which tools the model gets at all (including subagents), and the permission mode refuses everything that no rule allows.
 *
 * No rule names Read, Edit or Write, because an allow rule would remove the mode's limit to the workspace.
 */
import type { Capability } from "@agentcore/contract";
import { capabilitySet, mapCapabilities, testCommandPrefixes } from "@agentcore/worker-kit";

export interface ClaudePermissions {
  /** `acceptEdits` writes in the workspace without asking; `dontAsk` refuses everything that no rule allows. */
  readonly mode: "acceptEdits" | "dontAsk";
  readonly tools: readonly string[];
  readonly allowRules: readonly string[];
}

/** Tools by the capability that needs them. Task starts subagents, which have the same tools; TaskCreate is a to-do list. */
const toolsByCapability: Readonly<Record<Capability, readonly string[]>> = {
  read: ["Read", "Glob", "Grep", "Task", "TaskCreate", "TaskGet", "TaskList", "TaskUpdate"],
  edit: ["Edit", "Write", "NotebookEdit"],
  run_tests: ["Bash"],
  run_commands: ["Bash", "TaskStop"],
};

export function claudePermissions(
  granted: readonly Capability[],
  extraTools: readonly string[],
): ClaudePermissions {
  const set = capabilitySet(granted);
  return {
    mode: set.edit ? "acceptEdits" : "dontAsk",
    tools: [...new Set([...mapCapabilities(granted, toolsByCapability), ...extraTools])],
    allowRules: [...commandRules(set.runTests, set.runCommands), ...extraTools],
  };
}

function commandRules(runTests: boolean, runCommands: boolean): readonly string[] {
  if (runCommands) return ["Bash"];
  return runTests ? testCommandPrefixes.map((prefix) => `Bash(${prefix}:*)`) : [];
}
