/** A journal of calls in memory: for tests, and for a runtime whose budgets end with its process. */
import { AgentCoreError, type ProviderCall } from "@agentcore/contract";
import type { CallJournal } from "./spend-gate.ts";

export function createMemoryCallJournal(): CallJournal {
  /** In the order of their start, by the id of the call. */
  const callsById = new Map<string, ProviderCall>();
  return {
    async begin(call) {
      if (callsById.has(call.id)) throw unexpected(call, "has begun before");
      callsById.set(call.id, { ...call });
    },
    async end(call) {
      if (!callsById.has(call.id)) throw unexpected(call, "has not begun");
      callsById.set(call.id, { ...call });
    },
    calls: async (permitId) =>
      [...callsById.values()].filter((call) => call.permitId === permitId).map((call) => ({ ...call })),
  };
}

function unexpected(call: ProviderCall, what: string): AgentCoreError {
  return new AgentCoreError("AC_INTERNAL", `the call ${call.id} ${what}`);
}
