/**
 * Runs the published example `implement-review-fix.yaml` with the three real workers, through the real command line: a
 * repository on a work branch, a scripted model for each worker, and what is there afterwards. It judges nothing.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ModelServer, Run, Script } from "@agentcore/model-server";
import { configurationText, startCli, type CliPlace, type StartedCli } from "./agentcore-cli.ts";
import type { WorkerName } from "./cases.ts";
import type { InstallationPaths } from "./installation.ts";
import { exampleWorkflows } from "./places.ts";
import { filesInTheEnd, implementer, positionOf, reviewer, task, writer } from "./review-team.ts";
import { prepareCase } from "./start-run.ts";

export interface WorkflowRig {
  readonly server: ModelServer;
  readonly folder: string;
  readonly programs: InstallationPaths["programs"];
}

export interface WorkflowPlace extends CliPlace {
  /** Occurs in every path of it, in its keys, and so in its processes. */
  readonly id: string;
  readonly models: Readonly<Record<WorkerName, Run>>;
}

/** `wrap` may put something before what the implementer says. */
export async function prepareWorkflow(
  rig: WorkflowRig,
  name: string,
  wrap: (script: Script) => Script = (script) => script,
): Promise<WorkflowPlace> {
  const { id, workspace, userHome } = await prepareCase(rig, `workflow-${name}`);
  await promisify(execFile)("git", ["checkout", "--quiet", "-b", "work"], { cwd: workspace });
  const keys = { "claude-code": `${id}-1`, codex: `${id}-2`, opencode: `${id}-3` };
  const model = (worker: WorkerName, script: Script): Run =>
    rig.server.run({ key: keys[worker], script, maxRequests: 60 });
  const configFile = join(userHome, "agentcore.yaml");
  await writeFile(configFile, configurationText(rig.programs, rig.server.url));
  return {
    id,
    configFile,
    stateDir: join(userHome, "state"),
    home: userHome,
    cwd: workspace,
    keys,
    models: {
      "claude-code": model("claude-code", wrap(implementer(workspace))),
      codex: model("codex", reviewer(workspace)),
      opencode: model("opencode", writer(workspace)),
    },
  };
}

export function startExample(place: WorkflowPlace): StartedCli {
  const file = join(exampleWorkflows, "implement-review-fix.yaml");
  return startCli(place, ["workflow", "run", file, "--workspace", place.cwd, "--input", `task=${task}`]);
}

/** Conversations that a worker began: its own, and those of its interrupted attempts. */
export function conversations({ requests }: Run): number {
  return requests.filter((one) => one.answeredBy !== "title" && positionOf(one) === 0).length;
}

/** Whether some job's first attempt has printed the text. */
export async function hasPrinted({ stateDir }: WorkflowPlace, text: string): Promise<boolean> {
  const attempts = join(stateDir, "attempts");
  const transcripts = (await readdir(attempts)).map((job) => join(attempts, job, "1", "stdout.log"));
  const printed = await Promise.all(transcripts.filter(existsSync).map((file) => readFile(file, "utf8")));
  return printed.some((transcript) => transcript.includes(text));
}

export type StepRecord = Readonly<Record<string, unknown>>;

export interface Left {
  readonly run: StepRecord;
  readonly implement: StepRecord;
  readonly describe: StepRecord;
  /** The files that the models write, by name. */
  readonly files: Readonly<Record<string, string>>;
}

export async function readLeft({ cwd }: WorkflowPlace): Promise<Left> {
  const json = async (...path: string[]) =>
    JSON.parse(await readFile(join(cwd, "context", ...path), "utf8")) as StepRecord;
  const names = Object.keys(filesInTheEnd);
  const texts = await Promise.all(names.map((name) => readFile(join(cwd, name), "utf8")));
  return {
    run: await json("_workflow.json"),
    implement: await json("implement", "_meta.json"),
    describe: await json("describe", "_meta.json"),
    files: Object.fromEntries(names.map((name, index) => [name, texts[index] ?? ""])),
  };
}
