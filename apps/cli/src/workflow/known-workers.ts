/** Reads what adapters declare, for the checks of a workflow file. Loads only the adapters that a check needs. */
import { isAgentCoreError, type WorkerAdapter } from "@agentcore/contract";
import type { LookUpWorkers } from "@agentcore/workflow";
import { loadAdapter } from "../adapters.ts";
import type { LoadedConfig } from "../config/load.ts";

export function lookUpWorkers(loadConfig: () => Promise<LoadedConfig>): LookUpWorkers {
  return lookUpAdapters(async () => {
    const loaded = await loadConfig();
    return (name) => loadAdapter(name, loaded);
  });
}

/** What `open` gives throws an `AgentCoreError` for a worker that does not exist or cannot be used. */
export function lookUpAdapters(
  open: () => Promise<(name: string) => WorkerAdapter | Promise<WorkerAdapter>>,
): LookUpWorkers {
  return async (names) => {
    const load = await open();
    const adapters = new Map<string, WorkerAdapter>();
    const problems = new Map<string, string>();
    for (const name of names) {
      try {
        adapters.set(name, await load(name));
      } catch (error) {
        if (!isAgentCoreError(error)) throw error;
        problems.set(name, error.message);
      }
    }
    return {
      problem: (worker) => problems.get(worker) ?? null,
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
