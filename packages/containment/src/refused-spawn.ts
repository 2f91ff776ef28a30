/** A child process for which the system had no descriptors left. */
import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { AgentCoreError } from "@agentcore/contract";

/**
 * Null where the child has its pipes. Without descriptors left (EMFILE, ENFILE) Node makes none, whatever its types say, and
 * tells why by an event, which ends this process where nobody listens. To be called at once after `spawn`.
 */
export function refusedSpawn(child: ChildProcess, program: string): Promise<AgentCoreError> | null {
  if ((child.stdio as unknown) !== undefined) return null;
  return once(child, "error").then(([cause]: unknown[]) => {
    const message = `cannot start ${program}: ${(cause as Error).message}`;
    return new AgentCoreError("AC_WORKER_SPAWN", message, { cause });
  });
}
