/**
 * Handles attempts whose worker never started because of a problem outside the job: the state directory could not be
 * written, or the machine could not start a process. They cost the job no attempt: it goes back to the queue, with a
 * growing wait, and `why` says what it waits for. A lasting problem is escalated once. If no box can be started, the
 * attempt counts in the end, because the job itself may be the cause.
 */
import { BoundedMap, backOffMs, type Denial, type ErrorCode } from "@agentcore/contract";
import type { JobRecord } from "../job-record.ts";

interface Rule {
  /** After so many put-backs of a job in a row, its attempt counts as any other; Infinity: never. */
  readonly timesMax: number;
}

/** Codes of results in which no worker began. */
const rules: Readonly<Partial<Record<ErrorCode, Rule>>> = {
  AC_STORE_UNAVAILABLE: { timesMax: Infinity },
  AC_WORKER_SPAWN: { timesMax: 5 },
  // A job on which the runtime dies again and again must end.
  AC_RUNTIME_LOST: { timesMax: 5 },
  AC_LEASE_LOST: { timesMax: Infinity },
};

const delayMsMin = 1000;
const delayMsMax = 30_000;
/** Put-backs of one job in a row that cause an escalation. */
const escalatedAfter = 8;
/** Jobs remembered. The one whose last put-back is oldest is forgotten first, and starts again from 0. */
const jobsMax = 10_000;

export interface PutBack {
  readonly delayMs: number;
  /** Escalate now: once, until a worker begins again. */
  readonly isWorthTelling: boolean;
}

export class PutBacks {
  /** Put-backs in a row, by job. */
  readonly #times = new BoundedMap<string, number>(jobsMax);
  readonly #told = new Set<string>();

  /** Null: the attempt counts. */
  next({ job }: JobRecord, { code }: Pick<Denial, "code">): PutBack | null {
    const rule = rules[code];
    const times = (this.#times.get(job.id) ?? 0) + 1;
    this.#times.delete(job.id);
    if (rule === undefined || times > rule.timesMax) return null;
    this.#times.set(job.id, times);
    const delayMs = backOffMs(times, { minMs: delayMsMin, maxMs: delayMsMax });
    const isWorthTelling = times >= escalatedAfter && !this.#told.has(code);
    if (isWorthTelling) this.#told.add(code);
    return { delayMs, isWorthTelling };
  }

  /** A worker began. */
  forget({ job }: JobRecord): void {
    this.#times.delete(job.id);
    this.#told.clear();
  }
}
