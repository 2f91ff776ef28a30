/** Two runs at once in one repository, each a process of its own, with worktrees of their own; once with one of them killed. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { makeRig, type Rig } from "../rig.ts";
import { SchedulerProcess } from "../scheduler-process.ts";
import { makeRepository } from "./killed-workflow.ts";

let rig: Rig;
let found = true;
beforeAll(async () => {
  rig = await makeRig();
});
afterEach(({ task }) => {
  found &&= task.result?.state === "pass";
});
afterAll(async () => {
  if (found) await rig.remove();
});

const stepsOfRun = 4;

/** Steps side by side, each in a worktree, each with a file of its own. */
function workflowFile(name: string): string {
  const steps = Array.from({ length: stepsOfRun }, (_unused, index) =>
    [
      `  s${index}:`,
      "    worker: shell",
      "    capabilities: [edit]",
      "    isolation: worktree",
      `    instructions: echo ${name} > ${name}-${index}`,
    ].join("\n"),
  );
  const file = join(rig.root, `${name}.yaml`);
  const head = `name: ${name}\nversion: "1"\ntimeout: 10m\ncontext_dir: context/${name}\nsteps:\n`;
  writeFileSync(file, `${head}${steps.join("\n")}\n`);
  return file;
}

const filesOf = (name: string): string[] =>
  Array.from({ length: stepsOfRun }, (_unused, index) => `${name}-${index}`);

function leavings(workspace: string) {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: workspace, encoding: "utf8" }).trim();
  return {
    worktrees: git("worktree", "list").split("\n").length,
    refs: git("for-each-ref", "refs/agentcore"),
    inGitDir: readdirSync(join(workspace, ".git/agentcore")).filter((name) => name !== "lock"),
  };
}
const nothing = { worktrees: 1, refs: "", inGitDir: [] };

const start = (workspace: string, name: string): SchedulerProcess =>
  new SchedulerProcess(rig, [workflowFile(name), "-C", workspace], ["workflow", "run"]);

it("two runs at once in one repository merge the work of all their steps, and leave nothing else", async () => {
  const workspace = makeRepository(join(rig.root, "both"));
  const processes = ["one", "two"].map((name) => start(workspace, name));
  await Promise.all(processes.map(({ closed }) => closed));
  expect(processes.map(({ exitCode, log }) => ({ exitCode, log }))).toEqual([
    { exitCode: 0, log: "" },
    { exitCode: 0, log: "" },
  ]);
  for (const name of [...filesOf("one"), ...filesOf("two")]) {
    expect(readFileSync(join(workspace, name), "utf8")).toBe(`${name.split("-")[0]}\n`);
  }
  expect(leavings(workspace)).toEqual(nothing);
});

it("a run goes on at once when another, which had the repository, is killed", async () => {
  const workspace = makeRepository(join(rig.root, "killed"));
  const doomed = start(workspace, "doomed");
  const isMakingWorktrees = (): boolean => existsSync(join(workspace, ".git/agentcore/lock"));
  await doomed.heard(isMakingWorktrees, 30_000);
  doomed.signal("SIGKILL");
  await doomed.closed;
  const next = start(workspace, "next");
  await next.closed;
  expect({ exitCode: next.exitCode, log: next.log }).toMatchObject({ exitCode: 0 });
  for (const name of filesOf("next")) expect(existsSync(join(workspace, name))).toBe(true);
  const id = String(doomed.events.find(({ type }) => type === "run_started")?.["run"]);
  const resumed = new SchedulerProcess(rig, [id], ["workflow", "resume"]);
  await resumed.closed;
  expect({ exitCode: resumed.exitCode, log: resumed.log }).toMatchObject({ exitCode: 0 });
  for (const name of filesOf("doomed")) expect(existsSync(join(workspace, name))).toBe(true);
  expect(leavings(workspace)).toEqual(nothing);
});
