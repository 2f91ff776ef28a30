/**
 * All breakers of the runtime, and the global valve: if a configured share of the breakers is open, the cause is probably
 * common (the network, the machine), and only probes start. Only breakers that are still cooling down count, so the valve
 * opens again at the latest when their cool-downs end, even without new requests.
 */
import type { BreakerLevel } from "@agentcore/contract";
import type { BreakersConfig } from "../config/watchdog-config.ts";
import { Breaker } from "./breaker.ts";

export class BreakerSet {
  readonly #config: BreakersConfig;
  readonly #breakers = new Set<Breaker>();
  /** Breakers that have opened, until they are dropped: a superset of those that are cooling down. */
  readonly #opened = new Set<Breaker>();
  /** Not called for a breaker that the watchdog tripped. */
  readonly #onOpen: (breaker: Breaker) => void;

  constructor(config: BreakersConfig, onOpen: (breaker: Breaker) => void = () => {}) {
    this.#config = config;
    this.#onOpen = onOpen;
  }

  create(target: string): Breaker {
    const breaker = new Breaker(target, this.#config, (opened, isTripped) => {
      this.#opened.add(opened);
      if (!isTripped) this.#onOpen(opened);
    });
    this.#breakers.add(breaker);
    return breaker;
  }

  /** Forgets a breaker that is idle, to make room for other targets. */
  drop(breaker: Breaker): void {
    this.#breakers.delete(breaker);
    this.#opened.delete(breaker);
  }

  get size(): number {
    return this.#breakers.size;
  }

  /** How many breakers are cooling down; cheap while none is. */
  coolingCount(nowMs: number): number {
    if (this.#opened.size === 0) return 0;
    let count = 0;
    for (const breaker of this.#opened) if (breaker.isCooling(nowMs)) count += 1;
    return count;
  }

  valveIsShut(nowMs: number): boolean {
    if (this.#opened.size < this.#config.valve_min_open) return false;
    const cooling = this.coolingCount(nowMs);
    return (
      cooling >= this.#config.valve_min_open && cooling / this.#breakers.size >= this.#config.valve_share
    );
  }

  /** Time until the first breaker that is cooling down is due for a probe; 0 if none is. */
  valveWaitMs(nowMs: number): number {
    let wait = Infinity;
    for (const breaker of this.#opened) {
      if (breaker.isCooling(nowMs)) wait = Math.min(wait, breaker.waitMs(nowMs));
    }
    return wait === Infinity ? 0 : wait;
  }

  /** Levels of the breakers that have something to report. */
  levels(nowMs: number, now: number): BreakerLevel[] {
    const telling = [...this.#breakers].filter((breaker) => !breaker.isIdle);
    return telling.map((breaker) => breaker.level(nowMs, now));
  }
}
