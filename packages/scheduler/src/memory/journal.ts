/** The history in the memory store: attempts, decisions and late results, each by job id. */
import type { AttemptRecord } from "../job-record.ts";
import type { Decision, NewDecision } from "../decision.ts";
import type { LateResult } from "../job-store.ts";
import type { JobEffect } from "../job-transition.ts";

export class Journal {
  readonly #attempts = new Map<string, readonly AttemptRecord[]>();
  readonly #decisions = new Map<string, readonly Decision[]>();
  readonly #late = new Map<string, readonly LateResult[]>();

  attempts(jobId: string): readonly AttemptRecord[] {
    return this.#attempts.get(jobId) ?? [];
  }

  decisions(jobId: string): readonly Decision[] {
    return this.#decisions.get(jobId) ?? [];
  }

  lateResults(jobId: string): readonly LateResult[] {
    return this.#late.get(jobId) ?? [];
  }

  drop(jobId: string): void {
    this.#attempts.delete(jobId);
    this.#decisions.delete(jobId);
    this.#late.delete(jobId);
  }

  addLateResult(late: LateResult): void {
    this.#late.set(late.ref.jobId, [...this.lateResults(late.ref.jobId), late]);
  }

  addDecision(decision: NewDecision): void {
    const { jobId } = decision;
    const earlier = this.decisions(jobId);
    const latest = earlier.at(-1);
    const repeats =
      latest?.type === decision.type && latest.code === decision.code && latest.attempt === decision.attempt;
    if (latest !== undefined && repeats) {
      const { message, evidence } = decision;
      const raised = { ...latest, message, evidence, count: latest.count + 1, lastAt: decision.at };
      this.#decisions.set(jobId, [...earlier.slice(0, -1), raised]);
    } else {
      this.#decisions.set(jobId, [...earlier, { ...decision, count: 1, lastAt: decision.at }]);
    }
  }

  apply(jobId: string, effects: readonly JobEffect[]): void {
    for (const effect of effects)
      this.#attempts.set(jobId, applyToAttempts(jobId, this.attempts(jobId), effect));
  }
}

function applyToAttempts(
  jobId: string,
  attempts: readonly AttemptRecord[],
  effect: JobEffect,
): AttemptRecord[] {
  const change = (difference: Partial<AttemptRecord>): AttemptRecord[] =>
    attempts.map((attempt) => (attempt.attempt === effect.attempt ? { ...attempt, ...difference } : attempt));
  switch (effect.type) {
    case "attempt_opened": {
      const { attempt, owner, claimedAt } = effect;
      const open = {
        jobId,
        attempt,
        owner,
        claimedAt,
        started: null,
        endedAt: null,
        result: null,
        decision: null,
      };
      return [...attempts, open];
    }
    case "attempt_started":
      return change({ started: effect.started });
    case "attempt_moved":
      return change({ owner: effect.owner });
    case "attempt_closed":
      return change({ endedAt: effect.endedAt, result: effect.result, decision: effect.decision });
    case "attempt_withdrawn":
      return attempts.filter((attempt) => attempt.attempt !== effect.attempt);
  }
}
