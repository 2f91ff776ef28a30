/** The adapter of Codex. `plan.ts` builds a run's command line; `reader.ts` reads its output. */
import { adapterContractVersion, type WorkerAdapter } from "@agentcore/contract";
import { checkCodexArgs } from "./args.ts";
import { codexUpstream, credentialVariables } from "./credentials.ts";
import { planCodex } from "./plan.ts";
import { createCodexReader } from "./reader.ts";
import { codexUsageFiles } from "./usage-files.ts";

export const codexAdapter: WorkerAdapter = {
  contractVersion: adapterContractVersion,
  name: "codex",
  title: "Codex",
  provider: "openai",
  // Enforced through what commands may change, not through which commands run: see `sandbox.ts`.
  capabilities: ["read", "edit", "run_tests", "run_commands"],
  options: ["variant"],
  checkArgs: checkCodexArgs,
  program: {
    command: "codex",
    versionArgs: ["--version"],
    minVersion: "0.169.0",
    verifiedVersion: "0.171.0",
    install: "npm install -g @openai/codex",
    credentialEnv: credentialVariables,
    loginPaths: [".codex/auth.json"],
  },
  spendGateUpstream: codexUpstream,
  plan: planCodex,
  createReader: createCodexReader,
  usageFiles: codexUsageFiles,
};
