/**
 * Maps capabilities to Codex's sandbox. Codex reads, edits and runs everything through its shell, and has no flag that
 * restricts commands. It does enforce, with the kernel, what commands may change:
 *
 * - `read`, `run_tests`: the read-only sandbox. Commands run, but cannot write or use the network.
 * - `edit`, `run_commands`: writes are limited to the workspace and the temporary directory; no network.
 *
 * So a command can never change more than the capabilities allow. But without `run_commands`, commands still run, and tests
 * that write need `edit`.
 */
import type { Capability } from "@agentcore/contract";
import { capabilitySet } from "@agentcore/worker-kit";

export type SandboxMode = "read-only" | "workspace-write";

export function sandboxMode(granted: readonly Capability[]): SandboxMode {
  const set = capabilitySet(granted);
  return set.edit || set.runCommands ? "workspace-write" : "read-only";
}
