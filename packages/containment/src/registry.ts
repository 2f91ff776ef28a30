/**
 * The directory in which every run is recorded before it may start, and from which it is removed once it is proved empty, so that
 * after a crash of everything a later process knows what to look for. One small JSON file per run, written beside and renamed.
 * What identifies the box is flushed to the disk before the payload is released, so that a record of something that runs is
 * whole, even after a file system was aborted and mounted again; the names in the directory are not: where the last one is
 * lost, the record from before it still has the marker. A run waits for one flush. Several processes
 * share the directory, which no worker in a sealed box can reach; what lies in it is nevertheless believed only as far as
 * the processes themselves bear it out (see `sweep.ts`).
 */
import { linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  AgentCoreError,
  ignore,
  isAgentCoreError,
  PlacedFileError,
  readPlacedFileSync,
  type RunIdentity,
} from "@agentcore/contract";
import { pidNamespaceOf, readBootId, readProcess, type ProcessRef } from "./proc.ts";

const recordVersion = 1;
/** Of one record; ours have hundreds. */
const recordBytesMax = 64 * 1024;
/** A half-written file older than this belongs to a process that died writing it. */
const abandonedAfterMs = 60_000;

interface RunOwner extends ProcessRef {
  /** The PID namespace in which `pid` counts; null where the system has none. */
  readonly pidNamespace: string | null;
}

export interface ContainedRunRecord {
  readonly version: typeof recordVersion;
  readonly marker: string;
  /** See `ContainedCommand.label`; absent in records of earlier versions. */
  readonly label?: string | undefined;
  /** Where it works; absent in records of earlier versions. */
  readonly cwd?: string | undefined;
  /** Its owner could not empty it, and leaves it to the next search, even while the owner itself lives. */
  readonly givenUp?: true | undefined;
  readonly implementation: string;
  readonly cgroupPath: string | null;
  readonly bootId: string | null;
  readonly owner: RunOwner;
  /** Null until the box is ready, that is, as long as no payload can have been released. */
  readonly identity: RunIdentity | null;
}

/** The record of one run that is being started. */
interface RecordHandle {
  /** Adds what the box is recognised by, on the disk. Rejects where it cannot be written. */
  identify(identity: RunIdentity): Promise<void>;
  /**
   * The run has ended. Removes its record if nothing survived; else leaves it to the next search. Never throws: a record
   * that stays as it was is judged by a sweep once this process has ended.
   */
  end(survivors: number): void;
}

export interface RunRegistry {
  readonly directory: string;
  /** Throws `AC_STORE_UNAVAILABLE` where it cannot be written, and `AC_JOB_INVALID` for a marker that is in use. */
  add(
    run: Pick<ContainedRunRecord, "marker" | "label" | "cwd" | "implementation" | "cgroupPath">,
  ): RecordHandle;
}

export type ListedRecord =
  | { readonly file: string; readonly record: ContainedRunRecord }
  | {
      readonly file: string;
      readonly record: null;
      /** As the file's name says. */
      readonly marker: string;
      readonly reason: string;
    };

/** Opens the directory and makes it if it is missing. Throws `AC_STORE_UNAVAILABLE` where that is refused. */
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
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw cannotWrite(directory, error);
        // Somebody removed it while it was open: what starts from now on is on record again.
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

/** Every record, also those that cannot be understood. Empty if the directory does not exist. */
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

/** The record, why there is none in the file, or null where there is no file. */
function readRecord(file: string): ContainedRunRecord | string | null {
  try {
    const text = readPlacedFileSync(file, { bytesMax: recordBytesMax, ownOnly: true });
    return parseRecord(text) ?? (text === "" ? "it is empty" : "it is not a run record of this version");
  } catch (error) {
    if (error instanceof PlacedFileError) return error.message;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Sets a record aside that says nothing, under a name that no later look takes for one. */
export function setAside(file: string): void {
  try {
    renameSync(file, `${file}.unreadable`);
  } catch (error) {
    ignore(error, "found again, and set aside then");
  }
}

/** Null for anything that is not a whole record. */
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

/** Whole or not at all, and never over another run's. */
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

/** Not on the main thread: a busy disk takes its time. */
async function replaceFlushed(file: string, record: ContainedRunRecord): Promise<void> {
  const temporary = temporaryName(file);
  await rm(temporary, { force: true });
  await writeFile(temporary, textOf(record), { mode: 0o600, flag: "wx", flush: true });
  renameSync(temporary, file);
}

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
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
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
