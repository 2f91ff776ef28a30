/** What the queued jobs wait for, by reason: `why` for all of them at once. Pure. */
import { coversGroup, type DenialScope } from "../denial-scope.ts";
import type { Reason } from "../job-record.ts";
import type { ClaimGroup, QueueWaits, WaitingJob } from "../queue-waits.ts";

/** Jobs that wait for the same. */
export interface WaitingFor {
  /** Of the refusal that holds them back; null if they wait for their turn, their time or another job. */
  readonly code: string | null;
  readonly reason: string;
  readonly jobs: number;
  /** Since when the job waits that `example` names: the one that waits longest of those that were read. */
  readonly oldestAt: number | null;
  readonly example: string;
}

/** What this process knows. */
export interface WaitFacts {
  readonly now: number;
  /** Why no job starts here now: as many run as may. Null if there is room. */
  readonly full: Reason | null;
  /** What the runtime refused, for a whole scope. */
  readonly held: readonly { readonly scope: DenialScope; readonly reason: Reason }[];
}

type Cause = Pick<WaitingFor, "code" | "reason">;

const turn: Cause = { code: null, reason: "waits for its turn" };
const time: Cause = { code: null, reason: "waits for its time" };
const sameKey: Cause = { code: null, reason: "waits for the end of a job with its key" };

/** The most first. */
export function explainWaits(waits: QueueWaits, facts: WaitFacts): readonly WaitingFor[] {
  const found = new Tally();
  const heldOf = (group: ClaimGroup, key: string | null): Cause | null => {
    const entry = facts.held.find(({ scope }) => coversGroup(scope, group, key));
    return entry === undefined ? null : causeOf(entry.reason);
  };
  const here = facts.full === null ? turn : causeOf(facts.full);
  const counted = new Map<string, number>();
  for (const line of waits.ofKeys) {
    if (heldOf(line, null) !== null) continue;
    found.add(heldOf(line, line.concurrencyKey) ?? here, line.jobs, line.first);
    counted.set(groupId(line), (counted.get(groupId(line)) ?? 0) + line.jobs);
  }
  for (const line of waits.lines) {
    const left = line.jobs - (counted.get(groupId(line)) ?? 0);
    found.add(heldOf(line, null) ?? here, left, line.first);
  }
  for (const job of waits.others) found.add(causeOfOther(job, facts, heldOf) ?? here, 1, job);
  const unread = waits.othersInAll - waits.others.length;
  const [last] = waits.others.slice(-1);
  if (last !== undefined) found.add(time, unread, last);
  return found.all();
}

function causeOfOther(
  job: WaitingJob,
  { now }: WaitFacts,
  heldOf: (group: ClaimGroup, key: string | null) => Cause | null,
): Cause | null {
  if (job.waitingFor !== null) return causeOf(job.waitingFor);
  if (job.runAt > now) return time;
  return job.kind === "key" ? sameKey : heldOf(job, job.concurrencyKey);
}

const causeOf = ({ code, message }: Reason): Cause => ({ code, reason: message });

const groupId = ({ tenant, worker, model, class: kind }: ClaimGroup): string =>
  JSON.stringify([tenant, worker, model, kind]);

/** By code, or by the words of a wait without one. */
class Tally {
  readonly #found = new Map<string, WaitingFor>();

  add(
    cause: Cause,
    jobs: number,
    { jobId, readyFrom }: { readonly jobId: string; readonly readyFrom: number },
  ) {
    if (jobs <= 0) return;
    const id = cause.code ?? cause.reason;
    const before = this.#found.get(id);
    const isOldest = before === undefined || readyFrom < (before.oldestAt ?? Infinity);
    const shown = isOldest ? { ...cause, oldestAt: readyFrom, example: jobId } : before;
    this.#found.set(id, { ...shown, jobs: (before?.jobs ?? 0) + jobs });
  }

  all(): readonly WaitingFor[] {
    return [...this.#found.values()].toSorted((a, b) => b.jobs - a.jobs);
  }
}
