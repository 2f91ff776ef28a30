/**
 * Distinguishes a store that will recover from one that will not. A scheduler waits in both cases, because jobs must not be
 * lost to a full disk; but a command in front of a user must say that waiting is useless.
 */
import { isAgentCoreError, type AgentCoreError } from "@agentcore/contract";
import type { JobStore } from "@agentcore/scheduler";

export interface WatchedStore {
  readonly store: JobStore;
  /** Resolves when a change was refused for a reason that time does not cure; otherwise never. */
  readonly broken: Promise<AgentCoreError>;
}

export function watchStore(store: JobStore): WatchedStore {
  const { promise: broken, resolve } = Promise.withResolvers<AgentCoreError>();
  const watched = async <T>(change: Promise<T>): Promise<T> => {
    try {
      return await change;
    } catch (error) {
      if (isAgentCoreError(error) && error.code !== "AC_STORE_UNAVAILABLE") resolve(error);
      throw error;
    }
  };
  return {
    broken,
    store: {
      ...store,
      settleAndClaim: (settlements, claim) => watched(store.settleAndClaim(settlements, claim)),
      // The one change that happens without any work.
      heartbeat: (owner) => watched(store.heartbeat(owner)),
    },
  };
}
