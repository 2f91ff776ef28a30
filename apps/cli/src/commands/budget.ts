/**
 * `agentcore budget`: the cost and token limits of the configuration as a tree, with how much of each is held, spent and left;
 * the open holds; and what calls cost, by worker, model and tenant.
 */
import { systemClock } from "@agentcore/contract";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { budgetLines, callSpendLines, holdLines } from "../screen/budget-screen.ts";
import { plainScreen } from "../screen/terminal.ts";
import { withTarget } from "../target/open-target.ts";
import type { TargetOptions } from "../target/target.ts";

export async function budget(options: TargetOptions, io: Io): Promise<number> {
  return withTarget(options, io, async (target) => {
    const { budgets, holds, pricing, spent } = await target.budgets();
    if (options.json === true)
      for (const document of [...budgets, ...holds, pricing, spent]) io.stdout.json(document);
    else {
      const limits = budgetLines(budgets, holds, pricing.unpriced);
      const open = holdLines(holds, systemClock.now());
      plainScreen(io.stdout).print([...limits, ...open, ...callSpendLines(spent)]);
    }
    return exitCodes.succeeded;
  });
}
