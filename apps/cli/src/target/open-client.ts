/** Opens a client of a daemon: the one with that URL, or the one that runs on the state directory. */
import { createClient, type AgentCoreClient } from "@agentcore/client";
import { AgentCoreError } from "@agentcore/contract";
import type { Io } from "../io.ts";
import { loadOptionsConfig } from "../queue/open-queue.ts";
import { resolveStateDir } from "../state/state-dir.ts";
import { daemonToken, daemonUrl } from "./open-target.ts";
import type { TargetOptions } from "./target.ts";
import { findDaemon } from "../daemon/daemon-place.ts";

/**
 * `--url`, or else `--state-dir`, or else `AGENTCORE_URL`, or else the usual state directory says which daemon. A URL goes with
 * the token `AGENTCORE_TOKEN`; the socket of the state directory needs none. Throws `AC_API_UNREACHABLE` if no daemon runs on the
 * state directory, and `AC_USAGE` if both options are given.
 */
export async function openClient(options: TargetOptions, io: Io): Promise<AgentCoreClient> {
  const url = daemonUrl(options, io);
  if (url !== undefined) return createClient({ url, token: daemonToken(io) });
  const { path } = resolveStateDir(options.stateDir, await loadOptionsConfig(options, io), io.cwd, io.env);
  const daemon = findDaemon(path);
  if (daemon === null) {
    throw new AgentCoreError(
      "AC_API_UNREACHABLE",
      `no daemon runs on ${path}; name the state directory of one with --state-dir, or its --url, or start one with agentcored FILE`,
      { evidence: { stateDir: path } },
    );
  }
  return createClient({ url: socketUrl(daemon.socket) });
}

const socketUrl = (path: string): string => `unix://${path.split("/").map(encodeURIComponent).join("/")}`;
