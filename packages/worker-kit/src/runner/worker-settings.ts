/**
 * Settings of every worker, independent of its adapter: its program, its HOME, and additional variables of the caller. The
 * runner reads them; all other names belong to the adapter.
 */
import { AgentCoreError, forbiddenEffect } from "@agentcore/contract";

export interface WorkerSettings {
  /** `program`: the worker's program as an absolute path, or another name to look up on PATH. */
  readonly program?: string;
  /** `home`: `own` for an empty one per run, `user` for the caller's; default: the adapter's choice. */
  readonly home?: "own" | "user";
  /** `env_pass`: names of the caller's variables that the worker gets. */
  readonly envPass: readonly string[];
}

/** Throws `AC_CONFIG_INVALID`. */
export function readWorkerSettings(
  worker: string,
  settings: Readonly<Record<string, unknown>>,
): WorkerSettings {
  const { program, home, env_pass: envPass = [] } = settings;
  if (program !== undefined && (typeof program !== "string" || program === "")) {
    throw new AgentCoreError("AC_CONFIG_INVALID", `workers.${worker}.program must be the path of a program`);
  }
  if (home !== undefined && home !== "own" && home !== "user") {
    throw new AgentCoreError("AC_CONFIG_INVALID", `workers.${worker}.home must be "own" or "user"`);
  }
  if (!Array.isArray(envPass) || !envPass.every((name) => typeof name === "string")) {
    throw new AgentCoreError("AC_CONFIG_INVALID", `workers.${worker}.env_pass must be a list of names`);
  }
  for (const name of envPass) {
    const effect = forbiddenEffect(name);
    if (effect === null) continue;
    throw new AgentCoreError(
      "AC_CONFIG_INVALID",
      `workers.${worker}.env_pass may not name ${name}: it would ${effect}`,
    );
  }
  return { envPass, ...(program === undefined ? {} : { program }), ...(home === undefined ? {} : { home }) };
}
