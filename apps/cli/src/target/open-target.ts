/** Opens what a command asks: the daemon of `--url` or `AGENTCORE_URL`, or else the state directory. */
import { AgentCoreError } from "@agentcore/contract";
import { variableOf } from "@agentcore/yaml-file";
import type { Io } from "../io.ts";
import { withQueue, type Access } from "../queue/open-queue.ts";
import type { Target, TargetOptions } from "./target.ts";

export interface WithTargetOptions extends TargetOptions {
  /** The command goes on for long: it waits for a daemon that stops answering, and asks it again. */
  readonly isPatient?: boolean;
  /** What it does with a state directory. Default: reads. */
  readonly access?: Access;
}

/** Opens the target, passes it to the command, and always closes it. */
export async function withTarget<T>(
  options: WithTargetOptions,
  io: Io,
  use: (target: Target) => Promise<T>,
): Promise<T> {
  const url = daemonUrl(options, io);
  if (url === undefined) {
    const { stateTarget } = await import("./state-target.ts");
    return withQueue(options, io, (opened) => use(stateTarget(opened, io)), options.access);
  }
  const { daemonTarget } = await import("./daemon-target.ts");
  return use(daemonTarget({ ...options, url }, io));
}

/** Undefined: the state directory. Throws `AC_USAGE` if both options are given. */
export function daemonUrl(options: TargetOptions, io: Pick<Io, "env">): string | undefined {
  if (options.url !== undefined && options.stateDir !== undefined)
    throw new AgentCoreError("AC_USAGE", "give --url or --state-dir, not both");
  return options.url ?? (options.stateDir === undefined ? setVariable(io, "AGENTCORE_URL") : undefined);
}

export const daemonToken = (io: Pick<Io, "env">): string | undefined => setVariable(io, "AGENTCORE_TOKEN");

/** An empty variable is one that is not set. */
function setVariable({ env }: Pick<Io, "env">, name: string): string | undefined {
  const value = variableOf(env, name);
  return value === "" ? undefined : value;
}
