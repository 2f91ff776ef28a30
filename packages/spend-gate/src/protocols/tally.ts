/**
 * Collects the numbers of a usage report. A response reports a field several times, and some servers report it as 0 first or
 * last; the reports are cumulative, so the largest counts. A report counts once it is whole: its fields explain each other.
 */
import type { JsonScalar } from "./json-scanner.ts";

/** No response uses as many tokens, by far. */
const countMax = 100_000_000;
/** Calls of hosted tools in one response. */
export const hostedCallsMax = 1_000;

export class Tally<Name extends string> {
  readonly #most: Readonly<Partial<Record<Name, number>>> | undefined;
  readonly #numbers = new Map<Name, number>();
  /** Of the report that is being read: the fields, and the sums of fields that are listed for several passes. */
  readonly #pending = new Map<Name, number>();
  readonly #listed = new Map<Name, number>();
  #fault: string | null = null;

  /** `most`: the largest number that is believed of a field. Default: 100 million. */
  constructor(most?: Readonly<Partial<Record<Name, number>>>) {
    this.#most = most;
  }

  get fault(): string | null {
    return this.#fault;
  }

  has(name: Name): boolean {
    return this.#numbers.has(name);
  }

  /** True if any field was reported. */
  get hasAny(): boolean {
    return this.#numbers.size > 0;
  }

  take(name: Name, scalar: JsonScalar): void {
    const value = this.#valueOf(name, scalar);
    if (value !== null) this.#pending.set(name, Math.max(this.#pending.get(name) ?? 0, value));
  }

  /** Adds to the sum over a list. */
  takeListed(name: Name, scalar: JsonScalar): void {
    const value = this.#valueOf(name, scalar);
    if (value !== null) this.#listed.set(name, (this.#listed.get(name) ?? 0) + value);
  }

  /** The report has ended. */
  commit(): void {
    for (const report of [this.#pending, this.#listed])
      for (const [name, value] of report) {
        if (value > this.#mostOf(name)) this.#fault ??= faultOf(name, String(value));
        else this.#numbers.set(name, Math.max(this.get(name), value));
      }
    this.discard();
  }

  /** The report broke off, or another one begins. */
  discard(): void {
    if (this.#pending.size > 0) this.#pending.clear();
    if (this.#listed.size > 0) this.#listed.clear();
  }

  /** 0 if it was not reported. */
  get(name: Name): number {
    return this.#numbers.get(name) ?? 0;
  }

  #valueOf(name: Name, scalar: JsonScalar): number | null {
    if (scalar.kind === "null") return null;
    const value = scalar.kind === "number" ? Math.ceil(Number(scalar.text)) : -1;
    if (value >= 0 && value <= this.#mostOf(name)) return value;
    this.#fault ??= faultOf(name, scalar.text.slice(0, 40));
    return null;
  }

  #mostOf(name: Name): number {
    return this.#most?.[name] ?? countMax;
  }
}

function faultOf(name: string, reported: string): string {
  return `The response reports ${reported} as ${name}.`;
}
