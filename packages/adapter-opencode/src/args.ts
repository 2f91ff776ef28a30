/**
 * What a task's own `args` may hold: how the model thinks, and whether its thoughts are shown. Everything that decides what
 * OpenCode may do, which model it asks, what it reads or how it prints is the adapter's.
 */
import { requireAllowedArgs } from "@agentcore/worker-kit";

const allowedArgs = { switches: ["--thinking"], values: ["--variant"] };

export function checkOpenCodeArgs(args: readonly string[]): void {
  requireAllowedArgs("opencode", args, allowedArgs);
}

/** `--variant` twice would be a list, which OpenCode does not take: the arguments' own counts. */
export function variantArgs(variant: string | undefined, args: readonly string[]): readonly string[] {
  const isGiven = args.some((arg) => arg === "--variant" || arg.startsWith("--variant="));
  return variant === undefined || isGiven ? [] : ["--variant", variant];
}
