/**
 * What a task's own `args` may hold: how Claude Code thinks and answers. Everything that decides what it may do, what it
 * may reach, which model it asks, how long it goes on or how it prints is the adapter's.
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
