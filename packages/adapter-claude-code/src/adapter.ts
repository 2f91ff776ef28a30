/** The adapter of Claude Code. `plan.ts` builds a run's command line; `reader.ts` reads its output. */
import { adapterContractVersion, type WorkerAdapter } from "@agentcore/contract";
import { checkClaudeArgs } from "./args.ts";
import { claudeUpstream, credentialVariables } from "./credentials.ts";
import { planClaude } from "./plan.ts";
import { createClaudeReader } from "./reader.ts";

export const claudeCodeAdapter: WorkerAdapter = {
  contractVersion: adapterContractVersion,
  name: "claude-code",
  title: "Claude Code",
  provider: "anthropic",
  capabilities: ["read", "edit", "run_tests", "run_commands"],
  options: ["variant", "maxSteps", "maxCommandTimeMs"],
  checkArgs: checkClaudeArgs,
  program: {
    command: "claude",
    versionArgs: ["--version"],
    minVersion: "2.1.330",
    verifiedVersion: "2.1.332",
    install: "npm install -g @anthropic-ai/claude-code",
    credentialEnv: credentialVariables,
    loginPaths: [".claude/.credentials.json"],
  },
  reportsCost: true,
  spendGateUpstream: claudeUpstream,
  plan: planClaude,
  createReader: createClaudeReader,
};
