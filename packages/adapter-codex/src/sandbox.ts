/**
 * Capabilities as Codex's sandbox. Codex reads, edits and runs everything through its shell, and no flag of it says which
 * commands may run; what it does enforce, with the kernel's help, is what a command may change. So:
 *
 * - nothing but `read`: the read-only sandbox. Commands run, and can neither write nor reach the network.
 * - `run_commands`, with or without the others: writes stay below the workspace and the temporary directory.
 * - `edit` or `run_tests` without `run_commands`: refused. The writable sandbox would run any command, more than asked for;
 *   the read-only one would do neither.
 */
import { AgentCoreError, type Capability } from "@agentcore/contract";
import { capabilitySet } from "@agentcore/worker-kit";

export type SandboxMode = "read-only" | "workspace-write";

/** Throws `AC_CAPABILITY_UNSUPPORTED` for a combination that Codex cannot hold a worker to. */
export function sandboxMode(worker: string, granted: readonly Capability[]): SandboxMode {
  const set = capabilitySet(granted);
  if (set.runCommands) return "workspace-write";
  const alone = granted.filter((capability) => capability !== "read");
  if (alone.length === 0) return "read-only";
  throw new AgentCoreError(
    "AC_CAPABILITY_UNSUPPORTED",
    `${worker} cannot be held to ${alone.join(" and ")}: it reads and edits through its shell, and its sandbox limits what commands may change, not which commands run; ask for ${alone.join(",")},run_commands, or for read alone`,
    { evidence: { worker, granted: [...granted] } },
  );
}

/** Flags and configuration keys that a task's own `args` may not hold, because they decide what the run may do. */
export const reservedArgs = {
  flags: [
    "--add-dir",
    "--approve-for-me",
    "--cd",
    "-C",
    "--dangerously-bypass-approvals-and-sandbox",
    "--dangerously-bypass-hook-trust",
    "--disable",
    "--enable",
    "--ephemeral",
    "--full-auto",
    "--json",
    "--last",
    "--local-provider",
    "--model",
    "-m",
    "--oss",
    "--output-last-message",
    "-o",
    "--profile",
    "-p",
    "--sandbox",
    "-s",
    "--trust",
    "--worktree",
    "--yolo",
  ],
  assignments: {
    flags: ["-c", "--config"],
    keys: [
      "approval_policy",
      "approvals_reviewer",
      "default_permissions",
      "features",
      "hooks",
      "mcp_servers",
      "model_provider",
      "model_providers",
      "notify",
      "permissions",
      "profile",
      "profiles",
      "projects",
      "sandbox_mode",
      "sandbox_permissions",
      "sandbox_workspace_write",
      "shell_environment_policy",
    ],
  },
};
