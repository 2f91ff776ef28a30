/** `agentcore budget`: the cost and token limits of the configuration, and how much of each is held, spent and left; and what calls cost, by worker, model and tenant. */
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { budgetLines, callSpendLines } from "../screen/budget-screen.ts";
import { plainScreen } from "../screen/terminal.ts";
import { withTarget } from "../target/open-target.ts";
import type { TargetOptions } from "../target/target.ts";

export async function budget(options: TargetOptions, io: Io): Promise<number> {
  return withTarget(options, io, async (target) => {
    const { budgets, pricing, spent } = await target.budgets();
    if (options.json === true) for (const document of [...budgets, pricing, spent]) io.stdout.json(document);
    else plainScreen(io.stdout).print([...budgetLines(budgets, pricing.unpriced), ...callSpendLines(spent)]);
    return exitCodes.succeeded;
  });
}
