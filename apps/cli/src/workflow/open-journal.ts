/** Opens the journal of a state directory for commands that show runs without working on them. */
import type { Journal } from "@agentcore/scheduler";
import type { Io } from "../io.ts";
import { withStores, type StateOptions } from "../queue/open-queue.ts";

/** Opens the journal, passes it to the command, and always closes it. */
export const withJournal = <T>(
  options: StateOptions,
  io: Io,
  use: (journal: Journal) => Promise<T>,
): Promise<T> => withStores(options, io, ({ journal }) => use(journal));
