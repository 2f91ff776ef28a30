/**
 * The shell as a worker: the task's instructions are a script, its exit code is the result. Everything it prints is an
 * event; it has no terminal event, no provider, no sessions and no cost.
 *
 * A script can run any command, and this adapter enforces nothing below that: `read`, `edit` and `run_tests` are accepted,
 * so that one workflow can name the same capabilities for every worker, and mean no more than what the author of the
 * script made of them. What AgentCore itself promises (stop, limit, observe, leave nothing running) holds all the same.
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

/** As `bash -e -c SCRIPT`, or `sh` where there is no bash, or the program of the configuration. Stdin is empty. */
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
  // Like `sh -c SCRIPT NAME ARGS`: the task's further arguments are the script's $1, $2, ….
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

/** Longest last words: what is shown as the summary of a run that succeeded. */
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
