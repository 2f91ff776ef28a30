/** `agentcore budget`: the cost and token limits of the configuration, and how much of each is held, spent and left. */
import { systemClock } from "@agentcore/contract";
import { createSqliteLedger, openStateDatabase } from "@agentcore/store-sqlite";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { loadOptionsConfig, openStateDir, type StateOptions } from "../queue/open-queue.ts";
import { budgetJson, budgetLevels } from "../queue/budget-levels.ts";
import { budgetLines } from "../screen/budget-screen.ts";
import { plainScreen } from "../screen/terminal.ts";

export async function budget(options: StateOptions, io: Io): Promise<number> {
  const loaded = await loadOptionsConfig(options, io);
  const state = openStateDir(options, loaded, io, "reads");
  const database = await openStateDatabase({ directory: state.path });
  try {
    const levels = await budgetLevels(loaded.config, createSqliteLedger(database), systemClock.now());
    if (options.json === true) {
      for (const level of levels) io.stdout.json(budgetJson(level));
      io.stdout.json({ type: "pricing", unpriced: loaded.config.unpriced });
    } else plainScreen(io.stdout).print(budgetLines(levels, loaded.config.unpriced));
    return exitCodes.succeeded;
  } finally {
    await database.close();
  }
}
