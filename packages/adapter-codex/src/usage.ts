/** Reads tokens as Codex writes them, on stdout and in session files: `input_tokens` includes the cached ones. */
import { unknownUsage, type Usage } from "@agentcore/contract";
import { countAt, type JsonObject } from "@agentcore/worker-kit";

export function usageOf(usage: JsonObject | null): Usage {
  if (usage === null) return unknownUsage;
  const input = countAt(usage, "input_tokens");
  const cached = countAt(usage, "cached_input_tokens");
  return {
    inputTokens: input === null ? null : Math.max(0, input - (cached ?? 0)),
    cachedInputTokens: cached,
    outputTokens: countAt(usage, "output_tokens"),
  };
}
