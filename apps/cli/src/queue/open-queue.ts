/** Opens the queue of a state directory for commands that submit, query or change jobs without running any. */
import { AgentCoreError, systemClock, systemIds, type Log } from "@agentcore/contract";
import { QueueClient, type JobRecord, type JobStore } from "@agentcore/scheduler";
import { createSqliteJobStore, openStateDatabase } from "@agentcore/store-sqlite";
import { workerNames } from "../adapters.ts";
import { announceConfig, type Announcement } from "../config/announce.ts";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import type { Io } from "../io.ts";
import { createLog } from "../log.ts";
import { createStateDir, resolveStateDir, type StateDir } from "../state/state-dir.ts";
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

/** Opens the queue, passes it to the command, and always closes it. */
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

/** The shortest accepted prefix of an id, if only one job's id begins with it. */
export const idCharsMin = 6;

/** Most ids that are listed if a prefix fits several. */
const candidatesMax = 6;

/** Every id with this prefix is below this value, and lists descend from it. */
export const afterPrefix = (prefix: string): string => `${prefix}\uffff`;

/** `ids`: newest first; all that were found, or the first ones if there are more than are listed. */
export function manyAlike(prefix: string, what: string, ids: readonly string[]): string {
  const named = ids.slice(0, candidatesMax);
  const many = ids.length > candidatesMax ? `more than ${candidatesMax}` : String(ids.length);
  const more = ids.length > candidatesMax ? ", …" : "";
  return `"${prefix}" matches ${many} ${what}: ${named.join(", ")}${more}; give more characters`;
}

export const alikeMax = candidatesMax + 1;

async function jobsThatBegin(store: JobStore, prefix: string): Promise<readonly JobRecord[]> {
  const { jobs } = await store.list({ before: afterPrefix(prefix), limit: alikeMax });
  return jobs.filter(({ job }) => job.id.startsWith(prefix));
}

/** The job with that id, or with the only id that begins with it. Throws `AC_JOB_NOT_FOUND`. */
export async function findJob(store: JobStore, id: string): Promise<JobRecord> {
  const exact = await store.get(id);
  if (exact !== undefined) return exact;
  const alike = id.length < idCharsMin ? [] : await jobsThatBegin(store, id);
  const [only] = alike;
  if (only !== undefined && alike.length === 1) return only;
  const evidence = { jobId: id };
  if (alike.length > 1) {
    const ids = alike.map(({ job }) => job.id);
    throw new AgentCoreError("AC_JOB_NOT_FOUND", manyAlike(id, "jobs", ids), { evidence });
  }
  const { jobs } = await store.list({});
  const near = nearest(
    id,
    jobs.map(({ job }) => job.id),
  );
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  throw new AgentCoreError("AC_JOB_NOT_FOUND", `there is no job "${id}"${hint}`, { evidence });
}
