/** Opens the queue of a state directory for commands that submit, query or change jobs without running any. */
import { AgentCoreError, systemClock, systemIds, type Log } from "@agentcore/contract";
import { QueueClient, type JobQuery, type JobRecord, type JobStore } from "@agentcore/scheduler";
import { createSqliteJobStore, openStateDatabase, type StateDatabase } from "@agentcore/store-sqlite";
import { workerNames } from "../adapters.ts";
import { announceConfig, type Announcement } from "../config/announce.ts";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import type { Io } from "../io.ts";
import { createCommandLog } from "../log.ts";
import { createStateDir, requireState, resolveStateDir, type StateDir } from "../state/state-dir.ts";
import { isGeneratedId, shortId, shortIdChars, shortIdsAmong } from "../screen/short-id.ts";
import { afterPrefix, findId, type IdSource } from "./find-id.ts";
import { lastWord } from "./id-words.ts";
import { lastRefusal } from "./last-refusal.ts";

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

/** What a command does with the state directory. One that only reads makes none where the user named another by mistake. */
export type Access = "reads" | "writes";

/** The state directory of a command that opens it. Throws `AC_USAGE` if it only reads and the named one has no state. */
export function openStateDir(
  { stateDir }: StateOptions,
  loaded: LoadedConfig,
  io: Io,
  access: Access,
): StateDir {
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

/** Opens the database of the state directory, passes it to the command, and always closes it. */
export async function withDatabase<T>(
  options: StateOptions,
  io: Io,
  use: (database: StateDatabase) => Promise<T>,
  access: Access = "reads",
): Promise<T> {
  const loaded = await loadOptionsConfig(options, io);
  const state = openStateDir(options, loaded, io, access);
  const database = await openStateDatabase({ directory: state.path });
  try {
    return await use(database);
  } finally {
    await database.close();
  }
}

function openClient(store: JobStore, loaded: LoadedConfig, log: Log): QueueClient {
  return new QueueClient({ store, clock: systemClock, ids: systemIds, log, workers: workerNames(loaded) });
}

/** As `findJob`. For `@last`, throws `AC_USAGE` if a run or submit was refused since the newest job. */
export async function findNamedJob(
  { store, state }: Pick<OpenedQueue, "store" | "state">,
  text: string,
): Promise<JobRecord> {
  const refusal = text === lastWord ? lastRefusal(state) : null;
  if (refusal === null) return findJob(store, text);
  const isStored = refusal.jobId !== null && (await store.get(refusal.jobId)) !== undefined;
  if (isStored) return findJob(store, text);
  const id = await newestJob(store);
  const newest = id === undefined ? undefined : await store.get(id);
  if (newest !== undefined && newest.submittedAt >= refusal.at) return newest;
  const { command, code, message } = refusal;
  const older =
    newest === undefined ? "there is no other job" : `the newest job is ${shortId(newest.job.id)}`;
  throw new AgentCoreError(
    "AC_USAGE",
    `the last ${command} was refused, so there is no job of it: ${message} (${code}); ${older}`,
    { evidence: { ...refusal } },
  );
}

/** The job with that id, short id or beginning of an id, or the newest for `@last`. Throws `AC_JOB_NOT_FOUND`. */
export async function findJob(store: JobStore, text: string): Promise<JobRecord> {
  const exact = await store.get(text);
  if (exact !== undefined) return exact;
  const found = await findId(text, jobIds(store));
  const record = "id" in found ? await store.get(found.id) : undefined;
  if (record !== undefined) return record;
  const problem = "id" in found ? `there is no job "${found.id}"` : found.problem;
  throw new AgentCoreError("AC_JOB_NOT_FOUND", problem, { evidence: { jobId: text } });
}

/** The id below which the next page begins; that job may be deleted meanwhile. */
export async function cursorOf(store: JobStore, before: string | undefined): Promise<string | undefined> {
  return before === undefined || isGeneratedId(before) ? before : (await findJob(store, before)).job.id;
}

function jobIds(store: JobStore): IdSource {
  const listed = async (query: JobQuery): Promise<readonly string[]> =>
    (await store.list(query)).jobs.map(({ job }) => job.id);
  return {
    what: "job",
    exact: async (text) => (await store.get(text))?.job.id,
    beginning: async (text, limit) =>
      (await listed({ before: afterPrefix(text), limit })).filter((id) => id.startsWith(text)),
    ending: (text, limit) => listed({ idEndings: [text], limit }),
    newest: () => newestJob(store),
    none: async () =>
      (await listed({ limit: 1 })).length === 0
        ? "there is no job yet"
        : "there is no job yet apart from those of workflow runs: `agentcore jobs list --all` shows them, and `agentcore workflow show @last` the newest run",
    recent: () => listed({}),
  };
}

/** Lists are by id, and a caller may choose an id; so the one that was submitted last is looked for by its time. */
async function newestJob(store: JobStore): Promise<string | undefined> {
  let newest: JobRecord | undefined;
  for (;;) {
    const after = newest === undefined ? {} : { submittedAfter: newest.submittedAt + 1 };
    const { jobs } = await store.list({ ...after, notPieces: true, limit: 1000 });
    if (jobs.length === 0) return newest?.job.id;
    newest = jobs.reduce((one, other) => (other.submittedAt > one.submittedAt ? other : one));
  }
}

/** Names jobs by short ids that fit no other job of the state directory. */
export async function namesOf(
  store: Pick<JobStore, "list">,
  shown: readonly JobRecord[],
): Promise<(id: string) => string> {
  const ids = shown.map(({ job }) => job.id);
  const others: string[] = [];
  for (let at = 0; at < ids.length; at += namedAtOnce) {
    const idEndings = ids.slice(at, at + namedAtOnce).map((id) => id.slice(-shortIdChars));
    const { jobs } = await store.list({ idEndings, limit: 2 * namedAtOnce });
    others.push(...jobs.map(({ job }) => job.id));
  }
  return shortIdsAmong([...others, ...ids]);
}

const namedAtOnce = 500;
