/**
 * A circuit breaker for one target (`worker:codex`, `provider:anthropic/claude-opus`), on cockatiel's breaking strategies
 * (consecutive failures, share of the last calls) and back-off. The state machine itself is ours, because a permit is not
 * a function call and cockatiel's policy wraps one:
 * - a permit that was a probe and is given back unused, or whose run was cancelled, says nothing about the target, and
 *   cockatiel knows success and failure only (an unhandled error of a probe closes it);
 * - while a probe is out, a second `execute()` waits for it (a whole agent run) where the gate must refuse at once;
 * - its `state` stays Open after the cool-down until the next call, its clock is the global `Date.now`, and a change of
 *   state happens microtasks after the call that caused it, so that two decisions in one tick see the old state.
 *
 *   state      | leaves when                                            | to
 *   closed     | the strategies say so at a failure, or `trip`          | open
 *   open       | the cool-down is over and a run enters as a probe      | half-open
 *   half-open  | as many probes succeeded as are allowed at once        | closed
 *              | a probe failed                                         | open, with a longer cool-down
 *
 * A probe that ends without saying anything makes room for another: no state is without an exit. An outcome counts only
 * if the state that its run entered under is still the current one, so stragglers of an earlier period change nothing.
 */
import {
  CircuitState,
  ConsecutiveBreaker,
  CountBreaker,
  ExponentialBackoff,
  type IBackoff,
  type IBreaker,
  noJitterGenerator,
} from "cockatiel";
import type { BreakerLevel } from "@agentcore/contract";
import type { BreakersConfig } from "../config/watchdog-config.ts";

interface Closed {
  readonly kind: "closed";
}
interface Open {
  readonly kind: "open";
  readonly probeAtMs: number;
  readonly backoff: IBackoff<unknown>;
}
interface HalfOpen {
  readonly kind: "half_open";
  readonly backoff: IBackoff<unknown>;
  inFlight: number;
  successes: number;
}
type BreakerState = Closed | Open | HalfOpen;

/** The state in which a run entered; returned to the breaker when the run ends. Opaque to callers. */
export type BreakerEntry = BreakerState;

/** What an ended run says about a target. */
export type Health = "success" | "failure" | "neutral";

/** Whether a run may enter. `probe`: only as one of the bounded number of probes. */
export type Admission = "pass" | "probe" | "open" | "probing";

/** `isTripped`: opened by the watchdog, which reports that. */
export type OnOpen = (breaker: Breaker, isTripped: boolean) => void;

export class Breaker {
  readonly target: string;
  readonly #config: BreakersConfig;
  readonly #onOpen: OnOpen;
  readonly #coolDowns: ExponentialBackoff<unknown>;
  #strategies: readonly IBreaker[];
  #state: BreakerState = { kind: "closed" };
  /** Failures since the last success, as evidence. */
  failuresInRow = 0;
  /** Why it last opened, worded to follow the name of its target: "has failed 5 times in a row". */
  openedBecause = "";

  constructor(target: string, config: BreakersConfig, onOpen: OnOpen) {
    this.target = target;
    this.#config = config;
    this.#onOpen = onOpen;
    this.#coolDowns = new ExponentialBackoff({
      generator: noJitterGenerator,
      initialDelay: config.cool_down,
      maxDelay: Math.max(config.cool_down, config.cool_down_max),
    });
    this.#strategies = strategiesOf(config);
  }

  /** Changes nothing. */
  admission(nowMs: number): Admission {
    const state = this.#state;
    switch (state.kind) {
      case "closed":
        return "pass";
      case "open":
        return nowMs >= state.probeAtMs ? "probe" : "open";
      default:
        return state.inFlight + state.successes < this.#config.probes ? "probe" : "probing";
    }
  }

  /** Admits a run that `admission` has just allowed. */
  enter(): BreakerEntry {
    if (this.#state.kind === "closed") return this.#state;
    if (this.#state.kind === "open") {
      this.#state = { kind: "half_open", backoff: this.#state.backoff, inFlight: 0, successes: 0 };
    }
    this.#state.inFlight += 1;
    return this.#state;
  }

  leave(entry: BreakerEntry, health: Health, nowMs: number): void {
    if (entry !== this.#state) return;
    if (entry.kind === "closed") this.#leaveClosed(health, nowMs);
    if (entry.kind === "half_open") this.#leaveHalfOpen(entry, health, nowMs);
  }

  #leaveClosed(health: Health, nowMs: number): void {
    if (health === "neutral") return;
    if (health === "success") {
      this.failuresInRow = 0;
      for (const strategy of this.#strategies) strategy.success(CircuitState.Closed);
      return;
    }
    this.failuresInRow += 1;
    // Every strategy counts the failure before any verdict is used.
    const verdicts = this.#strategies.map((strategy) => strategy.failure(CircuitState.Closed));
    if (!verdicts.includes(true)) return;
    const { consecutive_failures: inRow, failure_share: share, window } = this.#config;
    const why =
      this.failuresInRow >= inRow
        ? `has failed ${this.failuresInRow} times in a row`
        : `has failed in ${Math.round(share * 100)} % or more of its last ${window} runs`;
    this.#open(this.#coolDowns.next(), nowMs, why);
  }

  #leaveHalfOpen(entry: HalfOpen, health: Health, nowMs: number): void {
    entry.inFlight -= 1;
    if (health === "failure") {
      this.failuresInRow += 1;
      this.#open(entry.backoff.next(undefined), nowMs, "has failed again when it was probed");
    }
    if (health !== "success") return;
    entry.successes += 1;
    if (entry.successes < this.#config.probes) return;
    this.failuresInRow = 0;
    this.#strategies = strategiesOf(this.#config);
    this.#state = { kind: "closed" };
  }

  /** Opens the breaker by decision of the watchdog, regardless of its own count. Returns whether it was not open already. */
  trip(nowMs: number, why: string): boolean {
    if (this.#state.kind === "open") return false;
    const backoff = this.#state.kind === "half_open" ? this.#state.backoff : this.#coolDowns.next();
    this.#open(backoff, nowMs, why, true);
    return true;
  }

  #open(backoff: IBackoff<unknown>, nowMs: number, why: string, isTripped = false): void {
    this.openedBecause = why;
    this.#state = { kind: "open", probeAtMs: nowMs + backoff.duration, backoff };
    this.#onOpen(this, isTripped);
  }

  /** Open, and still cooling down: the global valve counts these. A breaker that is due for a probe is not cooling. */
  isCooling(nowMs: number): boolean {
    return this.#state.kind === "open" && nowMs < this.#state.probeAtMs;
  }

  /** Time until a probe is due; 0 unless open. */
  waitMs(nowMs: number): number {
    return this.#state.kind === "open" ? Math.max(0, Math.ceil(this.#state.probeAtMs - nowMs)) : 0;
  }

  /** Whether there is nothing to remember about it. */
  get isIdle(): boolean {
    return this.#state.kind === "closed" && this.failuresInRow === 0;
  }

  level(nowMs: number, now: number): BreakerLevel {
    const probeAt = this.#state.kind === "open" ? now + (this.#state.probeAtMs - nowMs) : null;
    return { target: this.target, state: this.#state.kind, probeAt };
  }
}

function strategiesOf(config: BreakersConfig): IBreaker[] {
  return [
    new ConsecutiveBreaker(config.consecutive_failures),
    new CountBreaker({
      threshold: config.failure_share,
      size: config.window,
      minimumNumberOfCalls: Math.ceil(config.window / 2),
    }),
  ];
}
