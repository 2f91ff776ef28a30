/** One daemon per state directory, and where others find it. */
import { AgentCoreError, ignore, readPlacedFileSync, sleep, systemClock } from "@agentcore/contract";
import { rmSync, writeFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { takeProcessLock, type ProcessLock } from "../state/stores.ts";

const recordSchema = z.object({
  pid: z.int(),
  name: z.string(),
  file: z.string(),
  /** Absolute path of the Unix socket of its API. */
  socket: z.string(),
  startedAt: z.string(),
});
export type DaemonRecord = z.infer<typeof recordSchema>;

const recordBytesMax = 64 * 1024;
const lockFile = (stateDir: string): string => join(stateDir, "daemon.lock");
const recordFile = (stateDir: string): string => join(stateDir, "daemon.json");

/** Others hold the lock for a moment to see whether a daemon has it. */
const triesMax = 20;
const againMs = 25;

/** Rejects with `AC_DAEMON_RUNNING` and the process that holds the state directory. */
export async function takeDaemonPlace(stateDir: string): Promise<ProcessLock> {
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const lock = takeProcessLock(lockFile(stateDir));
    if (lock !== null) return lock;
    await sleep(systemClock, againMs);
  }
  const holder = readRecord(stateDir);
  const who = holder === null ? "another process" : `process ${holder.pid} (${holder.file})`;
  throw new AgentCoreError("AC_DAEMON_RUNNING", `${who} is the daemon of ${stateDir}`, {
    evidence: { stateDir, pid: holder?.pid ?? null },
  });
}

/** Only by the holder of the place. */
export function publishDaemon(stateDir: string, record: DaemonRecord): void {
  const file = recordFile(stateDir);
  writeFileSync(`${file}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function withdrawDaemon(stateDir: string): void {
  rmSync(recordFile(stateDir), { force: true });
}

/** The daemon that runs on the state directory; null if there is none. */
export function findDaemon(stateDir: string): DaemonRecord | null {
  const record = readRecord(stateDir);
  if (record === null) return null;
  try {
    const lock = takeProcessLock(lockFile(stateDir));
    if (lock === null) return record;
    lock.release();
  } catch (error) {
    ignore(error, "a state directory that cannot be written has no daemon that we could use");
  }
  return null;
}

function readRecord(stateDir: string): DaemonRecord | null {
  try {
    const text = readPlacedFileSync(recordFile(stateDir), { bytesMax: recordBytesMax, ownOnly: true });
    const parsed = recordSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    ignore(error, "no daemon has left a record that can be read");
    return null;
  }
}
