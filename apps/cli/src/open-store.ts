/** The job store of a state directory, for commands that ask or change it without running anything. */
import { AgentCoreError } from "@agentcore/contract";
import type { JobRecord, JobStore } from "@agentcore/scheduler";
import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
import { loadConfig, type LoadedConfig } from "./config/load.ts";
import type { Io } from "./io.ts";
import { createStateDir, resolveStateDir, type StateDir } from "./state-dir.ts";
import { nearest } from "./suggest.ts";

/** Options that every command with state has. */
export interface StateOptions {
  readonly config?: string;
  readonly stateDir?: string;
  readonly json?: boolean;
}

export interface OpenedStore {
  readonly loaded: LoadedConfig;
  readonly state: StateDir;
  readonly store: JobStore;
}

export async function loadOptionsConfig(options: StateOptions, io: Io): Promise<LoadedConfig> {
  return loadConfig({
    cwd: io.cwd,
    env: io.env,
    ...(options.config === undefined ? {} : { path: options.config }),
  });
}

/** Opens the store, hands it to the command, and closes it whatever happens. */
export async function withStore<T>(
  options: StateOptions,
  io: Io,
  use: (opened: OpenedStore) => Promise<T>,
): Promise<T> {
  const loaded = await loadOptionsConfig(options, io);
  const state = resolveStateDir(options.stateDir, loaded, io.cwd, io.env);
  createStateDir(state);
  const store = createSqliteJobStore(await openStateDatabase({ directory: state.path }));
  try {
    return await use({ loaded, state, store });
  } finally {
    await store.close();
  }
}

/** The job of that id, or of the only id that begins so (six characters at least). Throws `AC_JOB_NOT_FOUND`. */
export async function findJob(store: JobStore, id: string): Promise<JobRecord> {
  const exact = await store.get(id);
  if (exact !== undefined) return exact;
  const { jobs } = await store.list({ limit: 1000 });
  const alike = id.length < 6 ? [] : jobs.filter(({ job }) => job.id.startsWith(id));
  const [only] = alike;
  if (only !== undefined && alike.length === 1) return only;
  const near = nearest(
    id,
    jobs.map(({ job }) => job.id),
  );
  const hint =
    alike.length > 1 ? `; ${alike.length} ids begin so` : near === undefined ? "" : `; did you mean ${near}?`;
  throw new AgentCoreError("AC_JOB_NOT_FOUND", `there is no job "${id}"${hint}`, { evidence: { jobId: id } });
}
