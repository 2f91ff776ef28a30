/** The last few ends of runs by key (a worker, a workspace, all), and whether failures are concentrated there. */

/** Keys kept; the one that was longest without a run is forgotten first. */
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
  /** Runs looked at together; fewer are no evidence. */
  readonly runs: number;
  /** Share of them that must have failed. */
  readonly share: number;
  readonly withinMs: number;
}

export class RecentRuns {
  private readonly limits: ConcentrationLimits;
  private readonly ends = new Map<string, readonly RunEnd[]>();

  constructor(limits: ConcentrationLimits) {
    this.limits = limits;
  }

  add(key: string, failed: boolean, nowMs: number): void {
    const before = this.ends.get(key) ?? [];
    this.ends.delete(key);
    this.ends.set(key, [...before, { atMs: nowMs, failed }].slice(-this.limits.runs));
    if (this.ends.size > keysMax) this.ends.delete(this.ends.keys().next().value ?? key);
  }

  /** The failures of a key if they are concentrated, else null. `runs`: how many runs are evidence here. */
  concentration(key: string, nowMs: number, runs = this.limits.runs): Concentration | null {
    const { share, withinMs } = this.limits;
    const recent = (this.ends.get(key) ?? []).filter((end) => nowMs - end.atMs <= withinMs);
    const failures = recent.filter((end) => end.failed).length;
    return recent.length >= runs && failures >= share * recent.length
      ? { runs: recent.length, failures }
      : null;
  }

  /** Forgets a key: what was acted upon is not evidence a second time. */
  clear(key: string): void {
    this.ends.delete(key);
  }
}
