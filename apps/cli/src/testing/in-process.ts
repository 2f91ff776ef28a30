/** Runs the command line in the process of the tests: starting one for each verb takes longer than the verbs. */
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll } from "vitest";
import { runCommandLine } from "../command-line/program.ts";
import { createOutput } from "../output.ts";
import type { Finished, Scratch } from "./agentcore-process.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export type RunInProcess = (
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
) => Promise<Pick<Finished, "code" | "stdout" | "stderr">>;

/** Call it at the top of a test file: a command listens for signals until its process ends, and after the tests nothing may. */
export function commandsInProcess(scratch: Scratch): RunInProcess {
  const listening = signals.map((signal) => process.listeners(signal));
  afterAll(() => {
    for (const [index, signal] of signals.entries())
      for (const listener of process.listeners(signal))
        if (listening[index]?.includes(listener) !== true) process.off(signal, listener);
  });
  return async (args, env = {}) => {
    const [stdout, stderr, stdin] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const io = {
      stdin,
      stdout: createOutput(stdout),
      stderr: createOutput(stderr),
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: scratch.root,
        XDG_STATE_HOME: join(scratch.root, "xdg"),
        ...env,
      },
      cwd: scratch.workspace,
    };
    const code = await runCommandLine(args, io);
    return { code, stdout: String(stdout.read() ?? ""), stderr: String(stderr.read() ?? "") };
  };
}
