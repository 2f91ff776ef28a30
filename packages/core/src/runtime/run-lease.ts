/** Keeps the lease of a runtime: `lease-state.ts` decides, and a timer fires when it runs out. */
import type { Clock, Log, StopCause, Timer } from "@agentcore/contract";
import { type Denied, deferred } from "../gate/denials.ts";
import { type LeaseEvent, type LeaseState, nextLease, noLease } from "./lease-state.ts";

export interface RunLeaseOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Kills all that runs. */
  readonly empty: (reason: StopCause) => void;
}

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
  }

  #arm(nowMs: number): void {
    this.#timer?.cancel();
    if (this.#state.kind !== "held") return;
    const { clock } = this.#options;
    this.#timer = clock.setTimer(Math.max(0, this.#state.untilMs - nowMs), () => this.#look());
  }
}
