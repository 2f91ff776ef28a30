/** The queue of a state directory, for commands that hand in work, ask about it or change it without running anything. */
import { AgentCoreError, type Log, systemClock, systemIds } from "@agentcore/contract";
import { QueueClient, type JobRecord, type JobStore } from "@agentcore/scheduler";
import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
import { workerNames } from "./adapters.ts";
import { announceConfig, type Announcement } from "./config/announce.ts";
import { loadConfig, type LoadedConfig } from "./config/load.ts";
import type { Io } from "./io.ts";
import { createLog } from "./log.ts";
import { createStateDir, resolveStateDir, type StateDir } from "./state-dir.ts";
import { nearest } from "@agentcore/yaml-file";

/** Options that every command with state has. */
export interface StateOptions {
  readonly config?: string;
  readonly stateDir?: string;
  readonly json?: boolean;
}

export interface OpenedQueue {
  readonly loaded: LoadedConfig;
  readonly state: StateDir;
  readonly store: JobStore;
  readonly client: QueueClient;
}

/** The configuration in force, said on stderr or among the events as the command wants it. */
export async function loadOptionsConfig(
  options: StateOptions,
  io: Io,
  announcement: Announcement = "exceptions",
): Promise<LoadedConfig> {
  const { config } = options;
  const request = { cwd: io.cwd, env: io.env, ...(config === undefined ? {} : { path: config }) };
  const loaded = await loadConfig(request);
  announceConfig(loaded, io, announcement);
  return loaded;
}

/** For commands that run something. */
export function announcementOf({ json }: StateOptions): Announcement {
  return json === true ? "events" : "always";
}

/** Opens the queue, hands it to the command, and closes it whatever happens. */
export async function withQueue<T>(
  options: StateOptions,
  io: Io,
  use: (opened: OpenedQueue) => Promise<T>,
): Promise<T> {
  const loaded = await loadOptionsConfig(options, io);
  const state = resolveStateDir(options.stateDir, loaded, io.cwd, io.env);
  createStateDir(state);
  const log = createLog("warn");
  const store = createSqliteJobStore(await openStateDatabase({ directory: state.path }));
  const client = openClient(store, loaded, log);
  try {
    return await use({ loaded, state, store, client });
  } finally {
    client.closeClient();
    await store.close();
    await log.flush();
  }
}

function openClient(store: JobStore, loaded: LoadedConfig, log: Log): QueueClient {
  return new QueueClient({ store, clock: systemClock, ids: systemIds, log, workers: workerNames(loaded) });
}

/** Ids may be shortened to as few characters as this, where only one job's id begins so. */
const idCharsMin = 6;

/** The job of that id, or of the only id that begins so. Throws `AC_JOB_NOT_FOUND`. */
export async function findJob(store: JobStore, id: string): Promise<JobRecord> {
  const exact = await store.get(id);
  if (exact !== undefined) return exact;
  const { jobs } = await store.list({ limit: 1000 });
  const alike = id.length < idCharsMin ? [] : jobs.filter(({ job }) => job.id.startsWith(id));
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
