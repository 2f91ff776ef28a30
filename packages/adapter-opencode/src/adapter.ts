/** The adapter of OpenCode. `plan.ts` builds a run's command line; `reader.ts` reads its output. */
import { adapterContractVersion, type WorkerAdapter } from "@agentcore/contract";
import { checkOpenCodeArgs } from "./args.ts";
import { planOpenCode } from "./plan.ts";
import { credentialVariables, openCodeUpstream } from "./provider.ts";
import { createOpenCodeReader } from "./reader.ts";

export const openCodeAdapter: WorkerAdapter = {
  contractVersion: adapterContractVersion,
  name: "opencode",
  title: "OpenCode",
  provider: "opencode",
  capabilities: ["read", "edit", "run_tests", "run_commands"],
  options: ["variant", "maxSteps", "maxCommandTimeMs"],
  checkArgs: checkOpenCodeArgs,
  program: {
    command: "opencode",
    versionArgs: ["--version"],
    minVersion: "1.18.33",
    verifiedVersion: "1.18.33",
    install: "npm install -g opencode-ai",
    credentialEnv: credentialVariables,
    loginPaths: [".local/share/opencode/auth.json"],
  },
  spendGateUpstream: openCodeUpstream,
  unseenTools: true,
  plan: planOpenCode,
  createReader: createOpenCodeReader,
};
