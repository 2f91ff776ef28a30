/**
 * The arguments that a task may add: how the model thinks, and whether its thoughts are shown. The adapter sets everything
 * that decides what OpenCode may do, which model it uses, what it reads or how it prints.
 */
import { requireAllowedArgs } from "@agentcore/worker-kit";

const allowedArgs = { switches: ["--thinking"], values: ["--variant"] };

export function checkOpenCodeArgs(args: readonly string[]): void {
  requireAllowedArgs("opencode", args, allowedArgs);
}

/** OpenCode refuses a repeated `--variant`, so the one in the task's arguments replaces the option. */
export function variantArgs(variant: string | undefined, args: readonly string[]): readonly string[] {
  const isGiven = args.some((arg) => arg === "--variant" || arg.startsWith("--variant="));
  return variant === undefined || isGiven ? [] : ["--variant", variant];
}
