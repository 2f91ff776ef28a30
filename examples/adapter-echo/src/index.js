/**
 * The adapter: how to find the worker, how to start it, how to read it. `agentcore.yaml` names this package, and its default
 * export is what AgentCore looks for.
 */
import { adapterContractVersion } from "@agentcore/contract";
import { capabilitySet, requireAllowedArgs } from "@agentcore/worker-kit";
import { createReader } from "./reader.js";

/** @type {import("@agentcore/contract").WorkerAdapter} */
const echoAdapter = {
  contractVersion: adapterContractVersion,
  name: "echo",
  title: "Echo agent",
  // It calls nobody. An agent that does names its provider here, and shares that provider's limits.
  provider: null,
  // What it can really enforce: `run_tests` and `run_commands` are refused before anything starts.
  capabilities: ["read", "edit"],
  program: {
    command: "echo-agent",
    versionArgs: ["--version"],
    minVersion: "1.0.0",
    install: "npm install agentcore-adapter-echo",
    credentialEnv: [],
    loginPaths: [],
  },
  // What a task may add to the command line: nothing here. Else it could add --allow-write.
  checkArgs: (args) => requireAllowedArgs("echo", args, {}),
  plan(task, context) {
    requireAllowedArgs("echo", task.args ?? [], {});
    // The grants count, not what the task asked for: a permit may allow less.
    const { edit } = capabilitySet(context.grants.capabilities);
    return {
      command: context.program,
      args: edit ? ["--allow-write"] : [],
      env: {},
      stdin: task.instructions,
      home: "own",
    };
  },
  createReader,
};

export default echoAdapter;
