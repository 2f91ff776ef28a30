/**
 * A small client of the wire protocol, for tests of the server: a {@link Runtime} over two streams. It acknowledges every
 * event at once, trusts what it reads, and knows nothing of restarts; the scheduler has the real one.
 */
import type { Readable, Writable } from "node:stream";
import {
  AgentCoreError,
  machineMonotonicMs,
  systemClock,
  type ErrorCode,
  type Escalation,
  type ExecutionObserver,
  type Runtime,
  type WorkerEvent,
} from "@agentcore/contract";

interface Reply {
  readonly id?: number | null;
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly data?: { readonly code: ErrorCode } };
  readonly method?: string;
  readonly params?: {
    readonly permitId: string;
    readonly seq: number;
    readonly event: WorkerEvent;
    readonly identity: never;
  };
}

export interface WireTestClient {
  readonly runtime: Runtime;
  /** Heartbeats received. */
  readonly heartbeats: number;
  /** Resolves when the server has written its last message. */
  readonly ended: Promise<void>;
  call(method: string, params: unknown): Promise<unknown>;
}

export async function connectTestClient(input: Readable, output: Writable): Promise<WireTestClient> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const observers = new Map<string, ExecutionObserver>();
  const listeners = new Set<(escalation: Escalation) => void>();
  const counts = { ids: 0, heartbeats: 0 };
  const send = (message: object): void =>
    void output.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const call = (method: string, params: unknown): Promise<unknown> => {
    counts.ids += 1;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(counts.ids, answer);
    send({ id: counts.ids, method, params });
    return answer.promise;
  };
  const onReply = ({ id, result, error }: Reply): void => {
    const answer = waiting.get(id ?? -1);
    waiting.delete(id ?? -1);
    if (error === undefined) answer?.resolve(result);
    else answer?.reject(new AgentCoreError(error.data?.code ?? "AC_INTERNAL", error.message));
  };
  const onNotification = ({ method, params }: Reply): void => {
    if (method === "heartbeat") counts.heartbeats += 1;
    if (method === "escalation") for (const listener of listeners) listener(params as unknown as Escalation);
    if (params === undefined) return;
    const { permitId, seq, event, identity } = params;
    if (method === "started") observers.get(permitId)?.onStarted?.(identity);
    if (method !== "event") return;
    observers.get(permitId)?.onEvent?.(event);
    send({ method: "event/ack", params: { permitId, seq } });
  };

  let rest = "";
  input.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const message = JSON.parse(line) as Reply;
      if (message.method === undefined) onReply(message);
      else onNotification(message);
    }
  });
  const ended = new Promise<void>((resolve) => {
    input.once("end", resolve);
  });
  const party = { name: "test", version: "0" };
  await call("initialize", { protocolVersions: [1], client: party });

  let closing: Promise<unknown> | null = null;
  const runtime = {
    requestPermit: (request) => call("permit/request", request),
    async execute(permitId, task, observer = {}) {
      const others = observers.get(permitId);
      if (others === undefined) observers.set(permitId, observer);
      return call("execute", { permitId, task });
    },
    releasePermit: (permitId) => call("permit/release", { permitId }),
    cancel: (permitId, { reason, force = false }) => call("cancel", { permitId, reason, force }),
    load: () => call("load", {}),
    reportQueue: (queue) => send({ method: "queue/report", params: queue }),
    renewLease: (untilMs) => {
      const validForMs = Math.max(0, untilMs - systemClock.monotonicMs());
      send({ method: "lease/renew", params: { validForMs, sentAtMs: machineMonotonicMs() } });
    },
    onEscalation(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    drain: () => call("drain", {}),
    close: () => (closing ??= call("shutdown", {})),
  } as Runtime;
  return {
    runtime,
    call,
    ended,
    get heartbeats() {
      return counts.heartbeats;
    },
  };
}
