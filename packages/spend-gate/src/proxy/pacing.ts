/**
 * Paces requests to what a provider allows in a minute. Bottleneck queues them, one after the other, and the injected clock
 * measures the time, because bottleneck reads the wall clock (docs/adr/0023).
 */
import Bottleneck from "bottleneck";
import { BoundedMap, sleep, type Clock } from "@agentcore/contract";

const minuteMs = 60_000;

/** One rate: `perMinute` units, of which at most a minute's worth is saved up. */
class Rate {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #queue = new Bottleneck({ maxConcurrent: 1 });
  /** What may be used at `#atMs`. Negative after a request that used more than it was expected to. */
  #level: number;
  #atMs: number;
  #waiting = 0;

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#clock = clock;
    this.#level = perMinute;
    this.#atMs = clock.monotonicMs();
  }

  /** Resolves when `units` may be used, and takes them. A request whose signal is aborted takes nothing. */
  async take(units: number, signal: AbortSignal): Promise<void> {
    // More than a minute's worth could never be saved up.
    const needed = Math.min(units, this.#perMinute);
    if (this.#waiting === 0 && this.#refilled() >= needed) {
      this.#level -= units;
      return;
    }
    this.#waiting += 1;
    await this.#queue.schedule(async () => {
      while (!signal.aborted && this.#refilled() < needed) {
        const shareOfMinute = (needed - this.#level) / this.#perMinute;
        await sleep(this.#clock, Math.ceil(shareOfMinute * minuteMs), signal);
      }
      if (!signal.aborted) this.#level -= units;
      this.#waiting -= 1;
    });
  }

  /** A request used more than it took, or less. */
  correct(units: number): void {
    this.#level = Math.min(this.#perMinute, this.#refilled() - units);
  }

  #refilled(): number {
    const now = this.#clock.monotonicMs();
    this.#level = Math.min(this.#perMinute, this.#level + ((now - this.#atMs) / minuteMs) * this.#perMinute);
    this.#atMs = now;
    return this.#level;
  }
}

/** What is configured for a provider, or for one of its models. */
export interface RateConfig {
  readonly requests_per_minute?: number | undefined;
  readonly tokens_per_minute?: number | undefined;
}

interface Rates {
  readonly requests: Rate | null;
  readonly tokens: Rate | null;
}

/** A provider that asks for a longer pause gets the requests all the same: its answer says more than a silent wait. */
const pauseMsMax = minuteMs;

/** The rates of one provider: its own, and those of its models. */
export class Pacing {
  readonly #clock: Clock;
  /** When each model may be asked again, on the monotonic clock. */
  readonly #pauses = new BoundedMap<string | null, number>(1000);
  readonly #provider: Rates;
  readonly #models: ReadonlyMap<string, Rates>;

  constructor(config: RateConfig & { readonly models?: Readonly<Record<string, RateConfig>> }, clock: Clock) {
    const ratesOf = (rates: RateConfig): Rates => ({
      requests: rates.requests_per_minute === undefined ? null : new Rate(rates.requests_per_minute, clock),
      tokens: rates.tokens_per_minute === undefined ? null : new Rate(rates.tokens_per_minute, clock),
    });
    this.#clock = clock;
    this.#provider = ratesOf(config);
    this.#models = new Map(
      Object.entries(config.models ?? {}).map(([name, rates]) => [name, ratesOf(rates)]),
    );
  }

  /**
   * Resolves when the request may be forwarded; `tokens` is what it is expected to use. Call the function that it resolves with
   * once, with what the request has used.
   */
  async turn(model: string | null, tokens: number, signal: AbortSignal): Promise<(used: number) => void> {
    const all = [this.#provider, ...(model === null ? [] : [this.#models.get(model) ?? noRates])];
    await this.#pauseOver(model, signal);
    for (const rates of all) {
      await rates.requests?.take(1, signal);
      await rates.tokens?.take(tokens, signal);
    }
    return (used) => {
      for (const rates of all) rates.tokens?.correct(used - tokens);
    };
  }

  /** The provider asks for a pause: requests for the model wait. A pause of more than a minute is not kept. */
  pause(model: string | null, durationMs: number): void {
    if (durationMs <= pauseMsMax) this.#pauses.set(model, this.#clock.monotonicMs() + durationMs);
  }

  async #pauseOver(model: string | null, signal: AbortSignal): Promise<void> {
    const leftMs = (this.#pauses.get(model) ?? 0) - this.#clock.monotonicMs();
    if (leftMs > 0) await sleep(this.#clock, leftMs, signal);
  }
}

const noRates: Rates = { requests: null, tokens: null };
