/**
 * The meter of one run in the spend gate, from the runner's wish to open it until the worker is gone. Its totals are the
 * charge of the run. A worker can be configured to send its requests past the gate; its own reports then count as without one.
 */
import { isDeepStrictEqual } from "node:util";
import {
  AgentCoreError,
  ignore,
  type Clock,
  type Denial,
  type Log,
  type MeteredSpending,
  noCallUsage,
  type SpendGateAccess,
  type StopCause,
  type Timer,
  type Upstream,
  type WireActivity,
  type WorkerEvent,
} from "@agentcore/contract";
import type { AttemptLimits } from "../config/limits-config.ts";
import { aboutPermit } from "../gate/about-permit.ts";
import { type LivePermit, recordOf } from "../gate/permit.ts";
import { usdOf } from "../ledger/ledger.ts";
import type { AttemptMeter, MeterLimits, ProviderRefusal, SpendGate } from "../spend/spend-gate.ts";
import { usageInTotal } from "../spend/spent-by-calls.ts";

export type UsageEvent = Extract<WorkerEvent, { type: "usage" }>;

export interface RunMeterOptions {
  readonly gate: SpendGate;
  readonly permit: LivePermit;
  readonly limits: AttemptLimits;
  readonly clock: Clock;
  readonly log: Log;
  /** Writes the run into the ledger, if it is not there: a crash must not leave calls without a charge. Null: done. */
  readonly hold: () => Promise<Denial | null>;
  /** Called with every change of the totals. */
  readonly onUsage: (event: UsageEvent) => void;
  /** Called with the totals at a bounded rate, and with the last ones, for views. */
  readonly onReport: (event: UsageEvent) => void;
  readonly onActivity: (activity: WireActivity) => void;
  readonly onRefusal: (refusal: ProviderRefusal) => void;
}

/** Minimum time between two reports of the totals. */
const reportEveryMs = 500;

const nothingSpent: MeteredSpending = {
  costMicroUsd: 0,
  tokens: 0,
  usage: noCallUsage,
  calls: 0,
  estimated: false,
};

export class RunMeter {
  readonly #options: RunMeterOptions;
  #isOpened = false;
  /** Once the worker may have got its access. */
  #meter: AttemptMeter | null = null;
  #isClosed = false;
  #isReached = false;
  #spending = nothingSpent;
  #unreported: UsageEvent | null = null;
  #reportTimer: Timer | null = null;

  constructor(options: RunMeterOptions) {
    this.#options = options;
  }

  /** Whether the worker got its access to the gate. */
  get isOpen(): boolean {
    return this.#meter !== null;
  }

  /** Whether a request of the run has reached the gate. From then on, the worker's own reports neither stop nor charge it. */
  get isReached(): boolean {
    return this.#isReached;
  }

  /** Rejects with an `AgentCoreError` if the gate cannot be opened, or the run is stopped meanwhile. */
  async open(upstream: Upstream): Promise<SpendGateAccess> {
    const { gate, permit, limits, hold } = this.#options;
    if (this.#isOpened)
      throw new AgentCoreError("AC_INTERNAL", `the spend gate of permit ${permit.id} was opened before`);
    this.#isOpened = true;
    const denied = await hold();
    if (denied !== null) throw new AgentCoreError(denied.code, denied.message, { evidence: denied.evidence });
    const opening = gate.open({
      permit: Object.freeze({ ...recordOf(permit), signal: permit.signal }),
      upstream,
      listener: this.#listener(),
      limits: meterLimitsOf(limits),
    });
    const meter = await unlessStopped(opening, permit);
    if (meter === null || this.#isClosed) {
      void opening.then((unused) => unused.close(), ignoreFailure);
      throw stopped(permit);
    }
    this.#meter = meter;
    return meter.access;
  }

  #listener() {
    const { permit, onActivity, onRefusal } = this.#options;
    const reached = <T>(use: (value: T) => void) => {
      return (value: T): void => {
        if (this.#isClosed) return;
        this.#isReached = true;
        use(value);
      };
    };
    return {
      onSpending: reached((spending: MeteredSpending) => this.#onSpending(spending)),
      onActivity: reached(onActivity),
      onStop: reached((reason: StopCause) => permit.cancellation.cancel({ reason })),
      onRefusal: reached(onRefusal),
    };
  }

  #onSpending(spending: MeteredSpending): void {
    const { clock, onUsage } = this.#options;
    this.#spending = spending;
    const event = usageEventOf(spending);
    onUsage(event);
    this.#unreported = event;
    if (this.#reportTimer !== null) return;
    this.#report();
    this.#reportTimer = clock.setTimer(reportEveryMs, () => this.#onReportTimer());
  }

  #onReportTimer(): void {
    this.#reportTimer = null;
    if (this.#unreported === null) return;
    this.#report();
    this.#reportTimer = this.#options.clock.setTimer(reportEveryMs, () => this.#onReportTimer());
  }

  #report(): void {
    if (this.#unreported !== null) this.#options.onReport(this.#unreported);
    this.#unreported = null;
  }

  /** Call when the worker is gone. Resolves with all that was spent; null if the gate was not opened. Never rejects. */
  async close(): Promise<MeteredSpending | null> {
    const spending = this.#meter === null ? null : await this.#totalsOf(this.#meter);
    this.#isClosed = true;
    this.#reportTimer?.cancel();
    if (spending === null) return null;
    this.#isReached ||= spending.calls > 0;
    if (!isDeepStrictEqual(spending, this.#spending)) this.#unreported = usageEventOf(spending);
    this.#report();
    return spending;
  }

  async #totalsOf(meter: AttemptMeter): Promise<MeteredSpending> {
    const { permit, log } = this.#options;
    try {
      return await meter.close();
    } catch (error) {
      log.error(
        { error, ...aboutPermit(permit) },
        "the meter of a run failed to close; what it said last is charged",
      );
      return { ...this.#spending, estimated: true };
    }
  }
}

function usageEventOf(spending: MeteredSpending): UsageEvent {
  return {
    type: "usage",
    usage: usageInTotal([spending.usage], spending.tokens),
    costUsd: usdOf(spending.costMicroUsd),
  };
}

function meterLimitsOf({ calls, calls_in_flight, identical_calls }: AttemptLimits): MeterLimits {
  return { calls: calls ?? null, callsInFlight: calls_in_flight ?? null, identicalCalls: identical_calls };
}

/** Null if the run is stopped first. */
async function unlessStopped<T>(work: Promise<T>, { signal }: LivePermit): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const unsubscribe = signal.onChange(() => resolve(null));
  try {
    return await Promise.race([work, promise]);
  } finally {
    unsubscribe();
  }
}

function stopped({ id, signal }: LivePermit): AgentCoreError {
  const { code, message } = signal.reason ?? {
    code: "AC_INTERNAL",
    message: `the run of permit ${id} has ended`,
  };
  return new AgentCoreError(code, message);
}

const ignoreFailure = (error: unknown): void => ignore(error, "nothing was opened, and the run has ended");
