/** What really happened, written down by the simulated workers themselves and by nobody else. */
export interface TruthLine {
  readonly jobId: string;
  readonly attempt: number;
  readonly workspace: string;
  /** Which incarnation of which process ran it. */
  readonly process: string;
  readonly startedAtMs: number;
  endedAtMs: number | null;
  costUsd: number;
  /** It did its work and said so. */
  succeeded: boolean;
  /** Its result was spooled because its scheduler was gone. */
  spooled: boolean;
}

export class Truth {
  readonly lines: TruthLine[] = [];

  begin(line: Omit<TruthLine, "endedAtMs" | "costUsd" | "succeeded" | "spooled">): TruthLine {
    const begun: TruthLine = { ...line, endedAtMs: null, costUsd: 0, succeeded: false, spooled: false };
    this.lines.push(begun);
    return begun;
  }

  of(jobId: string): readonly TruthLine[] {
    return this.lines.filter((line) => line.jobId === jobId);
  }
}
