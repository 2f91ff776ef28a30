/** Runs the command line as a real process, in a scratch directory of its own. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { patienceMs } from "@agentcore/contract/testing";

/** The words that start `agentcore`, as `build-program.ts` built it. Adapters that a test names find our packages' sources. */
export const agentcoreCommand = [
  process.execPath,
  "--conditions=@agentcore/source",
  process.env["TEST_PROGRAM"] ?? "build-program.ts did not run",
] as const;

export interface Scratch {
  readonly root: string;
  readonly workspace: string;
  readonly stateDir: string;
  /** Started in it and still running. */
  readonly running: Set<ChildProcess>;
  /** Deletes it, once nothing runs in it: a runtime that lost its scheduler writes its results before it ends. */
  remove(): Promise<void>;
}

const removedWithinMs = 20_000;

export function makeScratch(): Scratch {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-cli-")));
  const workspace = join(root, "workspace");
  mkdirSync(workspace);
  const running = new Set<ChildProcess>();
  return {
    root,
    workspace,
    stateDir: join(root, "state"),
    running,
    async remove() {
      for (const child of running) child.kill("SIGKILL");
      const deadlineMs = performance.now() + patienceMs(removedWithinMs);
      while (findSurvivors([root]).length > 0 && performance.now() < deadlineMs) await pause(20);
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  /** The stdout so far. */
  stdout(): string;
  /** Resolves when stdout or stderr contains the text; rejects if the process ends first. */
  saw(text: string): Promise<void>;
  readonly finished: Promise<Finished>;
}

export interface StartOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** In a separate session and process group, so that tests can signal the whole group. */
  readonly detached?: boolean;
  /** Words before the command, such as those of a wrapper. */
  readonly prefix?: readonly string[];
  /** Runs the command in place of `agentcoreCommand`. */
  readonly program?: readonly string[];
}

/** Whether this machine allows mounts in our own namespace. */
export function canMount(): boolean {
  return spawnSync("unshare", ["-rm", "mount", "--bind", tmpdir(), tmpdir()]).status === 0;
}

/** What `agentcore` gets of an environment. All tests of a run share what Node compiles. */
export function programEnv(scratch: Scratch): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: scratch.root,
    XDG_STATE_HOME: join(scratch.root, "xdg"),
    XDG_CACHE_HOME: process.env["TEST_CACHE_HOME"] ?? "",
  };
}

/** Starts `agentcore ARGS` in the scratch workspace, with its state directory and nothing of the caller's configuration. */
export function startAgentcore(
  scratch: Scratch,
  args: readonly string[],
  options: StartOptions = {},
): Started {
  const { prefix = [], program = agentcoreCommand } = options;
  const [command = "", ...words] = [...prefix, ...program, ...args];
  const child = spawn(command, words, {
    cwd: options.cwd ?? scratch.workspace,
    detached: options.detached ?? false,
    env: { ...programEnv(scratch), ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  scratch.running.add(child);
  child.once("exit", () => scratch.running.delete(child));
  const output = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      for (const listener of listeners) listener();
    });
  }
  child.stdin.on("error", () => {}).end(options.input ?? "");
  const finished: Promise<Finished> = once(child, "close").then(([code, signal]) => ({
    code,
    signal,
    ...output,
  }));
  return {
    child,
    stdout: () => output.stdout,
    finished,
    saw: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!output.stdout.includes(text) && !output.stderr.includes(text)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
        void finished.then(({ code, stderr }) =>
          reject(new Error(`ended with ${code} before "${text}":\n${output.stdout}${stderr}`)),
        );
      }),
  };
}

export async function agentcore(
  scratch: Scratch,
  args: readonly string[],
  options: StartOptions = {},
): Promise<Finished> {
  return startAgentcore(scratch, args, options).finished;
}

/** The JSON lines of an output; of a log, other lines are left out. */
export function jsonLinesOf(text: string, kind: "all" | "log" = "all"): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && (kind === "all" || line.startsWith("{")))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
