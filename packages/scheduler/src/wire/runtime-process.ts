/** The port for the process of a supervised runtime, and its real implementation. */
import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { AgentCoreError } from "@agentcore/contract";

export interface RuntimeProcess {
  readonly pid: number | null;
  readonly input: Writable;
  readonly output: Readable;
  /** Resolves once, when the process is gone or could not start, with a text for people. */
  readonly exited: Promise<string>;
  /** Ends it at once, by SIGKILL. Request an orderly end over the wire, or end `input`. */
  kill(): void;
}

/** Starts a runtime process. Throws `AgentCoreError` if the start is refused at once. */
export type StartRuntimeProcess = () => RuntimeProcess;

export interface RuntimeCommand {
  /** Program and arguments, such as `agentcore runtime --stdio`. */
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is added. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Each started process can read it from descriptor 3 until its end. Default: the descriptor does not exist. */
  readonly handover?: string;
  /** Called with the runtime's log output; default: dropped. */
  readonly onStderr?: (chunk: Buffer) => void;
}

/**
 * A child process with its stdin and stdout as the wire. It has its own session: signals for the scheduler's process group
 * (Ctrl-C, a closed terminal, `timeout`) do not reach it. The end of its stdin ends it.
 */
export function runtimeProcess(options: RuntimeCommand): StartRuntimeProcess {
  return () => {
    const { command, args, env, cwd, handover, onStderr } = options;
    const more = handover === undefined ? [] : (["pipe"] as const);
    const child = spawn(command, args, {
      env,
      cwd,
      detached: true,
      stdio: ["pipe", "pipe", "pipe", ...more],
    });
    const handed = child.stdio[3] as Writable | undefined;
    // A process that ends before it has read this reports the error itself.
    handed?.on("error", () => {}).end(handover);
    child.stderr.on("data", (chunk: Buffer) => onStderr?.(chunk));
    const exited = new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(`could not be started: ${error.message}`));
      // `close` waits for the pipes, so that its last output is not missed.
      child.once("close", (code, signal) =>
        resolve(signal === null ? `exit code ${code}` : `signal ${signal}`),
      );
    });
    if (child.stdin === null || child.stdout === null) {
      throw new AgentCoreError("AC_RUNTIME_LOST", `could not start ${command}: its pipes are missing`);
    }
    return {
      pid: child.pid ?? null,
      input: child.stdin,
      output: child.stdout,
      exited,
      kill: () => void child.kill("SIGKILL"),
    };
  };
}
