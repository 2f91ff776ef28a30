/**
 * Collects the numbers of a usage report. A response reports a field several times, and some servers report it as 0 first or
 * last; the reports are cumulative, so the largest counts.
 */
import type { JsonScalar } from "./json-scanner.ts";

export class Tally<Name extends string> {
  readonly #numbers = new Map<Name, number>();
  #fault: string | null = null;

  get fault(): string | null {
    return this.#fault;
  }

  /** True if any field was reported. */
  get hasAny(): boolean {
    return this.#numbers.size > 0;
  }

  take(name: Name, scalar: JsonScalar): void {
    if (scalar.kind !== "number") return;
    const value = Math.ceil(Number(scalar.text));
    if (value >= 0 && Number.isSafeInteger(value)) this.raise(name, value);
    else this.#fault ??= `The response reports ${scalar.text} as ${name}.`;
  }

  raise(name: Name, value: number): void {
    this.#numbers.set(name, Math.max(this.get(name), value));
  }

  /** 0 if it was not reported. */
  get(name: Name): number {
    return this.#numbers.get(name) ?? 0;
  }
}
