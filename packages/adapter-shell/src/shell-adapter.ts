/**
 * The shell adapter: the task's instructions are a script, its exit code is the result, and its output lines are events. It
 * has no terminal event, no provider, no sessions and no cost.
 *
 * A script can run any command, and this adapter enforces no capability: `read`, `edit` and `run_tests` are accepted, so
 * that one workflow can use the same capabilities for every worker, but they do not limit the script. AgentCore's own
 * promises (stop, limit, observe, leave no process running) still hold.
 */
import {
  adapterContractVersion,
  AgentCoreError,
  capabilities,
  unknownUsage,
  type OutputReader,
  type PlanContext,
  type WorkerAdapter,
  type WorkerPlan,
  type WorkerTask,
} from "@agentcore/contract";
import { join } from "node:path";
import { scriptCommand, stderrEvent, stdoutEvent } from "@agentcore/worker-kit";

export const shellAdapter: WorkerAdapter = {
  contractVersion: adapterContractVersion,
  name: "shell",
  title: "Shell",
  provider: null,
  capabilities,
  enforcesCapabilities: false,
  unseenTools: true,
  program: {
    command: "sh",
    versionArgs: [],
    install: "apt-get install dash",
    credentialEnv: [],
    loginPaths: [],
  },
  plan,
  createReader,
};

/** Like `bash -e -c SCRIPT`, or `sh` if there is no bash, or the program of the configuration. Stdin is empty. */
function plan(task: WorkerTask, context: PlanContext): WorkerPlan {
  if (task.session !== undefined) {
    throw new AgentCoreError(
      "AC_JOB_INVALID",
      "the shell worker has no sessions to resume; leave `session` out",
    );
  }
  const shell = context.settings["program"] === undefined ? undefined : context.program;
  const file = join(context.attemptDir, "tmp/.agentcore-script");
  const { command, args, termTo } = scriptCommand(file, context.hostEnv["PATH"], shell);
  // Like `sh -c SCRIPT NAME ARGS`: the task's arguments are the script's $1, $2, ….
  return {
    command,
    args: [...args, ...(task.args ?? [])],
    files: { [file]: task.instructions },
    env: {},
    stdin: "",
    home: "own",
    termTo,
  };
}

/** Longest last line in the summary of a successful run. */
const summaryCharsMax = 500;

function createReader(): OutputReader {
  let lastLine = "";
  return {
    stdout(line) {
      if (line.trim() !== "") lastLine = line;
      return [stdoutEvent(line)];
    },
    stderr: (line) => [stderrEvent(line)],
    end: () => ({
      terminal: "not-applicable",
      error: null,
      deniedTools: [],
      summary: lastLine.trim().slice(0, summaryCharsMax),
      session: null,
      model: null,
      usage: unknownUsage,
      costUsd: null,
      costBasis: "none",
      malformedLines: 0,
    }),
  };
}
