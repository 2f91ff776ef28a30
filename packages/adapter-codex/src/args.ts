/**
 * The arguments that a task may add: `-c` with keys that only change how Codex thinks and replies. The adapter sets
 * everything that decides the sandbox, the provider, the model, the files that are run, or how Codex prints.
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
