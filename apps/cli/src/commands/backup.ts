/** `agentcore backup DIR`: copies the database of a state directory while others, such as a daemon, work with it. */
import { AgentCoreError, ignore, storePlace } from "@agentcore/contract";
import { chmodSync, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { makeOwnDirectory } from "../config/own-directory.ts";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { loadOptionsConfig, type StateOptions } from "../queue/open-queue.ts";
import { formatBytes } from "../screen/summary.ts";
import { oneLine } from "../screen/text.ts";
import { requireOneOwner, requireOwnState, resolveStateDir, type StateDir } from "../state/state-dir.ts";
import { copyStateDatabase } from "../state/stores.ts";

/** The directory then opens as a state directory of its own. */
export async function backup(target: string, options: StateOptions, io: Io): Promise<number> {
  const loaded = await loadOptionsConfig(options, io);
  const state = resolveStateDir(options.stateDir, loaded, io.cwd, io.env);
  if (state.store !== null)
    throw new AgentCoreError(
      "AC_USAGE",
      `the state is in ${storePlace(state.store)}: back it up with pg_dump, as the chapter "Many machines" of the documentation shows`,
    );
  requireOneOwner(state);
  if (!existsSync(join(state.path, "state.db")))
    throw new AgentCoreError("AC_USAGE", `there is nothing to back up: ${state.path} has no state.db`);
  requireOwnState(state);
  const directory = resolve(io.cwd, target);
  const path = join(directory, "state.db");
  if (existsSync(path))
    throw new AgentCoreError("AC_USAGE", `${path} exists; name another directory for the backup`);
  try {
    makeOwnDirectory(directory);
    await copy(state, directory);
  } catch (error) {
    if (error instanceof AgentCoreError) throw error;
    throw new AgentCoreError(
      "AC_STORE_UNAVAILABLE",
      `the backup could not be written to ${directory}: ${(error as Error).message}`,
      { cause: error },
    );
  }
  const { size: bytes } = statSync(path);
  if (options.json === true) io.stdout.json({ type: "backup", path, bytes });
  else io.stdout.write(`${oneLine(`saved ${path}, ${formatBytes(bytes)}`)}\n`);
  return exitCodes.succeeded;
}

/** Under its name only once it is whole and on the disk, so that an interrupted backup cannot be taken for one. */
async function copy(from: StateDir, to: string): Promise<void> {
  const part = join(to, `state.db.part-${process.pid}`);
  try {
    await copyStateDatabase(from, part);
    chmodSync(part, 0o600);
    await sync(part);
    renameSync(part, join(to, "state.db"));
    await sync(to);
  } catch (error) {
    try {
      rmSync(part, { force: true });
    } catch (problem) {
      ignore(problem, "the first error says what is wrong");
    }
    throw error;
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
