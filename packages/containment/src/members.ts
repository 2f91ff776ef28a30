/**
 * Which processes belong to a run where no PID namespace says so. Members are those known already, those found in the run's
 * cgroup or by its marker, their descendants, and every process that shares a session with a member. A process that was
 * given an empty environment and has left parent and session behind is not found: that is what makes this level best-effort.
 */
import type { ProcessFact, ProcessRef } from "./proc.ts";

export interface RunTraces {
  /** Members seen before, the payload among them. */
  readonly known: readonly ProcessRef[];
  /** Who leads, or led, the session that the payload was started in. */
  readonly leader: ProcessRef | null;
  /** Pids that the cgroup lists. */
  readonly cgroupPids: ReadonlySet<number>;
  /** Pids of those that carry the run's marker. */
  readonly marked: ReadonlySet<number>;
  /** The session that this process lives in, which is nobody's trace. */
  readonly ownSession: number;
}

/** Out of `candidates`, which must hold neither this process nor any that started before the run. */
export function selectMembers(candidates: readonly ProcessFact[], traces: RunTraces): ProcessFact[] {
  const known = new Map(traces.known.map((ref) => [ref.pid, ref.startTicks]));
  const members = new Map<number, ProcessFact>();
  // While anybody is left in a session its number is not given out again. Somebody else under that number means that
  // the session had emptied and the number begun a new life.
  const { leader } = traces;
  const isReused = candidates.some(
    (fact) => fact.pid === leader?.pid && fact.startTicks !== leader.startTicks,
  );
  const leaderSession = leader === null || isReused ? [] : [leader.pid];
  for (const fact of candidates) {
    const isSeed =
      known.get(fact.pid) === fact.startTicks ||
      traces.cgroupPids.has(fact.pid) ||
      traces.marked.has(fact.pid);
    if (isSeed) members.set(fact.pid, fact);
  }
  for (let before = -1; before !== members.size;) {
    before = members.size;
    const sessions = new Set([...leaderSession, ...[...members.values()].map((fact) => fact.session)]);
    sessions.delete(traces.ownSession);
    for (const fact of candidates) {
      if (members.has(fact.ppid) || sessions.has(fact.session)) members.set(fact.pid, fact);
    }
  }
  return [...members.values()];
}
