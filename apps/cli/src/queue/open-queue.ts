/** Opens the queue of a state directory for commands that submit, query or change jobs without running any. */
import { AgentCoreError, systemClock, systemIds, type Log } from "@agentcore/contract";
import { QueueClient, type JobRecord, type JobStore } from "@agentcore/scheduler";
import { workerNames } from "../adapters.ts";
import { announceConfig, type Announcement } from "../config/announce.ts";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import type { Io } from "../io.ts";
import { createCommandLog } from "../log.ts";
import { createStateDir, requireState, resolveStateDir, type StateDir } from "../state/state-dir.ts";
import { openStores, type StateStores } from "../state/stores.ts";

/** Options that every command with state has. */
export interface StateOptions {
  readonly config?: string;
  readonly stateDir?: string;
  readonly json?: boolean;
}

export interface OpenedQueue {
  readonly loaded: LoadedConfig;
  readonly state: StateDir;
  readonly stores: StateStores;
  readonly client: QueueClient;
}

/** The effective configuration, reported on stderr or as an event, as the command requires. */
export async function loadOptionsConfig(
  options: StateOptions,
  io: Io,
  announcement: Announcement = "exceptions",
): Promise<LoadedConfig> {
  const { config } = options;
  const request = { cwd: io.cwd, env: io.env, path: config };
  const loaded = await loadConfig(request);
  announceConfig(loaded, io, announcement);
  return loaded;
}

/** For commands that run jobs. */
export function announcementOf({ json }: StateOptions): Announcement {
  return json === true ? "events" : "always";
}

/** What a command does with the state directory. One that only reads makes none where the user named another by mistake. */
export type Access = "reads" | "writes";

/** The state directory of a command that opens it. Throws `AC_USAGE` if it only reads and the named one has no state. */
function openStateDir({ stateDir }: StateOptions, loaded: LoadedConfig, io: Io, access: Access): StateDir {
  const state = resolveStateDir(stateDir, loaded, io.cwd, io.env);
  if (access === "reads" && stateDir !== undefined) requireState(state);
  createStateDir(state);
  return state;
}

/** Opens the queue, passes it to the command, and always closes it. */
export async function withQueue<T>(
  options: StateOptions,
  io: Io,
  use: (opened: OpenedQueue) => Promise<T>,
  access: Access = "reads",
): Promise<T> {
  const loaded = await loadOptionsConfig(options, io);
  const state = openStateDir(options, loaded, io, access);
  const log = createCommandLog(options.json);
  const stores = await openStores(state);
  const client = openClient(stores.jobs, loaded, log);
  try {
    return await use({ loaded, state, stores, client });
  } finally {
    client.closeClient();
    await stores.close();
    await log.flush();
  }
}

/** Opens the stores of the state directory, passes them to the command, and always closes them. */
export async function withStores<T>(
  options: StateOptions,
  io: Io,
  use: (stores: StateStores, state: StateDir) => Promise<T>,
  access: Access = "reads",
): Promise<T> {
  const loaded = await loadOptionsConfig(options, io);
  const state = openStateDir(options, loaded, io, access);
  const stores = await openStores(state);
  try {
    return await use(stores, state);
  } finally {
    await stores.close();
  }
}

function openClient(store: JobStore, loaded: LoadedConfig, log: Log): QueueClient {
  return new QueueClient({ store, clock: systemClock, ids: systemIds, log, workers: workerNames(loaded) });
}

/** Throws `AC_JOB_NOT_FOUND`. */
export async function requireJob(store: Pick<JobStore, "get">, id: string): Promise<JobRecord> {
  const record = await store.get(id);
  if (record !== undefined) return record;
  throw new AgentCoreError("AC_JOB_NOT_FOUND", `there is no job "${id}"`, { evidence: { jobId: id } });
}
