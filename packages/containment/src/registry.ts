/**
 * The registry of runs. Every run is recorded here before it may start, and removed once it is proved empty, so that after
 * a crash a later process knows what to search for. Each run is one small JSON file, written elsewhere and renamed. The
 * identity of the box is flushed to disk before the payload is released, so that the record of a running payload is
 * complete even after a file system error; directory entries are not flushed, because the earlier record already has the
 * marker. A run waits for one flush. Several processes share the directory, and no worker in a sealed box can reach it.
 * Even so, records are trusted only as far as the processes themselves confirm them (see `sweep.ts`).
 */
import {
  closeSync,
  fsync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import {
  AgentCoreError,
  ifMissing,
  ignore,
  isAgentCoreError,
  isMissing,
  pidNamespaceOf,
  PlacedFileError,
  readBootId,
  readPlacedFileSync,
  readProcess,
  type ProcessRef,
  type RunIdentity,
} from "@agentcore/contract";

const recordVersion = 1;
/** Maximum size of one record; real ones have hundreds of bytes. */
const recordBytesMax = 64 * 1024;
/** A half-written file older than this belongs to a process that died while it wrote. */
const abandonedAfterMs = 60_000;

interface RunOwner extends ProcessRef {
  /** The PID namespace of `pid`; null if the system has none. */
  readonly pidNamespace: string | null;
}

export interface ContainedRunRecord {
  readonly version: typeof recordVersion;
  readonly marker: string;
  /** See `ContainedCommand.label`; absent in records of earlier versions. */
  readonly label?: string | undefined;
  /** Its working directory; absent in records of earlier versions. */
  readonly cwd?: string | undefined;
  /** Its owner could not empty it and leaves it to the next search, even while the owner lives. */
  readonly givenUp?: true | undefined;
  readonly implementation: string;
  readonly cgroupPath: string | null;
  readonly bootId: string | null;
  readonly owner: RunOwner;
  /** Null until the box is ready, which means that the payload cannot have been released. */
  readonly identity: RunIdentity | null;
}

/** The record of one run that is being started. */
interface RecordHandle {
  /** Writes the box's identity to disk. Rejects if that fails. */
  identify(identity: RunIdentity): Promise<void>;
  /**
   * Call when the run has ended. Removes its record if nothing survived; otherwise leaves it to the next search. Never
   * throws: if the record cannot be changed, a sweep handles it after this process has ended.
   */
  end(survivors: number): void;
}

export interface RunRegistry {
  readonly directory: string;
  /** Throws `AC_STORE_UNAVAILABLE` if the record cannot be written, and `AC_JOB_INVALID` for a marker that is in use. */
  add(
    run: Pick<ContainedRunRecord, "marker" | "label" | "cwd" | "implementation" | "cgroupPath">,
  ): RecordHandle;
}

export type ListedRecord =
  | { readonly file: string; readonly record: ContainedRunRecord }
  | {
      readonly file: string;
      readonly record: null;
      /** From the file's name. */
      readonly marker: string;
      readonly reason: string;
    };

/** Opens the directory and creates it if missing. Throws `AC_STORE_UNAVAILABLE` if that is refused. */
export function openRegistry(directory: string): RunRegistry {
  const owner = thisProcess();
  const bootId = readBootId();
  makeDirectory(directory);
  return {
    directory,
    add(run) {
      const file = recordFile(directory, run.marker);
      let record: ContainedRunRecord = { version: recordVersion, ...run, bootId, owner, identity: null };
      const change = (part: Partial<ContainedRunRecord>): void => {
        record = { ...record, ...part };
        replace(file, record);
      };
      try {
        create(file, record);
      } catch (error) {
        if (!isMissing(error)) throw cannotWrite(directory, error);
        // The directory was removed while it was open: create it again for new runs.
        makeDirectory(directory);
        attempt(directory, () => create(file, record));
      }
      return {
        identify: (identity) =>
          attemptLater(directory, async () => {
            const next = { ...record, identity };
            await replaceFlushed(file, next);
            record = next;
          }),
        end: (survivors) => {
          if (survivors === 0) return removeRecord(file);
          try {
            change({ givenUp: true });
          } catch (error) {
            ignore(error, "the record stays, and is swept once this process has ended");
          }
        },
      };
    },
  };
}

export function recordFile(directory: string, marker: string): string {
  return path.join(directory, `${marker}.json`);
}

export function removeRecord(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch (error) {
    ignore(error, "the run is over; the next sweep finds that out too and removes the record");
  }
}

/** Every record, including unreadable ones. Empty if the directory does not exist. */
export function listRecords(directory: string, nowMs: number): ListedRecord[] {
  const listed: ListedRecord[] = [];
  for (const name of listNames(directory)) {
    const file = path.join(directory, name);
    if (name.endsWith(".tmp")) {
      if (nowMs - modifiedMs(file) > abandonedAfterMs) removeRecord(file);
      continue;
    }
    if (!name.endsWith(".json")) continue;
    const marker = name.slice(0, -".json".length);
    const read = readRecord(file);
    // Removed by its owner since the directory was read.
    if (read === null) continue;
    if (typeof read === "string") listed.push({ file, record: null, marker, reason: read });
    else if (read.marker !== marker)
      listed.push({ file, record: null, marker, reason: "it is of another run" });
    else listed.push({ file, record: read });
  }
  return listed;
}

/** The record, the reason why the file has no valid record, or null if there is no file. */
function readRecord(file: string): ContainedRunRecord | string | null {
  try {
    const text = readPlacedFileSync(file, { bytesMax: recordBytesMax, ownOnly: true });
    return parseRecord(text) ?? (text === "" ? "it is empty" : "it is not a run record of this version");
  } catch (error) {
    if (error instanceof PlacedFileError) return error.message;
    return ifMissing(null)(error);
  }
}

/** Renames an invalid record so that later reads ignore it. */
export function setAside(file: string): void {
  try {
    renameSync(file, `${file}.unreadable`);
  } catch (error) {
    ignore(error, "found again, and set aside then");
  }
}

/** Null for anything that is not a complete record. */
export function parseRecord(text: string): ContainedRunRecord | null {
  try {
    const record = JSON.parse(text) as ContainedRunRecord;
    const isRecord =
      record.version === recordVersion &&
      typeof record.marker === "string" &&
      ["string", "undefined"].includes(typeof record.label) &&
      ["string", "undefined"].includes(typeof record.cwd) &&
      typeof record.implementation === "string" &&
      Number.isInteger(record.owner.pid) &&
      Number.isInteger(record.owner.startTicks) &&
      isStringOrNull(record.cgroupPath) &&
      isStringOrNull(record.bootId) &&
      isIdentityOrNull(record.identity);
    return isRecord ? record : null;
  } catch (error) {
    ignore(error, "reported by the caller as unreadable");
    return null;
  }
}

function isStringOrNull(value: unknown): boolean {
  return value === null || typeof value === "string";
}

function isIdentityOrNull(value: RunIdentity | null): boolean {
  return (
    value === null ||
    (Number.isInteger(value.hostPid) &&
      isStringOrNull(value.pidNamespace) &&
      isStringOrNull(value.cgroupPath))
  );
}

function thisProcess(): RunOwner {
  return {
    pid: process.pid,
    startTicks: readProcess(process.pid)?.startTicks ?? 0,
    pidNamespace: pidNamespaceOf("self"),
  };
}

/** Writes the file completely or not at all, and never replaces another run's record. */
function create(file: string, record: ContainedRunRecord): void {
  const temporary = writeAside(file, record);
  try {
    linkSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new AgentCoreError(
      "AC_JOB_INVALID",
      `marker "${record.marker}" is in use: ${file} is there already; give every run a marker of its own`,
      { cause: error },
    );
  } finally {
    rmSync(temporary, { force: true });
  }
}

function replace(file: string, record: ContainedRunRecord): void {
  renameSync(writeAside(file, record), file);
}

/** Only the flush runs on the thread pool, because a busy disk is slow. Every other step is quicker here than a trip there. */
async function replaceFlushed(file: string, record: ContainedRunRecord): Promise<void> {
  const temporary = temporaryName(file);
  rmSync(temporary, { force: true });
  const written = openSync(temporary, "wx", 0o600);
  try {
    writeFileSync(written, textOf(record));
    await flush(written);
  } finally {
    closeSync(written);
  }
  renameSync(temporary, file);
}

const flush = promisify(fsync);

function writeAside(file: string, record: ContainedRunRecord): string {
  const temporary = temporaryName(file);
  rmSync(temporary, { force: true });
  writeFileSync(temporary, textOf(record), { mode: 0o600, flag: "wx" });
  return temporary;
}

const temporaryName = (file: string): string => `${file}.${process.pid}.tmp`;
const textOf = (record: ContainedRunRecord): string => `${JSON.stringify(record)}\n`;

function makeDirectory(directory: string): void {
  attempt(directory, () => mkdirSync(directory, { recursive: true, mode: 0o700 }));
}

function attempt<T>(directory: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw cannotWrite(directory, error);
  }
}

async function attemptLater(directory: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    throw cannotWrite(directory, error);
  }
}

function cannotWrite(directory: string, error: unknown): AgentCoreError {
  if (isAgentCoreError(error)) return error;
  return new AgentCoreError(
    "AC_STORE_UNAVAILABLE",
    `the registry of runs in ${directory} cannot be written: ${(error as Error).message}`,
    { cause: error, evidence: { directory } },
  );
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw new AgentCoreError(
      "AC_STORE_UNAVAILABLE",
      `the registry of runs in ${directory} cannot be read: ${(error as Error).message}`,
      { cause: error, evidence: { directory } },
    );
  }
}

function modifiedMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
