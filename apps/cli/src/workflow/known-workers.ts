/** What adapters say of themselves, for the checks of a workflow file. Adapters are loaded for the workers asked about only. */
import { isAgentCoreError, type WorkerAdapter } from "@agentcore/contract";
import type { LookUpWorkers } from "@agentcore/workflow";
import { loadAdapter } from "../adapters.ts";
import type { LoadedConfig } from "../config/load.ts";

/** A worker that there is not, or that cannot be loaded, is not known: the run says what is wrong with it. */
export function lookUpWorkers(loadConfig: () => Promise<LoadedConfig>): LookUpWorkers {
  return async (names) => {
    const loaded = await loadConfig();
    const adapters = new Map<string, WorkerAdapter>();
    for (const name of names) {
      const adapter = await loadAdapter(name, loaded).catch((error: unknown) => {
        if (isAgentCoreError(error)) return null;
        throw error;
      });
      if (adapter !== null) adapters.set(name, adapter);
    }
    return {
      options: (worker) => {
        const adapter = adapters.get(worker);
        return adapter === undefined ? null : (adapter.options ?? []);
      },
      argsProblem: (worker, args) => argsProblem(adapters.get(worker), args),
    };
  };
}

function argsProblem(adapter: WorkerAdapter | undefined, args: readonly string[]): string | null {
  try {
    adapter?.checkArgs?.(args);
    return null;
  } catch (error) {
    if (isAgentCoreError(error)) return error.message;
    throw error;
  }
}
