/**
 * The arguments that a task may add: they only change how Claude Code thinks and replies. The adapter sets every flag that
 * decides what Claude Code may do or reach, which model it uses, how long it runs, or how it prints.
 */
import { requireAllowedArgs } from "@agentcore/worker-kit";

const allowedArgs = {
  switches: [
    "--disable-slash-commands",
    "--exclude-dynamic-system-prompt-sections",
    "--include-partial-messages",
    "--no-session-persistence",
    "--safe-mode",
  ],
  values: ["--append-system-prompt", "--autocompact", "--effort", "--json-schema", "--system-prompt"],
};

export function checkClaudeArgs(args: readonly string[]): void {
  requireAllowedArgs("claude-code", args, allowedArgs);
}
