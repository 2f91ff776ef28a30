/** Keeps the lease of a runtime: `lease-state.ts` decides, and a timer fires when it runs out. */
import type { Clock, Log, StopCause, Timer } from "@agentcore/contract";
import { type Denied, deferred } from "../gate/denials.ts";
import { type LeaseEvent, type LeaseState, nextLease, noLease } from "./lease-state.ts";

/** Kills this process with its boxes, for the case that it is stopped and cannot end its runs. */
export interface LeaseGuard {
  /** Kills this process unless this is called again, or `standDown`, within this time. */
  renew(forMs: number): void;
  /** Nothing runs here: there is nothing to kill until the next `renew`. */
  standDown(): void;
}

export interface RunLeaseOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly guard: LeaseGuard | undefined;
  /** Kills all that runs. */
  readonly empty: (reason: StopCause) => void;
  /** Whether nothing runs. */
  readonly isEmpty: () => boolean;
}

/** The guard waits longer than the lease lasts, so that this process has time to end its runs in order. */
const guardShare = 1.5;

/** How often to look whether all has ended. */
const emptyAgainMs = 50;

/** When to ask again without a lease. */
const askAgainMs = 1000;

const lostMessage =
  "this host could not renew its lease on the shared store; another host may take over its jobs";

export class RunLease {
  readonly #options: RunLeaseOptions;
  #state: LeaseState = noLease;
  #timer: Timer | undefined;

  constructor(options: RunLeaseOptions) {
    this.#options = options;
  }

  renew(untilMs: number): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#state.kind === "lost" && untilMs > nowMs)
      this.#options.log.info({}, "the lease is renewed; runs may start again");
    this.#take({ type: "renewed", untilMs, nowMs });
    if (this.#state.kind === "held") this.#options.guard?.renew((this.#state.untilMs - nowMs) * guardShare);
  }

  /** Null if runs may start now. Looks at the clock: after a stop of the process, the timer may be late. */
  denied(): Denied | null {
    this.#look();
    return this.#state.kind === "lost" ? deferred("AC_LEASE_LOST", "global", askAgainMs, lostMessage) : null;
  }

  close(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    this.#take({ type: "looked", nowMs: this.#options.clock.monotonicMs() });
  }

  #take(event: LeaseEvent): void {
    const { state, empty } = nextLease(this.#state, event);
    const isChanged = state !== this.#state;
    this.#state = state;
    if (isChanged) this.#arm(event.nowMs);
    if (!empty) return;
    this.#options.log.error({}, "the lease was not renewed in time; stopping all that runs here");
    this.#options.empty({ kind: "runtime_lost", code: "AC_LEASE_LOST", message: lostMessage, evidence: {} });
    if (this.#state.kind === "lost") this.#standDownOnceEmpty();
  }

  #standDownOnceEmpty(): void {
    const { clock, guard, isEmpty } = this.#options;
    if (isEmpty()) guard?.standDown();
    else this.#timer = clock.setTimer(emptyAgainMs, () => this.#standDownOnceEmpty());
  }

  #arm(nowMs: number): void {
    this.#timer?.cancel();
    if (this.#state.kind !== "held") return;
    const { clock } = this.#options;
    this.#timer = clock.setTimer(Math.max(0, this.#state.untilMs - nowMs), () => this.#look());
  }
}
