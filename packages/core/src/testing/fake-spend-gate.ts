/** A {@link SpendGate} without a listener: what its meters count is told by the test. */
import {
  type MeteredSpending,
  noCallUsage,
  noRefusedKeys,
  type StopCause,
  type Upstream,
  type WireActivity,
} from "@agentcore/contract";
import type { MeterRequest, ProviderRefusal, RefusedKeyReport, SpendGate } from "../spend/spend-gate.ts";

export interface FakeMeter {
  readonly request: MeterRequest;
  readonly isClosed: boolean;
  /** A call of this cost has ended; `change` replaces other parts of the totals. */
  spend(costMicroUsd: number, change?: Partial<MeteredSpending>): void;
  act(activity?: Partial<WireActivity>): void;
  stop(cause: StopCause): void;
  refuse(refusal?: Partial<ProviderRefusal>): void;
}

export interface FakeSpendGate extends SpendGate {
  readonly meters: readonly FakeMeter[];
  readonly isClosed: boolean;
  refuseKey(report: RefusedKeyReport): void;
}

export interface FakeSpendGateOptions {
  /** Called before a meter is opened. */
  readonly beforeOpen?: () => Promise<void>;
  /** What the close of a meter adds to its totals: open calls that are ended by it. */
  readonly endsOpenCalls?: Partial<MeteredSpending>;
}

/** Where a fake worker's requests go. */
export const fakeUpstream: Upstream = {
  provider: "openai",
  protocol: "openai-responses",
  baseUrl: "https://api.openai.example",
  credential: { kind: "header", name: "authorization", value: "Bearer key" },
};

export function createFakeSpendGate(options: FakeSpendGateOptions = {}): FakeSpendGate {
  const meters: FakeMeter[] = [];
  let isClosed = false;
  let refused = noRefusedKeys;
  let onRefused: (report: RefusedKeyReport) => void = () => {};
  return {
    meters,
    refusedKeys: () => refused,
    onRefusedKeys(listener) {
      onRefused = listener;
    },
    refuseKey(report) {
      refused = { ...refused, [report.kind]: refused[report.kind] + report.requests };
      onRefused(report);
    },
    get isClosed() {
      return isClosed;
    },
    async open(request) {
      await options.beforeOpen?.();
      const meter = new Meter(request, options.endsOpenCalls);
      meters.push(meter);
      return meter;
    },
    async close() {
      isClosed = true;
    },
  };
}

class Meter implements FakeMeter {
  readonly request: MeterRequest;
  readonly access;
  readonly #atClose: Partial<MeteredSpending> | undefined;
  #spending: MeteredSpending = { costMicroUsd: 0, tokens: 0, usage: noCallUsage, calls: 0, estimated: false };
  isClosed = false;

  constructor(request: MeterRequest, atClose: Partial<MeteredSpending> | undefined) {
    this.request = request;
    this.#atClose = atClose;
    this.access = { url: "http://127.0.0.1:1", socketPath: "/gate.sock", key: `key of ${request.permit.id}` };
  }

  spending(): MeteredSpending {
    return this.#spending;
  }

  async close(): Promise<MeteredSpending> {
    if (!this.isClosed) this.#spending = { ...this.#spending, ...this.#atClose };
    this.isClosed = true;
    return this.#spending;
  }

  spend(costMicroUsd: number, change: Partial<MeteredSpending> = {}): void {
    const before = this.#spending;
    this.#spending = {
      ...before,
      costMicroUsd: before.costMicroUsd + costMicroUsd,
      calls: before.calls + 1,
      ...change,
    };
    this.request.listener.onSpending(this.#spending);
  }

  act(activity: Partial<WireActivity> = {}): void {
    this.request.listener.onActivity({ waiting: 0, streaming: 0, bytes: 0, ...activity });
  }

  stop(cause: StopCause): void {
    this.request.listener.onStop(cause);
  }

  refuse(refusal: Partial<ProviderRefusal> = {}): void {
    this.request.listener.onRefusal({
      provider: "openai",
      model: null,
      status: 429,
      retryAfterMs: null,
      ...refusal,
    });
  }
}
