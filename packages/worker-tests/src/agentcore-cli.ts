/** Runs the real command line from source as a child process, with a configuration that points it at the pinned workers. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { workerNames, type WorkerName } from "./cases.ts";
import type { InstallationPaths } from "./installation.ts";
import { workerSetups } from "./workers.ts";

const mainFile = join(dirname(fileURLToPath(import.meta.resolve("agentcore/package.json"))), "src/main.ts");

/** The variable that holds a worker's key: one each, for the model server to tell them apart. */
const keyVariables: Readonly<Record<WorkerName, string>> = {
  "claude-code": "CLAUDE_TEST_KEY",
  codex: "CODEX_TEST_KEY",
  opencode: "OPENCODE_TEST_KEY",
};

/** Text of an `agentcore.yaml` with the three workers. */
export function configurationText(programs: InstallationPaths["programs"], modelUrl: string): string {
  const workers = workerNames.map((name) => {
    const setup = workerSetups[name];
    const settings = {
      ...setup.settings(modelUrl),
      model: setup.model,
      api_key_env: keyVariables[name],
    };
    return [name, { program: programs[setup.cli], settings }] as const;
  });
  return JSON.stringify({ workers: Object.fromEntries(workers) }, null, 2);
}

export interface CliPlace {
  readonly configFile: string;
  readonly stateDir: string;
  /** Stands for the HOME of the person who runs AgentCore. */
  readonly home: string;
  readonly cwd: string;
  readonly keys: Readonly<Record<WorkerName, string>>;
}

export interface StartedCli {
  readonly child: { readonly kill: (signal: NodeJS.Signals) => boolean };
  readonly ended: Promise<CliEnd>;
}

export interface CliEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Its environment is made from scratch, so that no login or endpoint of the person who runs the tests is ever used. */
export function startCli(place: CliPlace, args: readonly string[]): StartedCli {
  const { configFile, stateDir, home, cwd, keys } = place;
  const keyEnv = workerNames.map((name) => [keyVariables[name], keys[name]]);
  const state = ["--state-dir", stateDir, "--config", configFile];
  const child = execa(process.execPath, ["--conditions=@agentcore/source", mainFile, ...args, ...state], {
    cwd,
    env: { PATH: process.env["PATH"], LANG: "C.UTF-8", HOME: home, ...Object.fromEntries(keyEnv) },
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    stripFinalNewline: false,
  });
  const ended = child.then(({ exitCode: code = null, stdout, stderr }) => ({ code, stdout, stderr }));
  return { child, ended };
}
