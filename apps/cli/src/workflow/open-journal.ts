/** Opens the journal of a state directory for commands that show runs without working on them. */
import type { Journal } from "@agentcore/scheduler";
import { createSqliteJournal, openStateDatabase } from "@agentcore/store-sqlite";
import type { Io } from "../io.ts";
import { loadOptionsConfig, type StateOptions } from "../queue/open-queue.ts";
import { createStateDir, resolveStateDir } from "../state/state-dir.ts";

/** Opens the journal, passes it to the command, and always closes it. */
export async function withJournal<T>(
  options: StateOptions,
  io: Io,
  use: (journal: Journal) => Promise<T>,
): Promise<T> {
  const loaded = await loadOptionsConfig(options, io);
  const state = resolveStateDir(options.stateDir, loaded, io.cwd, io.env);
  createStateDir(state);
  const database = await openStateDatabase({ directory: state.path });
  try {
    return await use(createSqliteJournal(database));
  } finally {
    await database.close();
  }
}
