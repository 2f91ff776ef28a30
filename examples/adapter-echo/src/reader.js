/**
 * Reads what the worker prints: each line becomes events, and the end a report. Nothing here may throw, whatever a line
 * holds; the accessors of the kit see to that.
 */
import { unknownUsage } from "@agentcore/contract";
import {
  classifyProviderStatus,
  countAt,
  jsonLineReader,
  numberAt,
  stringAt,
  textEvent,
} from "@agentcore/worker-kit";

/** @returns {import("@agentcore/contract").OutputReader} */
export function createReader() {
  /** @type {"none" | "success" | "error"} */
  let terminal = "none";
  /** @type {import("@agentcore/contract").WorkerReport["error"]} */
  let error = null;
  let summary = "";
  let usage = unknownUsage;
  /** @type {string | null} */
  let model = null;
  /** @type {string[]} */
  const deniedTools = [];

  return jsonLineReader({
    object(line) {
      switch (stringAt(line, "event")) {
        case "hello":
          model = stringAt(line, "model");
          return [{ type: "started", session: null, model }];
        case "wrote":
          return [{ type: "file_change", path: stringAt(line, "path") ?? "", change: "modify" }];
        case "refused": {
          const tool = stringAt(line, "tool") ?? "unknown";
          deniedTools.push(tool);
          return [{ type: "denied", tool, text: `${tool} is not allowed` }];
        }
        case "failed":
          terminal = "error";
          error = providerError(line);
          return [];
        case "done":
          terminal = "success";
          summary = stringAt(line, "words") ?? "";
          usage = {
            inputTokens: countAt(line, "tokens", "in"),
            cachedInputTokens: null,
            outputTokens: countAt(line, "tokens", "out"),
          };
          return [textEvent(summary), { type: "usage", usage, costUsd: null }];
        default:
          return null; // a line of a newer version: passed on as `raw`
      }
    },
    end: (malformedLines) => ({
      terminal,
      error,
      deniedTools,
      summary,
      session: null,
      model,
      usage,
      costUsd: null,
      costBasis: "none",
      malformedLines,
    }),
  });
}

/**
 * @param {import("@agentcore/worker-kit").JsonObject} line
 * @returns {import("@agentcore/contract").WorkerError}
 */
function providerError(line) {
  const status = countAt(line, "status");
  const waitSeconds = numberAt(line, "wait_s");
  return {
    class: status === null ? "worker_protocol" : classifyProviderStatus(status),
    message: stringAt(line, "message") ?? "it failed without a word",
    status,
    retryAfterMs: waitSeconds === null ? null : Math.max(0, waitSeconds * 1000),
  };
}
