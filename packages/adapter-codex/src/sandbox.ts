/**
 * Capabilities as Codex's sandbox. Codex reads, edits and runs everything through its shell, and no flag of it says which
 * commands may run. What it does enforce, with the kernel's help, is what a command may change, and that is what the
 * capabilities are mapped to:
 *
 * - `read`, `run_tests`: the read-only sandbox. Commands run, and can neither write nor reach the network.
 * - `edit`, `run_commands`: writes stay below the workspace and the temporary directory, the network stays closed.
 *
 * So no set of capabilities lets a command change more than the set allows; but a set without `run_commands` does not keep
 * commands from running, and tests that must write need `edit`.
 */
import type { Capability } from "@agentcore/contract";
import { capabilitySet } from "@agentcore/worker-kit";

export type SandboxMode = "read-only" | "workspace-write";

export function sandboxMode(granted: readonly Capability[]): SandboxMode {
  const set = capabilitySet(granted);
  return set.edit || set.runCommands ? "workspace-write" : "read-only";
}
