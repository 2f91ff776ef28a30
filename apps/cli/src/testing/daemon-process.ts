/** Runs a daemon as a real process, with a file of its own in a scratch workspace. */
import { createHmac } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  agentcoreCommand,
  jsonLinesOf,
  startAgentcore,
  type Scratch,
  type Started,
} from "./agentcore-process.ts";

const [node, condition, program] = agentcoreCommand;
const daemonCommand = [node, condition, program.replace(/agentcore\.js$/, "agentcored.js")];

export interface StartedDaemon extends Started {
  /** By id of the webhook source. */
  readonly ports: Readonly<Record<string, number>>;
  readonly socket: string;
  /** Of the API over TCP; null: it is not served there. */
  readonly url: string | null;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** The file of the workflow `flow.yaml` in the workspace, with one step that runs the script. */
export function writeFlow(scratch: Scratch, script: string, name = "flow.yaml"): void {
  const step = `{ worker: shell, capabilities: [RUN_COMMANDS], instructions: ${JSON.stringify(script)} }`;
  writeFileSync(
    join(scratch.workspace, name),
    `name: flow\nversion: "1"\ntimeout: 5m\nsteps:\n  a: ${step}\n`,
  );
}

/** The lines of a file in the workspace; none if it does not exist. */
export function linesIn(scratch: Scratch, name: string): readonly string[] {
  const path = join(scratch.workspace, name);
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
}

/** Writes `daemon.yaml` into the workspace. `body`: what comes after the state directory. */
export function writeDaemonFile(scratch: Scratch, body: string): string {
  const file = join(scratch.workspace, "daemon.yaml");
  writeFileSync(file, `name: test\nversion: "1"\nworkspace: .\nstate_dir: ${scratch.stateDir}\n${body}`);
  return file;
}

/** Resolves once the daemon is ready. `env`: besides what `agentcore` gets in tests. `prefix`: words of a wrapper. */
export async function startDaemon(
  scratch: Scratch,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  prefix: readonly string[] = [],
): Promise<StartedDaemon> {
  const started = startAgentcore(scratch, ["daemon.yaml", ...args], { program: daemonCommand, env, prefix });
  let stderr = "";
  started.child.stderr?.on("data", (text: string) => (stderr += text));
  await started.saw("the daemon is ready");
  const ready = jsonLinesOf(stderr, "log").find(({ msg }) => msg === "the daemon is ready");
  return {
    ...started,
    ports: (ready?.["webhooks"] ?? {}) as Record<string, number>,
    socket: ready?.["socket"] as string,
    url: ready?.["url"] as string | null,
    kill: async (signal) => {
      started.child.kill(signal);
      await started.finished;
    },
  };
}

/** A signed delivery. Resolves with the status; 0: no answer came. */
export async function deliver(
  port: number,
  payload: unknown,
  {
    secret = "s3cret",
    id,
    path = "/hook",
  }: { readonly secret?: string; readonly id?: string; readonly path?: string } = {},
): Promise<number> {
  const body = JSON.stringify(payload);
  const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: "POST",
      body,
      headers: {
        "content-type": "application/json",
        "x-hub-signature-256": signature,
        ...(id === undefined ? {} : { "x-github-delivery": id }),
      },
    });
    await answer.text();
    return answer.status;
  } catch {
    return 0;
  }
}

/** The text of its metrics. */
export function metricsOf({ socket }: StartedDaemon): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = get({ socketPath: socket, path: "/metrics", headers: { host: "localhost" } }, (answer) => {
      text(answer).then(resolve, reject);
    });
    asked.on("error", reject);
  });
}
