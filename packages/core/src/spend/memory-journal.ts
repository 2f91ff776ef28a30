/** A {@link CallJournal} in memory, for embedding without a state directory and for tests. It ends with the process. */
import { AgentCoreError, type AttemptCalls, BoundedMap, type ProviderCall } from "@agentcore/contract";
import { type CallJournal, callsOfJobMax } from "./spend-gate.ts";

/** Permits whose calls are kept; the oldest are forgotten first. */
const permitsMax = 1000;

export function createMemoryCallJournal(): CallJournal {
  const permits = new BoundedMap<string, Map<string, ProviderCall>>(permitsMax);
  const callsOf = (permitId: string): Map<string, ProviderCall> => {
    let calls = permits.get(permitId);
    if (calls === undefined) permits.set(permitId, (calls = new Map()));
    return calls;
  };
  return {
    async begin(call) {
      const calls = callsOf(call.permitId);
      if (calls.has(call.id)) throw knownCall(call);
      calls.set(call.id, { ...call });
    },
    async end(call) {
      callsOf(call.permitId).set(call.id, { ...call });
    },
    async calls(permitId) {
      return [...(permits.get(permitId)?.values() ?? [])];
    },
    async callsOfJob(jobId, limit = callsOfJobMax) {
      const calls = [...permits.values()].flatMap((ofPermit) => [...ofPermit.values()]);
      return calls.filter((call) => call.jobId === jobId).slice(-limit);
    },
    async attemptsOfJob(jobId) {
      const calls = [...permits.values()].flatMap((ofPermit) => [...ofPermit.values()]);
      const byAttempt = Map.groupBy(
        calls.filter((call) => call.jobId === jobId),
        ({ attempt }) => attempt,
      );
      return [...byAttempt]
        .map(([attempt, made]) => countedCalls(attempt, made))
        .toSorted((a, b) => a.attempt - b.attempt);
    },
  };
}

function countedCalls(attempt: number, calls: readonly ProviderCall[]): AttemptCalls {
  const open = calls.filter(({ outcome }) => outcome === "open");
  const ended = calls.filter(({ outcome }) => outcome !== "open");
  const costOf = (some: readonly ProviderCall[]): number =>
    some.reduce((sum, { costMicroUsd }) => sum + costMicroUsd, 0);
  return {
    attempt,
    calls: calls.length,
    openCalls: open.length,
    costMicroUsd: costOf(ended),
    tokens: ended.reduce((sum, { tokens }) => sum + tokens, 0),
    heldMicroUsd: costOf(open),
    estimated: ended.some(({ estimated }) => estimated),
  };
}

function knownCall({ id, permitId }: ProviderCall): AgentCoreError {
  return new AgentCoreError("AC_INTERNAL", `call ${id} of permit ${permitId} exists already`);
}
