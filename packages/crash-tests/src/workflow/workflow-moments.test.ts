/** Moments of a workflow that random kills rarely meet, each met on purpose: a real process, killed there and resumed. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { JobStore, Journal } from "@agentcore/scheduler";
import {
  createSqliteJobStore,
  createSqliteJournal,
  openStateDatabase,
  type StateDatabase,
} from "@agentcore/store-sqlite";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { until } from "@agentcore/contract/testing";
import { makeRig, type Rig } from "../rig.ts";
import { SchedulerProcess } from "../scheduler-process.ts";
import { readRecordedRun } from "./finished-pieces.ts";
import { differences, makeRepository, readArtifacts, readLedger } from "./killed-workflow.ts";

const filesOfOutput = 400;
const text = `name: moments
version: "1"
timeout: 10m
steps:
  make:
    worker: shell
    capabilities: [edit]
    instructions: |
      echo make >> "\${AGENTCORE_CONTEXT_DIR%%/context*}/ledger"
      mkdir -p many; for n in $(seq ${filesOfOutput}); do echo $n > many/$n; done
    outputs:
      - { name: many, path: many }
  change:
    worker: shell
    capabilities: [edit]
    depends_on: [make]
    isolation: worktree
    instructions: |
      echo change >> "\${AGENTCORE_CONTEXT_DIR%%/context*}/ledger"
      echo changed > fresh; rm many/1; echo changed > many/2
`;

let rig: Rig;
let file: string;
let database: StateDatabase;
let records: { readonly journal: Journal; readonly store: JobStore };
let expected: Readonly<Record<string, string>>;
let rounds = 0;
let found = true;

beforeAll(async () => {
  rig = await makeRig();
  database = await openStateDatabase({ directory: rig.stateDir });
  records = { journal: createSqliteJournal(database), store: createSqliteJobStore(database) };
  file = join(rig.root, "moments.yaml");
  writeFileSync(file, text);
  const calm = makeRepository(join(rig.root, "calm"));
  await finished(start(calm, null));
  expected = readArtifacts(calm);
});
afterEach(({ task }) => {
  found &&= task.result?.state === "pass";
});
afterAll(async () => {
  await database.close();
  if (found) await rig.remove();
});

/** It is met where it is seen at once. */
const moment = { deadlineMs: 60_000, isBrief: true } as const;

const newWorkspace = (): string => makeRepository(join(rig.root, `round-${rounds++}`));

function start(workspace: string, run: string | null, env: Readonly<Record<string, string>> = {}) {
  const command = run === null ? ["workflow", "run"] : ["workflow", "resume"];
  const args = run === null ? [file, "-C", workspace] : [run];
  return new SchedulerProcess({ ...rig, env: { ...rig.env, ...env } }, args, command);
}

async function finished(process: SchedulerProcess): Promise<void> {
  await process.closed;
  expect({ code: process.exitCode, log: process.log }).toMatchObject({ code: 0 });
}

const runIn = (workspace: string) =>
  readRecordedRun(records, ({ header }) => header["workspace"] === workspace);

const asUndisturbed = {
  ledger: ["make", "change"],
  differing: [],
  inGitDir: [],
  worktrees: 1,
  refs: "",
  survivors: [],
};

/** Resumes, or begins where nothing was journaled, and answers what is left at the end. */
async function leftAtEnd(workspace: string) {
  const { id } = await runIn(workspace);
  await finished(start(workspace, id));
  const git = (...args: string[]) => execFileSync("git", args, { cwd: workspace, encoding: "utf8" }).trim();
  return {
    ledger: readLedger(workspace),
    differing: differences(expected, readArtifacts(workspace)),
    inGitDir: readdirSync(join(workspace, ".git/agentcore")).filter((name) => name !== "lock"),
    worktrees: git("worktree", "list").split("\n").length,
    refs: git("for-each-ref", "refs/agentcore"),
    survivors: findSurvivors([workspace]),
  };
}

async function kill(process: SchedulerProcess): Promise<void> {
  process.signal("SIGKILL");
  await process.closed;
}

it("a kill within the first milliseconds of a process leaves nothing in the way of the next", async () => {
  const workspace = newWorkspace();
  for (const afterMs of [0, 5, 20, 60, 120]) {
    const process = start(workspace, null);
    await pause(afterMs);
    await kill(process);
  }
  expect((await runIn(workspace)).id).toBeNull();
  expect(await leftAtEnd(workspace)).toEqual(asUndisturbed);
});

it("a kill at the journal's first record leaves a run that can be resumed", async () => {
  const workspace = newWorkspace();
  const process = start(workspace, null);
  await until(async () => (await runIn(workspace)).id !== null, moment);
  await kill(process);
  expect(await leftAtEnd(workspace)).toEqual(asUndisturbed);
});

it("a kill in the middle of the collection of outputs makes them whole at the next, and the step does not run again", async () => {
  const workspace = newWorkspace();
  const process = start(workspace, null);
  const place = join(workspace, "context/make");
  /** Files in the copy that is being made. */
  const copied = (): number =>
    (existsSync(place) ? readdirSync(place) : [])
      .filter((name) => name.startsWith(".agentcore-new-"))
      .map((name) => join(place, name, "many"))
      .reduce((sum, many) => sum + (existsSync(many) ? readdirSync(many).length : 0), 0);
  await until(() => copied() > 10, moment);
  await kill(process);
  expect(copied()).toBeGreaterThan(10);
  expect(copied()).toBeLessThan(filesOfOutput);
  expect(await leftAtEnd(workspace)).toEqual(asUndisturbed);
});

/** A `git` that stands still at the first command that matches, and tells so, with everything else as ever. */
function standingGit(workspace: string, subcommand: string, when: "before" | "after") {
  const directory = `${workspace}-bin`;
  const reached = join(directory, "reached");
  const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  mkdirSync(directory);
  const script = `#!/bin/sh
case "$*" in
  "${subcommand}"*)
    if mkdir "${directory}/used" 2> /dev/null; then
      ${when === "after" ? `${real} "$@"` : ":"}
      touch "${reached}"
      exec sleep 600
    fi ;;
esac
exec ${real} "$@"
`;
  writeFileSync(join(directory, "git"), script);
  chmodSync(join(directory, "git"), 0o755);
  return { reached, env: { PATH: `${directory}:${rig.env["PATH"] ?? ""}` } };
}

it.each([
  ["before", "update-index --index-info"],
  ["after", "update-index --index-info"],
  ["before", "worktree add"],
  ["after", "worktree add"],
  ["before", "worktree remove"],
  ["after", "worktree remove"],
] as const)("a kill right %s git %s is not seen in what the run leaves", async (when, subcommand) => {
  const workspace = newWorkspace();
  const { reached, env } = standingGit(workspace, subcommand, when);
  const process = start(workspace, null, env);
  await until(() => existsSync(reached), moment);
  await kill(process);
  expect(await leftAtEnd(workspace)).toEqual(asUndisturbed);
});
