/**
 * What a task's own `args` may hold: `-c` with keys that say how Codex thinks and answers. Everything that decides about
 * the sandbox, the provider, the model, files that are run, or how it prints is the adapter's.
 */
import { requireAllowedArgs } from "@agentcore/worker-kit";

const allowedArgs = {
  switches: ["--strict-config"],
  assignments: {
    flags: ["-c", "--config"],
    keys: [
      "compact_prompt",
      "developer_instructions",
      "hide_agent_reasoning",
      "model_auto_compact_token_limit",
      "model_context_window",
      "model_reasoning_effort",
      "model_reasoning_summary",
      "model_verbosity",
      "personality",
      "project_doc_max_bytes",
      "show_raw_agent_reasoning",
      "tool_output_token_limit",
    ],
  },
};

export function checkCodexArgs(args: readonly string[]): void {
  requireAllowedArgs("codex", args, allowedArgs);
}
