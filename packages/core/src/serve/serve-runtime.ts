/**
 * Serves a {@link Runtime} over two streams with the wire protocol of `@agentcore/contract`: JSON-RPC 2.0, one object per
 * line. Every message, valid or not, gets a reply and does no harm. If the client's stream ends, the client is gone: all
 * runs are cancelled, and results that it may not have are spooled for the next client.
 */
import type { Readable, Writable } from "node:stream";
import {
  AgentCoreError,
  BoundedMap,
  type CancelRequest,
  type Clock,
  type ExecutionObserver,
  LineReader,
  machineMonotonicMs,
  type Log,
  type Runtime,
  type SpooledResult,
  type WireParams,
  wireErrorCodes,
  wireEventWindow,
  wireHeartbeatMs,
  type WireLine,
  wireMessageBytesMax,
  wireProtocolVersions,
  type WorkerResult,
} from "@agentcore/contract";
import { EventOutlet } from "./event-outlet.ts";
import { SentResults, spoolResult } from "./result-spool.ts";
import {
  readWireMessage,
  type WireCall,
  wireError,
  wireErrorOf,
  type WireId,
  type WireNotice,
} from "./wire-message.ts";

export interface ServeOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly clock: Clock;
  readonly log: Log;
  /** Name of this server in the handshake. */
  readonly server: { readonly name: string; readonly version: string };
  /** Where to put results that the client may not have received. Default: they are logged and lost. */
  readonly spoolDir?: string;
}

/** If more bytes than this wait for the client to read them, its input is not read. */
const unreadBytesMax = 1024 * 1024;

/** Why serving ended: the client said goodbye, or disconnected. */
export type ServeEnd = "shutdown" | "disconnected";

/** Resolves when everything that ran has ended and the runtime is closed. Never rejects. */
export function serveRuntime(runtime: Runtime, options: ServeOptions): Promise<ServeEnd> {
  return new Server(runtime, options).serve();
}

interface Running {
  readonly outlet: EventOutlet;
  /** Resolves when the result was sent or spooled. */
  readonly done: Promise<void>;
}

class Server {
  readonly #runtime: Runtime;
  readonly #options: ServeOptions;
  readonly #reader = new LineReader(wireMessageBytesMax);
  readonly #running = new Map<string, Running>();
  readonly #sent = new SentResults();
  /** Ids of requests not answered yet. */
  readonly #unanswered = new Set<WireId>();
  /**
   * What each live permit was granted for; spooled results name it. Permits that expire unused are not reported here; the bound
   * limits their entries.
   */
  readonly #granted = new BoundedMap<string, { jobId: string; attempt: number }>(10_000);
  #isReady = false;
  #isGone = false;
  readonly #ended = Promise.withResolvers<ServeEnd>();

  constructor(runtime: Runtime, options: ServeOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  async serve(): Promise<ServeEnd> {
    const { input, output } = this.#options;
    const stopHeartbeat = this.#startHeartbeat();
    const unsubscribe = this.#runtime.onEscalation((escalation) => {
      if (this.#isReady) this.#notify("escalation", escalation);
    });
    input.on("data", (chunk: Buffer) => this.#onData(chunk));
    input.once("end", () => this.#goodbye("disconnected"));
    input.once("close", () => this.#goodbye("disconnected"));
    input.on("error", (error) => this.#lost(error));
    output.on("error", (error) => this.#lost(error));
    output.on("drain", () => this.#onDrain());
    const end = await this.#ended.promise;
    stopHeartbeat();
    unsubscribe();
    await this.#runtime.close();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    if (end === "disconnected") await this.#spoolDoubtful();
    input.pause();
    return end;
  }

  #goodbye(end: ServeEnd): void {
    if (end === "disconnected") this.#isGone = true;
    this.#ended.resolve(end);
  }

  #lost(error: Error): void {
    this.#options.log.warn({ error }, "the connection to the client failed");
    this.#goodbye("disconnected");
  }

  #startHeartbeat(): () => void {
    let timer = this.#options.clock.setTimer(wireHeartbeatMs, () => void beat());
    const beat = async (): Promise<void> => {
      timer = this.#options.clock.setTimer(wireHeartbeatMs, () => void beat());
      // For a client that does not read, they would only accumulate.
      if (this.#isReady && !this.#options.output.writableNeedDrain)
        this.#notify("heartbeat", await this.#runtime.load());
    };
    return () => timer.cancel();
  }

  #onData(chunk: Buffer): void {
    for (const line of this.#reader.push(chunk)) this.#onLine(line);
    // Replies that nobody reads must not accumulate: read no more requests until they are sent. Up to this limit, even a slow
    // client is read, so that it can acknowledge and cancel.
    if (this.#options.output.writableLength > unreadBytesMax) this.#options.input.pause();
  }

  #onDrain(): void {
    for (const { outlet } of this.#running.values()) outlet.flush();
    if (!this.#options.output.writableNeedDrain) this.#options.input.resume();
  }

  #onLine(line: WireLine): void {
    if (line.kind === "too_large") {
      const message = `a message is longer than ${wireMessageBytesMax} bytes`;
      this.#reply(null, { error: wireError(wireErrorCodes.invalidRequest, "AC_WIRE_TOO_LARGE", message) });
      return;
    }
    if (line.kind === "not_text") {
      const error = wireError(wireErrorCodes.parse, "AC_WIRE_MALFORMED", "the line is not UTF-8");
      this.#reply(null, { error });
      return;
    }
    const message = readWireMessage(line.text);
    if (message.kind === "invalid") this.#reply(message.id, { error: message.error });
    else if (message.kind === "notification") this.#onNotice(message.notice);
    else void this.#onRequest(message.id, message.call);
  }

  #onNotice(notice: WireNotice): void {
    if (!this.#isReady) {
      this.#reply(null, { error: wireErrorOf(notReady()) });
      return;
    }
    switch (notice.method) {
      case "event/ack":
        this.#running.get(notice.params.permitId)?.outlet.acknowledge(notice.params.seq);
        return;
      case "queue/report":
        this.#runtime.reportQueue(notice.params);
        return;
      case "lease/renew": {
        const { validForMs, sentAtMs } = notice.params;
        const ageMs = Math.max(0, machineMonotonicMs() - sentAtMs);
        this.#runtime.renewLease(this.#options.clock.monotonicMs() + validForMs - ageMs);
      }
    }
  }

  async #onRequest(id: WireId, call: WireCall): Promise<void> {
    if (this.#unanswered.has(id)) {
      const message = `the id ${id} belongs to a request that is not answered yet`;
      this.#reply(id, { error: wireError(wireErrorCodes.invalidRequest, "AC_WIRE_MALFORMED", message) });
      return;
    }
    this.#unanswered.add(id);
    try {
      if (call.method === "execute") await this.#execute(id, call.params);
      else this.#answer(id, { result: await this.#answerTo(call) });
      if (call.method === "shutdown") this.#goodbye("shutdown");
    } catch (error) {
      this.#answer(id, { error: wireErrorOf(error) });
    }
  }

  async #answerTo(call: Exclude<WireCall, { method: "execute" }>): Promise<unknown> {
    if (call.method === "initialize") return this.#initialize(call.params);
    if (!this.#isReady) throw notReady();
    const runtime = this.#runtime;
    switch (call.method) {
      case "permit/request": {
        const decision = await runtime.requestPermit(call.params);
        if (decision.kind === "granted") this.#granted.set(decision.permit.id, decision.permit);
        return decision;
      }
      case "permit/release":
        this.#granted.delete(call.params.permitId);
        await runtime.releasePermit(call.params.permitId);
        return null;
      case "cancel":
        await runtime.cancel(call.params.permitId, cancelRequestOf(call.params));
        return null;
      case "load":
        return runtime.load();
      case "drain":
        await runtime.drain();
        return null;
      case "shutdown":
        await runtime.close();
        await Promise.all([...this.#running.values()].map(({ done }) => done));
        return null;
    }
  }

  async #initialize(params: WireParams<"initialize">): Promise<unknown> {
    if (this.#isReady) throw new AgentCoreError("AC_WIRE_MALFORMED", "the handshake has taken place already");
    const protocolVersion = wireProtocolVersions.find((version) => params.protocolVersions.includes(version));
    if (protocolVersion === undefined) {
      const evidence = { offered: params.protocolVersions, supported: [...wireProtocolVersions] };
      throw new AgentCoreError("AC_WIRE_NOT_READY", "no version of the protocol is common to both sides", {
        evidence,
      });
    }
    const load = await this.#runtime.load();
    this.#isReady = true;
    const { server } = this.#options;
    return { protocolVersion, server, heartbeatMs: wireHeartbeatMs, eventWindow: wireEventWindow, load };
  }

  async #execute(id: WireId, { permitId, task }: WireParams<"execute">): Promise<void> {
    if (!this.#isReady) throw notReady();
    if (this.#running.has(permitId))
      throw new AgentCoreError("AC_PERMIT_INVALID", `permit ${permitId} is in use`);
    const outlet = new EventOutlet({
      window: wireEventWindow,
      clock: this.#options.clock,
      isOpen: () => !this.#isGone && !this.#options.output.writableNeedDrain,
      send: (seq, event) => this.#notify("event", { permitId, seq, event }),
    });
    const observer: ExecutionObserver = {
      onEvent: (event) => outlet.push(event),
      onStarted: (identity) => this.#notify("started", { permitId, identity }),
    };
    const done = Promise.withResolvers<void>();
    this.#running.set(permitId, { outlet, done: done.promise });
    try {
      const result = await this.#runtime.execute(permitId, task, observer);
      await outlet.finish();
      await this.#deliver(id, permitId, result);
    } finally {
      this.#running.delete(permitId);
      this.#granted.delete(permitId);
      done.resolve();
    }
  }

  async #deliver(id: WireId, permitId: string, result: WorkerResult): Promise<void> {
    const { jobId = "", attempt = 1 } = this.#granted.get(permitId) ?? {};
    const spooled: SpooledResult = { version: 1, permitId, jobId, attempt, result };
    if (this.#isGone) {
      await this.#spool(spooled);
      return;
    }
    this.#sent.add(spooled, this.#options.clock.monotonicMs());
    this.#answer(id, { result });
  }

  async #spoolDoubtful(): Promise<void> {
    const doubtful = this.#sent.doubtful(this.#options.clock.monotonicMs());
    await Promise.all(doubtful.map((spooled) => this.#spool(spooled)));
  }

  async #spool(spooled: SpooledResult): Promise<void> {
    const { spoolDir, log } = this.#options;
    try {
      if (spoolDir === undefined)
        throw new AgentCoreError("AC_STORE_UNAVAILABLE", "no spool directory is configured");
      await spoolResult(spoolDir, spooled);
    } catch (error) {
      log.error(
        { error, job: spooled.jobId, attempt: spooled.attempt, spooled },
        "a result could not be spooled; it is in this log line only",
      );
    }
  }

  #answer(id: WireId, body: { result: unknown } | { error: unknown }): void {
    this.#unanswered.delete(id);
    this.#reply(id, body);
  }

  #reply(id: WireId | null, body: { result: unknown } | { error: unknown }): void {
    this.#write({ jsonrpc: "2.0", id, ...body });
  }

  #notify(method: string, params: unknown): void {
    this.#write({ jsonrpc: "2.0", method, params });
  }

  #write(message: object): void {
    if (!this.#isGone) this.#options.output.write(`${JSON.stringify(message)}\n`);
  }
}

function cancelRequestOf(params: WireParams<"cancel">): CancelRequest<string> {
  return "reason" in params ? params : { reason: params.message, force: params.immediate };
}

function notReady(): AgentCoreError {
  return new AgentCoreError("AC_WIRE_NOT_READY", "the first message must be `initialize`");
}
