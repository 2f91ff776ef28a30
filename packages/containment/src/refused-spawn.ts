/** Detects a child process for which the system had no file descriptors left. */
import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { AgentCoreError } from "@agentcore/contract";

/**
 * Null if the child has its pipes. Without free descriptors (EMFILE, ENFILE), Node makes none, despite its types, and emits
 * an error event, which ends this process if nothing listens. Call this right after `spawn`.
 */
export function refusedSpawn(child: ChildProcess, program: string): Promise<AgentCoreError> | null {
  if ((child.stdio as unknown) !== undefined) return null;
  return once(child, "error").then(([cause]: unknown[]) => {
    const message = `cannot start ${program}: ${(cause as Error).message}`;
    return new AgentCoreError("AC_WORKER_SPAWN", message, { cause });
  });
}
