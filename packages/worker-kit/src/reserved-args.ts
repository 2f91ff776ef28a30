/**
 * A task may add arguments to its worker's command line. Those that decide what the worker may do, where it sends its
 * requests or how it prints are the adapter's own: a task that sets them would lift its own limits.
 */
import { AgentCoreError } from "@agentcore/contract";

export interface ReservedArgs {
  /** Long and short flags: `--sandbox` also stands for `--sandbox=x`, `-s` also for `-sx`. */
  readonly flags: readonly string[];
  /** Flags that take `key=value`, with the keys (and everything below them) that are reserved. */
  readonly assignments?: { readonly flags: readonly string[]; readonly keys: readonly string[] };
}

/** Throws `AC_JOB_INVALID` for the first argument that is reserved. */
export function refuseReservedArgs(worker: string, args: readonly string[], reserved: ReservedArgs): void {
  for (const [index, arg] of args.entries()) {
    const flag = reserved.flags.find((each) => isFlag(arg, each));
    if (flag !== undefined) refuse(worker, arg, `${flag} is set from the task's capabilities and settings`);
    const key = assignedKey(args, index, reserved);
    if (key !== null) refuse(worker, arg, `${key} is set from the task's capabilities and settings`);
  }
}

function isFlag(arg: string, flag: string): boolean {
  if (arg === flag) return true;
  return flag.startsWith("--") ? arg.startsWith(`${flag}=`) : arg.startsWith(flag) && !arg.startsWith("--");
}

/** The reserved key that the argument assigns, if it does. */
function assignedKey(args: readonly string[], index: number, reserved: ReservedArgs): string | null {
  const { flags, keys } = reserved.assignments ?? { flags: [], keys: [] };
  const arg = args[index] ?? "";
  const flag = flags.find((each) => isFlag(arg, each));
  if (flag === undefined) return null;
  const assignment = arg === flag ? (args[index + 1] ?? "") : arg.slice(flag.length).replace(/^=/, "");
  const key = assignment.split("=", 1)[0]?.trim() ?? "";
  return keys.some((each) => key === each || key.startsWith(`${each}.`)) ? key : null;
}

function refuse(worker: string, arg: string, why: string): never {
  throw new AgentCoreError("AC_JOB_INVALID", `the task's args may not hold ${arg} for ${worker}: ${why}`, {
    evidence: { worker, arg },
  });
}
