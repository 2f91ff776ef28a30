/**
 * Finds the available workers: the built-in ones and those that the configuration names. Each adapter is loaded when it is
 * requested, so that a run loads only the one it uses. A configured adapter is resolved from the configuration file's
 * directory.
 */
import { AgentCoreError, isAgentCoreError, type Capability, type WorkerAdapter } from "@agentcore/contract";
import {
  loadAdapter as loadForeignAdapter,
  requireCapabilities,
  requireInstalled,
} from "@agentcore/worker-kit";
import { dirname } from "node:path";
import { didYouMean, type Environment } from "@agentcore/yaml-file";
import type { LoadedConfig } from "./config/load.ts";

const builtIn: Readonly<Record<string, () => Promise<WorkerAdapter>>> = {
  shell: async () => (await import("@agentcore/adapter-shell")).default,
  "claude-code": async () => (await import("@agentcore/adapter-claude-code")).default,
  codex: async () => (await import("@agentcore/adapter-codex")).default,
  opencode: async () => (await import("@agentcore/adapter-opencode")).default,
};

export function isBuiltInWorker(name: string): boolean {
  return Object.hasOwn(builtIn, name);
}

export function builtInAdapters(): Promise<readonly WorkerAdapter[]> {
  return Promise.all(Object.values(builtIn).map((load) => load()));
}

/** Names of all workers, built-in first. */
export function workerNames(loaded: LoadedConfig): string[] {
  return [...new Set([...Object.keys(builtIn), ...Object.keys(loaded.config.workers)])];
}

/** Throws `AC_WORKER_UNKNOWN` with the list and the nearest name, `AC_ADAPTER_MISSING` or `AC_ADAPTER_INVALID`. */
export async function loadAdapter(name: string, loaded: LoadedConfig): Promise<WorkerAdapter> {
  const configured = Object.hasOwn(loaded.config.workers, name)
    ? loaded.config.workers[name]?.adapter
    : undefined;
  if (configured !== undefined) return loadConfigured(name, configured, loaded);
  const load = Object.hasOwn(builtIn, name) ? builtIn[name] : undefined;
  if (load !== undefined) return load();
  const names = workerNames(loaded).filter((known) => known !== name);
  const hint = hintFor(name, loaded);
  throw new AgentCoreError(
    "AC_WORKER_UNKNOWN",
    `there is no worker "${name}"${hint}; there are ${names.join(", ")}${didYouMeanWorker(name, names)}`,
    { evidence: { worker: name, known: names } },
  );
}

/** Names of programs that run scripts, as the shell worker does. */
const shells: ReadonlySet<string> = new Set(["bash", "sh", "zsh", "dash", "script", "command"]);

/** As `didYouMean`, and `shell` for the name of a shell. */
export function didYouMeanWorker(name: string, names: readonly string[]): string {
  const known = shells.has(name.toLowerCase()) && names.includes("shell") ? "shell" : null;
  return known === null ? didYouMean(name, names) : `; did you mean "${known}"?`;
}

function hintFor(name: string, { config, source, ignored }: LoadedConfig): string {
  if (ignored.includes(`workers.${name}`) && source !== null)
    return `; ${source.path} names one, and is not trusted: see \`agentcore trust\``;
  return Object.hasOwn(config.workers, name) ? "; the configuration gives it no adapter" : "";
}

/** Throws as `loadAdapter` does, and `AC_CAPABILITY_UNSUPPORTED` if the worker cannot enforce the capabilities. */
export async function requireWorker(
  name: string,
  asked: readonly Capability[],
  loaded: LoadedConfig,
): Promise<WorkerAdapter> {
  const adapter = await loadAdapter(name, loaded);
  requireCapabilities(name, adapter.capabilities, asked);
  return adapter;
}

/** Throws `AC_WORKER_MISSING` if the worker's program does not exist. */
export function requireWorkerProgram(
  adapter: WorkerAdapter,
  { config }: LoadedConfig,
  env: Environment,
): void {
  const path = config.workers[adapter.name]?.program;
  requireInstalled(adapter, { hostEnv: env, path });
}

/** Every adapter; a broken one is an error in its place. */
export async function loadAdapters(
  loaded: LoadedConfig,
): Promise<readonly { readonly name: string; readonly adapter: WorkerAdapter | AgentCoreError }[]> {
  return Promise.all(
    workerNames(loaded).map(async (name) => ({
      name,
      adapter: await loadAdapter(name, loaded).catch((error: unknown) => {
        if (isAgentCoreError(error)) return error;
        throw error;
      }),
    })),
  );
}

/** Every adapter; throws for the first one that is broken. */
export async function requireAdapters(loaded: LoadedConfig): Promise<readonly WorkerAdapter[]> {
  return (await loadAdapters(loaded)).map(({ adapter }) => {
    if (isAgentCoreError(adapter)) throw adapter;
    return adapter;
  });
}

/** The worker has the name from the configuration: two workers may share one adapter with different settings. */
async function loadConfigured(name: string, specifier: string, loaded: LoadedConfig): Promise<WorkerAdapter> {
  const directory = loaded.source === null ? process.cwd() : dirname(loaded.source.path);
  const adapter = await loadForeignAdapter(specifier, directory);
  // Not a copy by spread: an adapter may be a class instance with its methods on the prototype.
  return Object.create(adapter, { name: { value: name, enumerable: true } }) as WorkerAdapter;
}
