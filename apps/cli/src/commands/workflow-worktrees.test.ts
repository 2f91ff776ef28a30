/** Worktrees of steps with the real git runner: nothing of the repository runs outside of a box, and signals end git. */
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";
import { until } from "@agentcore/contract/testing";
import {
  agentcore,
  jsonLinesOf,
  makeScratch,
  startAgentcore,
  type Scratch,
} from "../testing/agentcore-process.ts";

const scratch: Scratch = makeScratch();
afterAll(() => scratch.remove());

const token = `8${process.pid}${Date.now() % 100_000}`;
const at = (...path: string[]): string => join(scratch.workspace, ...path);
const git = (...args: string[]): string =>
  execFileSync("git", ["-c", "core.fsmonitor=false", "-c", "user.name=a", "-c", "user.email=a@b", ...args], {
    cwd: scratch.workspace,
    encoding: "utf8",
  });

beforeEach(() => {
  rmSync(scratch.workspace, { recursive: true, force: true });
  mkdirSync(scratch.workspace);
  git("init", "-qb", "work");
  writeFileSync(at("a.txt"), "one\n");
  git("add", ".");
  git("commit", "-qm", "x");
});

/** A workflow of one step in a worktree. */
function workflow(script: string): string {
  const file = join(scratch.root, "workflow.yaml");
  const lines = script.split("\n").map((line) => `      ${line}`);
  writeFileSync(
    file,
    `name: apart
version: "1"
timeout: 2m
steps:
  apart:
    worker: shell
    capabilities: [edit, run_commands]
    isolation: worktree
    instructions: |
${lines.join("\n")}
`,
  );
  return file;
}

/** A program that reports that it ran, and leaves another one behind. */
function program(name: string, after = ""): string {
  const path = join(scratch.root, name);
  writeFileSync(
    path,
    `#!/bin/sh\ntouch ${path}.ran\nsetsid sleep ${token} </dev/null >/dev/null 2>&1 &\n${after}\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

const ran = (): readonly string[] => readdirSync(scratch.root).filter((name) => name.endsWith(".ran"));

it("runs no hook and no monitor, of the repository's or of a step's making, and lets none fail a step", async () => {
  writeFileSync(at(".git/hooks/post-checkout"), readFileSync(program("checkout", "exit 1")));
  chmodSync(at(".git/hooks/post-checkout"), 0o755);
  const monitor = program("monitor");
  const hooks = join(scratch.root, "hooks");
  mkdirSync(hooks, { recursive: true });
  writeFileSync(join(hooks, "reference-transaction"), readFileSync(program("transaction")));
  chmodSync(join(hooks, "reference-transaction"), 0o755);
  const script = `git config core.fsmonitor ${monitor}
git config core.hooksPath ${hooks}
rm -f ${scratch.root}/*.ran
chmod +x a.txt; echo x > b.txt`;
  const { code, stdout, stderr } = await agentcore(scratch, ["workflow", "run", workflow(script), "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(jsonLinesOf(stdout).at(-1)).toMatchObject({ outcome: "SUCCEEDED" });
  expect(ran()).toEqual([]);
  expect(findSurvivors([token])).toEqual([]);
  expect(git("status", "--porcelain", "--", "a.txt", "b.txt")).toBe(" M a.txt\n?? b.txt\n");
});

it.each([1, 2, 3])(
  "ends git with a run that is stopped while a worktree is made, by %i signals to its group, and can be resumed",
  async (times) => {
    const begun = join(scratch.root, `begun-${times}`);
    const smudge = program("smudge", `touch ${begun}\nexec sleep ${token}`);
    writeFileSync(at(".gitattributes"), "*.txt filter=slow\n");
    git("config", "filter.slow.smudge", smudge);
    const file = workflow("echo two >> a.txt");
    const started = startAgentcore(scratch, ["workflow", "run", file, "--json"], { detached: true });
    await until(() => existsSync(begun));
    for (let count = 0; count < times; count++) process.kill(-(started.child.pid ?? 0), "SIGINT");
    const { code, stdout, stderr } = await started.finished;
    expect({ code, stderr }).toMatchObject({
      code: 130,
      stderr: expect.not.stringMatching(/internal error/i),
    });
    expect(findSurvivors([token])).toEqual([]);
    git("config", "--unset", "filter.slow.smudge");
    const run = String(jsonLinesOf(stdout)[0]?.["run"]);
    const resumed = await agentcore(scratch, ["workflow", "resume", run, "--json"]);
    expect({ code: resumed.code, stderr: resumed.stderr }).toMatchObject({ code: 0 });
    expect(readFileSync(at("a.txt"), "utf8")).toBe("one\ntwo\n");
  },
);

it("ends git at the time limit of the workflow", async () => {
  const smudge = program("smudge", `exec sleep ${token}`);
  writeFileSync(at(".gitattributes"), "*.txt filter=slow\n");
  git("config", "filter.slow.smudge", smudge);
  const file = workflow("true");
  writeFileSync(file, readFileSync(file, "utf8").replace("timeout: 2m", "timeout: 1s"));
  const { code, stdout } = await agentcore(scratch, ["workflow", "run", file, "--json"]);
  expect({ code, last: jsonLinesOf(stdout).at(-1) }).toMatchObject({
    code: 4,
    last: { outcome: "TIMED_OUT" },
  });
  expect(findSurvivors([token])).toEqual([]);
});
