/**
 * Turns Claude Code's last line, `result`, into outcome, error, tokens and cost. `subtype` may be "success" for a failed
 * run; only `is_error` counts.
 */
import { unknownUsage, type Usage, type WorkerError } from "@agentcore/contract";
import {
  addCounts,
  addUsd,
  arrayAt,
  booleanAt,
  countAt,
  numberAt,
  objectAt,
  providerError,
  stringAt,
  sumUsage,
  type JsonObject,
} from "@agentcore/worker-kit";

export interface ClaudeResult {
  readonly error: WorkerError | null;
  readonly summary: string;
  readonly usage: Usage;
  readonly costUsd: number | null;
  readonly session: string | null;
  readonly deniedTools: readonly string[];
}

/** `resumed`: the run continued a session of an earlier one. */
export function readResult(line: JsonObject, resumed: boolean): ClaudeResult {
  const failed = booleanAt(line, "is_error") !== false;
  const firstError = arrayAt(line, "errors").find((each) => typeof each === "string");
  const summary = stringAt(line, "result") ?? firstError ?? "";
  return {
    error: failed ? errorOf(line, summary) : null,
    summary,
    ...spendOf(line, resumed),
    session: stringAt(line, "session_id"),
    deniedTools: arrayAt(line, "permission_denials").flatMap((denial) => stringAt(denial, "tool_name") ?? []),
  };
}

function errorOf(line: JsonObject, summary: string): WorkerError {
  const subtype = stringAt(line, "subtype");
  const ended = stringAt(line, "terminal_reason");
  const message = summary === "" ? `Claude Code failed: ${ended ?? subtype ?? "no reason given"}` : summary;
  const plain = { message, status: null, retryAfterMs: null };
  if (subtype === "error_max_budget_usd" || ended === "budget_exhausted") {
    return { class: "budget_exhausted", ...plain };
  }
  if (subtype === "error_max_turns" || ended === "max_turns") return { class: "task_failed", ...plain };
  // An interrupt that the runner did not send: for the runner's own, the stop cause would decide.
  if (ended?.startsWith("aborted_") === true) {
    return { class: "worker_crashed", ...plain, message: `Claude Code was interrupted (${ended})` };
  }
  return providerError({ message, status: numberAt(line, "api_error_status") });
}

/**
 * The spending of this run. In a resumed session, `modelUsage` and `total_cost_usd` include earlier runs, and `usage`
 * misses the request that a budget cut off. The usage since the last result is exact if it is printed. If not, the cost of
 * a resumed run is unknown and is estimated from its tokens.
 */
function spendOf(line: JsonObject, resumed: boolean): { usage: Usage; costUsd: number | null } {
  const since = objectAt(line, "model_usage_since_last_result");
  const models = Object.values(since ?? {});
  const ofModels = models.reduce<number>(
    (total, each) => addUsd(total, positive(numberAt(each, "costUSD")) ?? 0),
    0,
  );
  if (models.length > 0)
    return { usage: sumUsage(models.map((each) => modelUsage(each))), costUsd: ofModels };
  const usage = usageOf(objectAt(line, "usage"));
  if (resumed) return { usage, costUsd: since === null ? null : 0 };
  return { usage, costUsd: positive(numberAt(line, "total_cost_usd")) };
}

function modelUsage(model: unknown): Usage {
  return {
    inputTokens: plus(countAt(model, "inputTokens"), countAt(model, "cacheCreationInputTokens")),
    cachedInputTokens: countAt(model, "cacheReadInputTokens"),
    outputTokens: countAt(model, "outputTokens"),
  };
}

/** A `usage` object of the Messages API. Tokens written to the cache are billed as input, so they count as such. */
export function usageOf(usage: JsonObject | null): Usage {
  if (usage === null) return unknownUsage;
  return {
    inputTokens: plus(countAt(usage, "input_tokens"), countAt(usage, "cache_creation_input_tokens")),
    cachedInputTokens: countAt(usage, "cache_read_input_tokens"),
    outputTokens: countAt(usage, "output_tokens"),
  };
}

function plus(a: number | null, b: number | null): number | null {
  return a === null ? b : addCounts(a, b ?? 0);
}

function positive(value: number | null): number | null {
  return value !== null && value >= 0 ? value : null;
}
