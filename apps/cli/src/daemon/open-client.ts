/** Opens a client of a daemon: the one with that URL, or the one that runs on the state directory. */
import { createClient, type AgentCoreClient } from "@agentcore/client";
import { AgentCoreError } from "@agentcore/contract";
import { variableOf } from "@agentcore/yaml-file";
import type { Io } from "../io.ts";
import { loadOptionsConfig, type StateOptions } from "../queue/open-queue.ts";
import { resolveStateDir } from "../state/state-dir.ts";
import { findDaemon } from "./daemon-place.ts";

/** Options of every command that asks a daemon. */
export interface DaemonOptions extends StateOptions {
  /** `http://HOST:PORT`, `https://HOST` or `unix:///PATH`. */
  readonly url?: string;
}

/**
 * `--url`, or else `--state-dir`, or else `AGENTCORE_URL`, or else the usual state directory says which daemon. A URL goes with
 * the token `AGENTCORE_TOKEN`; the socket of the state directory needs none. Throws `AC_API_UNREACHABLE` if no daemon runs on the
 * state directory, and `AC_USAGE` if both options are given.
 */
export async function openClient(options: DaemonOptions, io: Io): Promise<AgentCoreClient> {
  if (options.url !== undefined && options.stateDir !== undefined)
    throw new AgentCoreError("AC_USAGE", "give --url or --state-dir, not both");
  const url = options.url ?? (options.stateDir === undefined ? setVariable(io, "AGENTCORE_URL") : undefined);
  if (url !== undefined) return createClient({ url, token: setVariable(io, "AGENTCORE_TOKEN") });
  const { path } = resolveStateDir(options.stateDir, await loadOptionsConfig(options, io), io.cwd, io.env);
  const daemon = findDaemon(path);
  if (daemon === null) {
    throw new AgentCoreError(
      "AC_API_UNREACHABLE",
      `no daemon runs on ${path}; start it with agentcored FILE, or name one with --url`,
      { evidence: { stateDir: path } },
    );
  }
  return createClient({ url: socketUrl(daemon.socket) });
}

/** An empty variable is one that is not set. */
function setVariable({ env }: Io, name: string): string | undefined {
  const value = variableOf(env, name);
  return value === "" ? undefined : value;
}

const socketUrl = (path: string): string => `unix://${path.split("/").map(encodeURIComponent).join("/")}`;
