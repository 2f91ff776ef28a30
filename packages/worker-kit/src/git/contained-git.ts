/**
 * The only place where AgentCore runs git outside of a run: contained like a worker, with a worker's environment, limited
 * in time and output, and ended with its caller. If git does not run to its end, that is an error, never a result.
 */
import { AgentCoreError, errorText, isAgentCoreError, type Git } from "@agentcore/contract";
import { findProgram } from "../program/find-program.ts";
import { runContainedProgram, type ProgramEnd, type ProgramOptions } from "../program/contained-program.ts";
import { gitEnvironment, hardenedArgs } from "./hardening.ts";

export interface ContainedGitOptions extends ProgramOptions {
  /** The caller's environment, from which PATH, HOME and the language are taken. */
  readonly hostEnv: Readonly<Record<string, string | undefined>>;
}

const timeoutMsDefault = 60_000;
const stdoutBytesMax = 256 * 1024 * 1024;
const stderrBytesMax = 1024 * 1024;

const wasAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

/**
 * Fails with `AC_GIT_FAILED` if git fails, is ended by a signal, prints more than 256 MiB, or leaves processes that cannot
 * be killed.
 */
export function createContainedGit(parts: ContainedGitOptions): Git {
  const base = gitEnvironment(parts.hostEnv);
  return async (cwd, args, options = {}) => {
    const { timeoutMs = timeoutMsDefault, signal, input } = options;
    const env = { ...base, ...options.env };
    const what = `git ${args.join(" ")} in ${cwd}`;
    if (wasAborted(signal)) throw cancelled(what);
    const command = findProgram("git", env["PATH"]);
    if (command === null) throw new AgentCoreError("AC_GIT_MISSING", "git is not on PATH; install git");
    const program = { command, args: hardenedArgs(args), cwd, env, label: "git", timeoutMs, input, signal };
    const ended = await runContainedProgram(parts, { ...program, stdoutBytesMax, stderrBytesMax }).catch(
      (error: unknown) => {
        throw wasAborted(signal) ? cancelled(what) : notStarted(what, error);
      },
    );
    if (wasAborted(signal)) throw cancelled(what);
    return { exitCode: exitCodeOf(ended, what, timeoutMs), stdout: ended.stdout, stderr: ended.stderr };
  };
}

function exitCodeOf({ exit, timedOut, overflowed, receipt }: ProgramEnd, what: string, timeoutMs: number) {
  if (timedOut)
    throw new AgentCoreError("AC_GIT_TIMEOUT", `${what} took longer than ${timeoutMs} ms and was ended`);
  if (overflowed) throw failed(`${what} printed more than ${stdoutBytesMax} bytes`);
  if (receipt.survivors > 0)
    throw failed(`${what} left ${receipt.survivors} processes that could not be ended`);
  if (exit.code === null) throw failed(`${what} was ended by ${exit.signal}`);
  return exit.code;
}

function notStarted(what: string, error: unknown): unknown {
  if (isAgentCoreError(error) && error.code === "AC_WORKSPACE_MISSING") return error;
  const reason = errorText(error);
  return new AgentCoreError("AC_GIT_FAILED", `${what} could not be started: ${reason}`, { cause: error });
}

const failed = (message: string): AgentCoreError => new AgentCoreError("AC_GIT_FAILED", message);
const cancelled = (what: string): AgentCoreError =>
  new AgentCoreError("AC_CANCELLED", `${what} was no longer wanted`);
