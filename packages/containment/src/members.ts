/**
 * Finds the processes of a run without a PID namespace. Members are: known members, processes in the run's cgroup or with
 * its marker, their descendants, and every process that shares a session with a member. A process with an empty environment
 * that has left its parent and session is not found: that is why this level is best-effort.
 */
import type { ProcessFact, ProcessRef } from "@agentcore/contract";

export interface RunTraces {
  /** Members seen before, including the payload. */
  readonly known: readonly ProcessRef[];
  /** The leader of the session that the payload was started in. */
  readonly leader: ProcessRef | null;
  /** Pids that the cgroup lists. */
  readonly cgroupPids: ReadonlySet<number>;
  /** Pids of processes with the run's marker. */
  readonly marked: ReadonlySet<number>;
  /** The session of this process, which proves nothing. */
  readonly ownSession: number;
}

/**
 * Returns the members among `candidates`. `candidates` must not contain this process or any process that started before the
 * run.
 */
export function selectMembers(candidates: readonly ProcessFact[], traces: RunTraces): ProcessFact[] {
  const known = new Map(traces.known.map((ref) => [ref.pid, ref.startTicks]));
  const members = new Map<number, ProcessFact>();
  // The number of a session is not reused while a process is in it. So another process with that number means that the
  // session was empty and the number was reused.
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
