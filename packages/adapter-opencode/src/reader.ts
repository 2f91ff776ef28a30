/**
 * Reads `opencode run --format json`: `step_start`, `text`, `tool_use`, `step_finish`, `error`. There is no first and no
 * last line. A run has succeeded if its last step ended with reason `stop`. Tokens and cost are reported per step and added
 * up.
 *
 * After an empty response (a gateway's HTML with status 200), OpenCode repeats the request without end, each time as a step
 * without text, tools, tokens or cost. Such a step emits no event, so it does not count as activity, and several in a row
 * end the run.
 *
 * OpenCode retries a failed request five times over a minute or, if the provider's `retry-after` says so, for hours. The
 * log on stderr reports each failure as text. If the text identifies the cause, the run ends after two retries, and at once
 * for a rate limit, because AgentCore waits for those. If not, OpenCode's own end has the status.
 */
import { stripVTControlCharacters } from "node:util";
import {
  unknownUsage,
  type OutputReader,
  type ReaderContext,
  type Usage,
  type WorkerError,
  type WorkerEvent,
  type WorkerReport,
  tokensOf,
} from "@agentcore/contract";
import {
  addCounts,
  addUsage,
  addUsd,
  classifyProviderText,
  countAt,
  jsonLineReader,
  numberAt,
  objectAt,
  oneLine,
  rateLimitPatience,
  providerError,
  stderrEvent,
  stringAt,
  textEvent,
  usageErrorOf,
  type JsonObject,
} from "@agentcore/worker-kit";
import { failureOf } from "./failure.ts";
import { failedRequest, isLogLine } from "./log-line.ts";
import { readToolUse } from "./tools.ts";

const emptyStepsMax = 5;
/** Retries of one request that are allowed if the log says why it failed. */
const retriesMax = 2;

const deniedToolsMax = 100;

export function createOpenCodeReader(context: ReaderContext): OutputReader {
  const state = new OpenCodeRun(context);
  const lines = jsonLineReader({
    object: (line) => state.line(line),
    stderr: (line) => state.stderr(line),
    end: (malformedLines) => state.report(malformedLines),
  });
  return { ...lines, fatal: () => state.hopeless, waiting: () => state.waiting };
}

class OpenCodeRun {
  hopeless: WorkerError | null = null;
  /** Set after a rate limit; the next line of output clears it. */
  waiting: { readonly error: WorkerError; readonly forMs: number } | null = null;
  readonly #model: string | null;
  readonly #stepsMax: number;
  readonly #denied = new Set<string>();
  #session: string | null = null;
  #lastText = "";
  #usage: Usage = unknownUsage;
  #costUsd = 0;
  #lastReason: string | null = null;
  #steps = 0;
  /** Empty steps in a row, and whether the current one has content. */
  #emptySteps = 0;
  #stepIsEmpty = true;
  /** Failures of the current request that the log reported. */
  #failedRequests = 0;
  #failure: WorkerError | null = null;
  #startError: WorkerError | null = null;

  constructor({ model, task }: ReaderContext) {
    this.#model = model;
    this.#stepsMax = task.maxSteps ?? Infinity;
  }

  line(line: JsonObject): readonly WorkerEvent[] | null {
    this.waiting = null;
    const events = this.#read(line);
    if (events === null || this.#session !== null) return events;
    // No line marks the start of a run; the first line with a session does.
    this.#session = stringAt(line, "sessionID");
    if (this.#session === null) return events;
    return [{ type: "started", session: this.#session, model: this.#model }, ...events];
  }

  stderr(line: string): readonly WorkerEvent[] {
    const plain = stripVTControlCharacters(line).trim();
    if (plain === "") return [];
    const failed = failedRequest(plain);
    if (failed !== null) return [this.#requestFailed(failed)];
    if (isLogLine(plain)) return [stderrEvent(plain)];
    const refused = /permission requested: (\w+)\b.*; auto-rejecting/.exec(plain);
    if (refused !== null) return [this.#deny(refused[1] ?? "unknown", plain)];
    this.#startError ??= usageErrorOf(plain) ?? startErrorOf(plain);
    return [stderrEvent(plain)];
  }

  report(malformedLines: number): WorkerReport {
    const error = this.#errorAtEnd();
    const succeeded = error === null && this.#lastReason === "stop";
    const costUsd = this.#costUsd > 0 ? this.#costUsd : null;
    return {
      terminal: error !== null ? "error" : succeeded ? "success" : "none",
      error,
      deniedTools: [...this.#denied],
      summary: error !== null ? error.message : this.#lastText,
      session: this.#session,
      model: this.#model,
      usage: this.#usage,
      costUsd,
      // A sum of 0 means that OpenCode knows no prices for the model, not that it was free.
      costBasis: costUsd === null ? "none" : "reported",
      malformedLines,
    };
  }

  #requestFailed(words: string): WorkerEvent {
    this.#failedRequests += 1;
    const known = classifyProviderText(words);
    const error = providerError({ message: words, status: null });
    this.waiting = known === "rate_limited" ? rateLimitPatience(error) : null;
    const isOver = this.#failedRequests > retriesMax || (known === "rate_limited" && this.waiting === null);
    if (known !== null && isOver) this.hopeless ??= error;
    return { type: "progress", text: oneLine(`provider: ${words}; failure ${this.#failedRequests}`, 500) };
  }

  #read(line: JsonObject): readonly WorkerEvent[] | null {
    switch (stringAt(line, "type")) {
      case "step_start":
        this.#stepIsEmpty = true;
        return this.#lastReason === "stop" ? [{ type: "progress", text: "another step" }] : [];
      case "text":
        return this.#text(stringAt(line, "part", "text") ?? "");
      case "reasoning":
        this.#stepIsEmpty = false;
        return [{ type: "progress", text: "thinking" }];
      case "tool_use":
        return this.#toolUse(line);
      case "step_finish":
        return this.#stepFinish(line);
      case "error":
        this.#failure = failureOf(line, this.#steps > 0);
        return [{ type: "ended" }];
      default:
        return null;
    }
  }

  #text(text: string): WorkerEvent[] {
    if (text === "") return [];
    this.#stepIsEmpty = false;
    this.#lastText = text;
    return [textEvent(text)];
  }

  #toolUse(line: JsonObject): WorkerEvent[] {
    this.#stepIsEmpty = false;
    const { events, denied } = readToolUse(line);
    return denied === null ? [...events] : [...events, this.#deny(denied.tool, denied.text)];
  }

  #stepFinish(line: JsonObject): WorkerEvent[] {
    this.#failedRequests = 0;
    const part = objectAt(line, "part");
    const usage = stepUsage(objectAt(part, "tokens"));
    const tokens = tokensOf(usage) ?? 0;
    const costUsd = Math.max(0, numberAt(part, "cost") ?? 0);
    const wasAnswered = tokens > 0 || costUsd > 0;
    this.#steps += 1;
    this.#lastReason = stringAt(part, "reason");
    if (wasAnswered) this.#stepIsEmpty = false;
    if (!this.#stepIsEmpty) this.#failure = null;
    this.#countEmpty();
    // OpenCode continues after its last step if the model calls another tool; a last response without one is its end.
    if (this.#steps >= this.#stepsMax && this.#lastReason === "tool-calls")
      this.hopeless ??= tooManySteps(this.#steps);
    // The last step of a run, unless another one begins.
    const ended: WorkerEvent[] = this.#lastReason === "stop" ? [{ type: "ended" }] : [];
    if (!wasAnswered) return ended;
    this.#usage = addUsage(this.#usage, usage);
    this.#costUsd = addUsd(this.#costUsd, costUsd);
    return [
      { type: "usage", usage: this.#usage, costUsd: this.#costUsd > 0 ? this.#costUsd : null },
      ...ended,
    ];
  }

  #countEmpty(): void {
    this.#emptySteps = this.#stepIsEmpty ? this.#emptySteps + 1 : 0;
    if (this.#emptySteps >= emptyStepsMax) this.hopeless ??= emptyAnswers(this.#emptySteps);
  }

  #errorAtEnd(): WorkerError | null {
    const known = this.#failure ?? this.hopeless;
    if (known !== null) return known;
    switch (this.#lastReason) {
      case null:
        return this.#startError;
      case "length":
      case "content-filter":
        return { ...cutShort, message: `the model's last answer was cut short (${this.#lastReason})` };
      default:
        return this.#emptySteps > 0 ? emptyAnswers(this.#emptySteps) : null;
    }
  }

  #deny(tool: string, text: string): WorkerEvent {
    if (this.#denied.size < deniedToolsMax) this.#denied.add(tool);
    return { type: "denied", tool, text: oneLine(text, 500) };
  }
}

const unknownArgument: WorkerError = {
  class: "invalid_request",
  message: "OpenCode printed its help: it does not know one of its arguments",
  status: null,
  retryAfterMs: null,
};

const cutShort = { class: "task_failed", status: null, retryAfterMs: null } as const;

function tooManySteps(count: number): WorkerError {
  return {
    class: "task_failed",
    message: `not done after ${count} steps, the most that the task allows`,
    status: null,
    retryAfterMs: null,
  };
}

function emptyAnswers(count: number): WorkerError {
  const times = count === 1 ? "once" : `${count} times in a row`;
  return {
    class: "provider_unavailable",
    message: `the provider answered with nothing ${times}: no words, tokens or cost`,
    status: null,
    retryAfterMs: null,
  };
}

/** `input` excludes the cached tokens. Tokens that are neither input nor cache are output, including thinking. */
function stepUsage(tokens: JsonObject | null): Usage {
  const input = countAt(tokens, "input");
  const cacheRead = countAt(tokens, "cache", "read");
  const cacheWrite = countAt(tokens, "cache", "write") ?? 0;
  const output = countAt(tokens, "output");
  const reasoning = countAt(tokens, "reasoning") ?? 0;
  return {
    inputTokens: input === null ? null : addCounts(input, cacheWrite),
    cachedInputTokens: cacheRead,
    outputTokens: output === null ? null : addCounts(output, reasoning),
  };
}

/** `Error: …`, which OpenCode prints when it exits before it has a session; or its help, for an unknown argument. */
function startErrorOf(line: string): WorkerError | null {
  if (line.startsWith("opencode run [message")) return unknownArgument;
  const message = /^Error: (.*)$/.exec(line)?.[1];
  if (message === undefined) return null;
  const errorClass = classifyProviderText(message) ?? "worker_crashed";
  return { class: errorClass, message: oneLine(message, 500), status: null, retryAfterMs: null };
}
