/**
 * Reads `--output-format stream-json`: first `system/init`, then `assistant`, `user` and other `system` lines, at the end
 * one `result`. A run that was stopped or crashed has no `result`; then the reader reports what it knows so far.
 */
import {
  errorClassTraits,
  unknownUsage,
  type OutputReader,
  type ReaderContext,
  type WorkerError,
  type WorkerEvent,
  type WorkerReport,
} from "@agentcore/contract";
import {
  countAt,
  jsonLineReader,
  mostUsage,
  numberAt,
  oneLine,
  providerError,
  stderrEvent,
  stringAt,
  usageErrorOf,
  type JsonObject,
} from "@agentcore/worker-kit";
import { Denials } from "./denials.ts";
import { ClaudeMessages } from "./messages.ts";
import { readResult, type ClaudeResult } from "./result-line.ts";

/** From this retry on, a refusal that no retry can fix ends the run. An earlier one may be a login that is being renewed. */
const hopelessRetry = 3;

/** Number of parts of a response that make one sign of activity. */
const piecesPerProgress = 8;

/** Lines without information for people. */
const quietSubtypes = new Set([
  "status",
  "hook_started",
  "hook_progress",
  "hook_response",
  "compact_boundary",
  "task_started",
  "task_progress",
  "task_updated",
  "task_notification",
]);

export function createClaudeReader(context: ReaderContext): OutputReader {
  const state = new ClaudeRun(context);
  const lines = jsonLineReader({
    object: (line) => state.line(line),
    stderr: (line) => state.stderr(line),
    end: (malformedLines) => state.report(malformedLines),
  });
  return {
    ...lines,
    stdout(line, oversized) {
      // The most frequent lines with partial messages; not worth parsing.
      return isPiece(line) ? state.piece() : lines.stdout(line, oversized);
    },
    fatal: () => state.hopeless,
  };
}

function isPiece(line: string): boolean {
  return (
    line.startsWith('{"type":"stream_event"') && line.slice(0, 100).includes('"type":"content_block_delta"')
  );
}

class ClaudeRun {
  hopeless: WorkerError | null = null;
  readonly #denials = new Denials();
  readonly #messages = new ClaudeMessages(this.#denials);
  #session: string | null = null;
  readonly #resumed: boolean;
  #model: string | null;
  #result: ClaudeResult | null = null;
  /** Why the request is being retried; null once the provider has replied. */
  #retrying: WorkerError | null = null;
  #usageError: WorkerError | null = null;
  #pieces = 0;

  constructor({ model, task }: ReaderContext) {
    this.#model = model;
    this.#resumed = task.session !== undefined;
  }

  line(line: JsonObject): readonly WorkerEvent[] | null {
    switch (stringAt(line, "type")) {
      case "assistant":
        this.#retrying = null;
        return this.#messages.assistant(line);
      case "user":
        return this.#messages.user(line);
      case "system":
        return this.#system(line);
      case "result":
        return this.#end(line);
      case "stream_event":
        return this.#messages.stream(line);
      case "tool_progress":
        return [{ type: "progress", text: toolProgress(line) }];
      default:
        return null;
    }
  }

  piece(): readonly WorkerEvent[] {
    this.#retrying = null;
    this.#pieces += 1;
    return this.#pieces % piecesPerProgress === 1 ? [{ type: "progress", text: "answering" }] : [];
  }

  stderr(line: string): readonly WorkerEvent[] {
    this.#usageError ??= usageErrorOf(line);
    return line === "" ? [] : [stderrEvent(line)];
  }

  report(malformedLines: number): WorkerReport {
    const result = this.#result;
    const costUsd = result?.costUsd ?? null;
    for (const tool of result?.deniedTools ?? []) this.#denials.note(tool);
    return {
      terminal: result === null ? "none" : result.error === null ? "success" : "error",
      error: result === null ? (this.hopeless ?? this.#retrying ?? this.#usageError) : result.error,
      deniedTools: this.#denials.tools(),
      summary: result !== null && result.summary !== "" ? result.summary : this.#messages.lastText,
      session: result?.session ?? this.#session,
      model: this.#model,
      usage: mostUsage(result?.usage ?? unknownUsage, this.#messages.usageSoFar()),
      costUsd,
      costBasis: costUsd === null ? "none" : "reported",
      malformedLines,
    };
  }

  #system(line: JsonObject): readonly WorkerEvent[] | null {
    const subtype = stringAt(line, "subtype");
    if (subtype === "init") return [this.#started(line)];
    if (subtype === "api_retry") return [this.#apiRetry(line)];
    if (subtype === "permission_denied") {
      return [this.#denials.add(stringAt(line, "tool_name") ?? "unknown", stringAt(line, "message") ?? "")];
    }
    return subtype !== null && quietSubtypes.has(subtype) ? [] : null;
  }

  #started(line: JsonObject): WorkerEvent {
    this.#session = stringAt(line, "session_id") ?? this.#session;
    this.#model = stringAt(line, "model") ?? this.#model;
    return { type: "started", session: this.#session, model: this.#model };
  }

  #apiRetry(line: JsonObject): WorkerEvent {
    const status = numberAt(line, "error_status");
    const reason = stringAt(line, "error") ?? "no answer";
    const attempt = countAt(line, "attempt") ?? 0;
    const words = status === null ? reason : `${status} ${reason}`;
    // Without a status, there was no response: the connection was refused, reset, or silent.
    const error = providerError({ message: `the provider answers ${words}`, status });
    this.#retrying = error.class === "worker_protocol" ? { ...error, class: "network" } : error;
    if (attempt >= hopelessRetry && !errorClassTraits[this.#retrying.class].retryable) {
      this.hopeless ??= this.#retrying;
    }
    const seconds = ((numberAt(line, "retry_delay_ms") ?? 0) / 1000).toFixed(1);
    return {
      type: "progress",
      text: `provider: ${oneLine(words)}; retry ${attempt} of ${countAt(line, "max_retries") ?? "?"} in ${seconds} s`,
    };
  }

  #end(line: JsonObject): WorkerEvent[] {
    this.#result = readResult(line, this.#resumed);
    const { usage, costUsd } = this.#result;
    return [{ type: "usage", usage, costUsd }, { type: "ended" }];
  }
}

function toolProgress(line: JsonObject): string {
  const seconds = Math.round(numberAt(line, "elapsed_time_seconds") ?? 0);
  return oneLine(`${stringAt(line, "tool_name") ?? "a tool"} has been running for ${seconds} s`);
}
