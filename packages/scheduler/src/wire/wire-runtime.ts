/**
 * A `Runtime` over a connection to one process. It acknowledges events so that the runtime does not run far ahead, and
 * watches its heartbeat. `supervised-runtime.ts` handles restarts.
 */
import {
  AgentCoreError,
  machineMonotonicMs,
  type CancelRequest,
  wireProtocolVersions,
  type Clock,
  type Escalation,
  type ExecutionObserver,
  type LoadReport,
  type Log,
  type PermitDecision,
  type PermitRequest,
  type Timer,
  type WireMethod,
  type WireParams,
  type WireResult,
  type WorkerResult,
  type WorkerTask,
} from "@agentcore/contract";
import type { Readable, Writable } from "node:stream";
import { WirePeer, type ServerMessage } from "./wire-peer.ts";

export interface WireRuntimeOptions {
  readonly output: Readable;
  readonly input: Writable;
  readonly clock: Clock;
  readonly log: Log;
  /** Name in the handshake. */
  readonly client: { readonly name: string; readonly version: string };
  /** Longest wait for an answer that needs no work. */
  readonly answerMs: number;
  readonly onEscalation: (escalation: Escalation) => void;
  /** The runtime can no longer be used: it is silent, does not answer, or sends invalid messages. Called once. */
  readonly onFailed: (why: string) => void;
}

interface Execution {
  readonly observer: ExecutionObserver | undefined;
  /** Last event received. */
  seq: number;
  acknowledged: number;
}

/** Heartbeats that may be missed in a row. */
const missedMax = 5;
/** Events are acknowledged after this fraction (1/n) of the event window. */
const acknowledgeShare = 4;

export class WireRuntime {
  readonly #options: WireRuntimeOptions;
  readonly #peer: WirePeer;
  readonly #executions = new Map<string, Execution>();
  #load: LoadReport | null = null;
  #eventWindow = 1;
  #protocolVersion: number = wireProtocolVersions[0];
  #missed = 0;
  #timer: Timer | undefined;
  #failed = false;

  constructor(options: WireRuntimeOptions) {
    this.#options = options;
    this.#peer = new WirePeer({
      output: options.output,
      input: options.input,
      log: options.log,
      onNotification: (message) => this.#onNotification(message),
      onMessage: () => (this.#missed = 0),
      onBroken: (why) => this.#fail(why),
    });
  }

  /** Throws if the two sides are incompatible. */
  async handshake(): Promise<void> {
    const { client } = this.#options;
    const answer = await this.#ask("initialize", { protocolVersions: [...wireProtocolVersions], client });
    if (!wireProtocolVersions.some((version) => version === answer.protocolVersion)) {
      const message = `the runtime speaks version ${answer.protocolVersion} of the protocol, this scheduler ${wireProtocolVersions.join(", ")}`;
      throw new AgentCoreError("AC_WIRE_NOT_READY", message);
    }
    this.#protocolVersion = answer.protocolVersion;
    this.#load = answer.load;
    this.#eventWindow = answer.eventWindow;
    this.#watch(answer.heartbeatMs);
  }

  /** From the last heartbeat. */
  get lastLoad(): LoadReport | null {
    return this.#load;
  }

  requestPermit(request: PermitRequest): Promise<PermitDecision> {
    return this.#ask("permit/request", request) as Promise<PermitDecision>;
  }

  async releasePermit(permitId: string): Promise<void> {
    await this.#ask("permit/release", { permitId });
  }

  async execute(permitId: string, task: WorkerTask, observer?: ExecutionObserver): Promise<WorkerResult> {
    this.#executions.set(permitId, { observer, seq: 0, acknowledged: 0 });
    try {
      return await this.#peer.request("execute", { permitId, task });
    } finally {
      this.#executions.delete(permitId);
    }
  }

  async cancel(permitId: string, { reason, force = false }: CancelRequest<string>): Promise<void> {
    const isOld = this.#protocolVersion === 1;
    await this.#ask(
      "cancel",
      isOld ? { permitId, message: reason, immediate: force } : { permitId, reason, force },
    );
  }

  load(): Promise<LoadReport> {
    return this.#ask("load", {});
  }

  reportQueue(queue: { readonly depth: number; readonly oldestWaitMs: number }): void {
    this.#peer.notify("queue/report", queue);
  }

  /** A runtime of an earlier version cannot keep a lease, so it must not run anything here. */
  renewLease(untilMs: number): void {
    if (this.#protocolVersion < 3) {
      const version = this.#protocolVersion;
      return this.#fail(
        `it speaks version ${version} of the protocol, which has no leases; a shared store needs 3`,
      );
    }
    const validForMs = Math.max(0, untilMs - this.#options.clock.monotonicMs());
    this.#peer.notify("lease/renew", { validForMs, sentAtMs: machineMonotonicMs() });
  }

  async drain(): Promise<void> {
    await this.#peer.request("drain", {});
  }

  async shutdown(): Promise<void> {
    await this.#peer.request("shutdown", {});
  }

  /** The process is gone: all open requests are rejected with `AC_RUNTIME_LOST`. */
  end(why: string): void {
    this.#timer?.cancel();
    this.#failed = true;
    this.#peer.end(new AgentCoreError("AC_RUNTIME_LOST", why));
  }

  async #ask<M extends WireMethod>(method: M, params: WireParams<M>): Promise<WireResult<M>> {
    const { clock, answerMs } = this.#options;
    const timer = clock.setTimer(answerMs, () =>
      this.#fail(`it did not answer ${method} within ${answerMs} ms`),
    );
    try {
      return await this.#peer.request(method, params);
    } finally {
      timer.cancel();
    }
  }

  #onNotification(message: ServerMessage): void {
    switch (message.name) {
      case "heartbeat":
        this.#load = message.params;
        return;
      case "escalation":
        this.#options.onEscalation(message.params as Escalation);
        return;
      case "started":
        this.#executions.get(message.params.permitId)?.observer?.onStarted?.(message.params.identity);
        return;
      case "event":
        this.#onEvent(message.params);
        return;
    }
  }

  #onEvent({ permitId, seq, event }: Extract<ServerMessage, { name: "event" }>["params"]): void {
    const execution = this.#executions.get(permitId);
    if (execution === undefined) return;
    if (seq !== execution.seq + 1) {
      this.#options.log.warn({ permitId, seq, expected: execution.seq + 1 }, "an event came out of order");
      if (seq <= execution.seq) return;
    }
    execution.seq = seq;
    execution.observer?.onEvent?.(event);
    if (seq - execution.acknowledged < Math.max(1, this.#eventWindow / acknowledgeShare)) return;
    execution.acknowledged = seq;
    this.#peer.notify("event/ack", { permitId, seq });
  }

  /** Counts missing beats. Time in which this process was suspended proves nothing about the other. */
  #watch(heartbeatMs: number): void {
    const { clock } = this.#options;
    const setAtMs = clock.monotonicMs();
    this.#timer = clock.setTimer(heartbeatMs, () => {
      const wasStopped = clock.monotonicMs() - setAtMs > heartbeatMs * 2;
      this.#missed = wasStopped ? 0 : this.#missed + 1;
      if (this.#missed > missedMax)
        this.#fail(`it was silent for ${missedMax} heartbeats of ${heartbeatMs} ms`);
      else this.#watch(heartbeatMs);
    });
  }

  #fail(why: string): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.onFailed(why);
  }
}
