/**
 * Reads `codex exec --json`: `thread.started`, `turn.started`, `item.*` and `error` lines, at the end `turn.completed` or
 * `turn.failed`. Refused tools and a missing session are reported only on stderr.
 */
import {
  errorClassTraits,
  unknownUsage,
  type OutputReader,
  type ReaderContext,
  type Usage,
  type WorkerError,
  type WorkerEvent,
  type WorkerReport,
} from "@agentcore/contract";
import {
  classifyProviderText,
  jsonLineReader,
  objectAt,
  oneLine,
  rateLimitPatience,
  stderrEvent,
  stringAt,
  usageErrorOf,
  type JsonObject,
} from "@agentcore/worker-kit";
import { failureOf, isSandboxBroken, reconnection, refusedTool } from "./failure.ts";
import { CodexItems } from "./items.ts";
import { usageOf } from "./usage.ts";

const deniedToolsMax = 100;

const sandboxBroken: WorkerError = {
  class: "worker_crashed",
  message:
    "Codex could not put up its sandbox, so its tools failed: CODEX_HOME must not be below the temporary directory",
  status: null,
  retryAfterMs: null,
};

export function createCodexReader(context: ReaderContext): OutputReader {
  const state = new CodexRun(context.model);
  const lines = jsonLineReader({
    object: (line) => state.line(line),
    stderr: (line) => state.stderr(line),
    end: (malformedLines) => state.report(malformedLines),
  });
  return { ...lines, fatal: () => state.hopeless, waiting: () => state.waiting };
}

class CodexRun {
  hopeless: WorkerError | null = null;
  /** Set after a 429 with a wait; the next line clears it. */
  waiting: { readonly error: WorkerError; readonly forMs: number } | null = null;
  readonly #denied = new Set<string>();
  readonly #items = new CodexItems((tool, text) => this.#deny(tool, text));
  readonly #model: string | null;
  #session: string | null = null;
  #usage: Usage = unknownUsage;
  #completed = false;
  #failure: WorkerError | null = null;
  /** The last `error` line: the reason if the run ends without another. */
  #lastError: WorkerError | null = null;
  #startError: WorkerError | null = null;
  #sandboxBroken = false;

  constructor(model: string | null) {
    this.#model = model;
  }

  line(line: JsonObject): readonly WorkerEvent[] | null {
    this.waiting = null;
    switch (stringAt(line, "type")) {
      case "thread.started":
        this.#session = stringAt(line, "thread_id") ?? this.#session;
        return [{ type: "started", session: this.#session, model: this.#model }];
      case "turn.started":
      case "item.updated":
        return [];
      case "item.started":
        return this.#item(line, (item) => this.#items.started(item));
      case "item.completed":
        return this.#item(line, (item) => this.#items.completed(item));
      case "error":
        return [this.#error(stringAt(line, "message") ?? "an error without a message")];
      case "turn.completed":
        return [this.#complete(line), { type: "ended" }];
      case "turn.failed":
        this.#failure = failureOf(stringAt(line, "error", "message") ?? "the turn failed");
        return [{ type: "ended" }];
      default:
        return null;
    }
  }

  stderr(line: string): readonly WorkerEvent[] {
    if (line === "" || line === "Reading prompt from stdin...") return [];
    const refused = refusedTool(line);
    if (refused !== null) return [this.#deny(refused.tool, refused.reason)];
    if (isSandboxBroken(line)) this.#sandboxBroken = true;
    this.#startError ??= usageErrorOf(line) ?? startErrorOf(line);
    return [stderrEvent(line)];
  }

  report(malformedLines: number): WorkerReport {
    const error = this.#errorAtEnd();
    return {
      terminal: this.#failure !== null ? "error" : this.#completed ? "success" : "none",
      error,
      deniedTools: [...this.#denied],
      summary: error !== null ? error.message : this.#items.lastText,
      session: this.#session,
      model: this.#model,
      usage: this.#usage,
      costUsd: null,
      costBasis: "none",
      malformedLines,
    };
  }

  #errorAtEnd(): WorkerError | null {
    if (this.#failure !== null) return this.#failure;
    if (this.#completed) {
      return this.#sandboxBroken && this.#items.commandsSucceeded === 0 ? sandboxBroken : null;
    }
    return this.hopeless ?? this.#lastError ?? this.#startError;
  }

  #item(line: JsonObject, read: (item: JsonObject) => WorkerEvent[] | null): readonly WorkerEvent[] | null {
    const item = objectAt(line, "item");
    this.#lastError = null;
    return item === null ? null : read(item);
  }

  /**
   * A retried request counts as progress, unless the retry is useless. A 429 with a wait is retried after that time, during
   * which Codex prints nothing. A 429 without a wait is never retried.
   */
  #error(message: string): WorkerEvent {
    const again = reconnection(message);
    this.#lastError = again?.error ?? failureOf(message);
    if (again?.error.class === "rate_limited") this.waiting = rateLimitPatience(again.error);
    if (again !== null && this.waiting === null && isHopeless(again.error, again.attempt)) {
      this.hopeless ??= again.error;
    }
    return { type: "progress", text: oneLine(message, 500) };
  }

  /** In a resumed session, all numbers are totals since its beginning. */
  #complete(line: JsonObject): WorkerEvent {
    this.#completed = true;
    this.#usage = usageOf(objectAt(line, "usage"));
    return { type: "usage", usage: this.#usage, costUsd: null };
  }

  #deny(tool: string, text: string): WorkerEvent {
    if (this.#denied.size < deniedToolsMax) this.#denied.add(tool);
    return { type: "denied", tool, text: oneLine(text, 500) };
  }
}

function isHopeless(error: WorkerError, attempt: number): boolean {
  if (error.class === "rate_limited") return true;
  // The first refusal of a credential may mean that a login is being renewed.
  return !errorClassTraits[error.class].retryable && (error.class !== "auth" || attempt > 1);
}

/** `Error: …`, which Codex prints when it exits before it has a thread. */
function startErrorOf(line: string): WorkerError | null {
  const message = /^Error: (.*)$/.exec(line)?.[1];
  if (message === undefined) return null;
  const errorClass = classifyProviderText(message) ?? "worker_crashed";
  return { class: errorClass, message: oneLine(message, 500), status: null, retryAfterMs: null };
}
