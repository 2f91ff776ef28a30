/** Keeps the last results by key (a worker, a workspace, all), and detects concentrated failures. */
import { BoundedMap } from "@agentcore/contract";

/** Keys kept. The key with the oldest last run is forgotten first. */
const keysMax = 1000;

interface RunEnd {
  readonly atMs: number;
  readonly failed: boolean;
}

export interface Concentration {
  readonly runs: number;
  readonly failures: number;
}

export interface ConcentrationLimits {
  /** Runs that are judged together; fewer are no evidence. */
  readonly runs: number;
  /** Share of them that must have failed. */
  readonly share: number;
  readonly withinMs: number;
}

interface KeptEnds {
  /** Oldest first. */
  readonly ends: RunEnd[];
  /** Failures among them. Usually 0, and then there is nothing to search for. */
  failures: number;
}

export class RecentRuns {
  readonly #limits: ConcentrationLimits;
  readonly #kept = new BoundedMap<string, KeptEnds>(keysMax);

  constructor(limits: ConcentrationLimits) {
    this.#limits = limits;
  }

  add(key: string, failed: boolean, nowMs: number): void {
    const kept = this.#kept.get(key) ?? { ends: [], failures: 0 };
    this.#kept.set(key, kept);
    kept.ends.push({ atMs: nowMs, failed });
    if (failed) kept.failures += 1;
    if (kept.ends.length > this.#limits.runs && kept.ends.shift()?.failed === true) kept.failures -= 1;
  }

  /** The failures of a key if they are concentrated, else null. `runs`: how many runs are evidence here. */
  concentration(key: string, nowMs: number, runs = this.#limits.runs): Concentration | null {
    const { share, withinMs } = this.#limits;
    const { ends, failures: failuresMax } = this.#kept.get(key) ?? { ends: [], failures: 0 };
    if (ends.length < runs || failuresMax < share * runs) return null;
    const recent = ends.filter((end) => nowMs - end.atMs <= withinMs);
    const failures = recent.filter((end) => end.failed).length;
    return recent.length >= runs && failures >= share * recent.length
      ? { runs: recent.length, failures }
      : null;
  }

  /** Forgets a key: the same runs must not be evidence twice. */
  clear(key: string): void {
    this.#kept.delete(key);
  }
}
