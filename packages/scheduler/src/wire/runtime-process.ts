/** The port for the process of a supervised runtime, and its real implementation. */
import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { AgentCoreError } from "@agentcore/contract";

export interface RuntimeProcess {
  readonly pid: number | null;
  readonly input: Writable;
  readonly output: Readable;
  /** Resolves once, when the process is gone or never came to be; says how, for people. */
  readonly exited: Promise<string>;
  /** Ends it at once, by SIGKILL. An orderly end is asked for over the wire, or by the end of `input`. */
  kill(): void;
}

/** Starts a runtime process. Throws `AgentCoreError` where that is refused at once. */
export type StartRuntimeProcess = () => RuntimeProcess;

export interface RuntimeCommand {
  /** Program and arguments, such as `agentcore runtime --stdio`. */
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is added. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Can be read from descriptor 3 until its end, by each process that is started; default: there is no such descriptor. */
  readonly handover?: string;
  /** What the runtime logs; default: dropped. */
  readonly onStderr?: (chunk: Buffer) => void;
}

/**
 * A real child process with its stdin and stdout as the wire. It has a session of its own: signals that are meant for the
 * scheduler's process group (Ctrl-C, a closed terminal, `timeout`) do not reach it. The end of its stdin ends it.
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
    // A process that ends before it has read it says itself what was wrong.
    handed?.on("error", () => {}).end(handover);
    child.stderr.on("data", (chunk: Buffer) => onStderr?.(chunk));
    const exited = new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(`could not be started: ${error.message}`));
      // `close` waits for the pipes, so that nothing it still said is missed.
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
