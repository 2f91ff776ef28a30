/** Settings that every worker has, whatever its adapter: where its program is, and whose HOME it gets. */
import { AgentCoreError } from "@agentcore/contract";

export interface WorkerSettings {
  /** `program`: path of the worker's program, instead of a search on PATH. */
  readonly program?: string;
  /** `home`: `own` for an empty one per run, `user` for the caller's; default: what the adapter plans. */
  readonly home?: "own" | "user";
}

/** Throws `AC_CONFIG_INVALID`. Settings of other names are the adapter's own. */
export function readWorkerSettings(
  worker: string,
  settings: Readonly<Record<string, unknown>>,
): WorkerSettings {
  const { program, home } = settings;
  if (program !== undefined && (typeof program !== "string" || program === "")) {
    throw new AgentCoreError("AC_CONFIG_INVALID", `workers.${worker}.program must be the path of a program`);
  }
  if (home !== undefined && home !== "own" && home !== "user") {
    throw new AgentCoreError("AC_CONFIG_INVALID", `workers.${worker}.home must be "own" or "user"`);
  }
  return { ...(program === undefined ? {} : { program }), ...(home === undefined ? {} : { home }) };
}
