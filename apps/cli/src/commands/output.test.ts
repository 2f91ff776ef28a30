/** Outputs that fail under a real process: a full disk, a pipe without a reader, a terminal that was closed or stopped. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "@agentcore/contract/testing";
import {
  agentcore,
  jsonLinesOf,
  makeScratch,
  startAgentcore,
  type Finished,
  type Scratch,
} from "../testing/agentcore-process.ts";
import { startOnPty } from "../testing/pty.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const state = (): string[] => ["--state-dir", scratch.stateDir];

/** With stdout, or both outputs, redirected as the shell words say. */
function redirected(words: string, args: readonly string[]): Promise<Finished> {
  return agentcore(scratch, [...args, ...state()], { prefix: ["sh", "-c", `exec "$@" ${words}`, "sh"] });
}

async function jobKinds(): Promise<string[]> {
  const { stdout } = await agentcore(scratch, ["jobs", "list", "--json", ...state()]);
  return jsonLinesOf(stdout).map(({ state: kind }) => String(kind));
}

const full = "agentcore: the output could not be written: no space left on device\n";
const worker = "trap 'touch told; exit 3' TERM; touch started; while :; do echo out; sleep 0.05; done";

it("a full disk ends no work: the job's own end counts, and a query says that it failed", async () => {
  const run = await redirected("> /dev/full", ["run", "echo a; touch done", "-w", "shell"]);
  expect(run).toMatchObject({ code: 0, stderr: full });
  expect(existsSync(join(scratch.workspace, "done"))).toBe(true);
  expect(
    (await redirected("> /dev/full 2>&1", ["run", "echo a; exit 7", "-w", "shell", "--json"])).code,
  ).toBe(1);
  await agentcore(scratch, ["submit", "true", "-w", "shell", ...state()]);
  expect(await redirected("> /dev/full", ["work", "--drain"])).toMatchObject({ code: 0, stderr: full });
  for (const query of [["jobs", "list"], ["jobs", "list", "--json"], ["budget"]])
    expect(await redirected("> /dev/full", query)).toMatchObject({ code: 1, stderr: full });
  expect(await redirected("> /dev/full 2> /dev/full", ["jobs", "list"])).toMatchObject({ code: 1 });
  expect(await jobKinds()).toEqual(["succeeded", "dead", "succeeded"]);
});

it("a full disk fails what is asked for its output alone, and ends what only watches", async () => {
  await agentcore(scratch, ["submit", "true", "-w", "shell", ...state()]);
  const quiet = await redirected("> /dev/full", ["run", "echo a; touch done", "-w", "shell", "--quiet"]);
  expect(quiet).toMatchObject({ code: 1, stderr: full });
  expect(existsSync(join(scratch.workspace, "done"))).toBe(true);
  const file = join(scratch.root, "one.yaml");
  const steps =
    "steps: { one: { worker: shell, capabilities: [edit], instructions: echo x >> ran; test -e go } }";
  writeFileSync(file, `name: one\nversion: "1"\ntimeout: 1m\n${steps}\n`);
  expect(await redirected("> /dev/full", ["workflow", "run", file, "--dry-run"])).toMatchObject({
    code: 1,
    stderr: full,
  });
  expect(await redirected("> /dev/full", ["jobs", "list", "--watch"])).toMatchObject({
    code: 1,
    stderr: full,
  });
  await redirected("> /dev/full", ["workflow", "run", file]);
  writeFileSync(join(scratch.workspace, "go"), "");
  expect(await redirected("> /dev/full", ["workflow", "retry", "@last"])).toMatchObject({
    code: 0,
    stderr: full,
  });
});

it("a reader that has had enough is no error, of whatever command", async () => {
  await agentcore(scratch, ["run", "seq 20000", "-w", "shell", "--key", "k", ...state()]);
  const { stdout } = await agentcore(scratch, ["jobs", "list", "--json", ...state()]);
  const id = String(jsonLinesOf(stdout)[0]?.["id"]);
  for (const options of [[], ["--json"], ["-f"], ["--raw"]]) {
    const { code, stderr } = await agentcore(scratch, ["jobs", "logs", id, ...options, ...state()], {
      prefix: ["bash", "-c", 'set -o pipefail; "$@" | head -2 > /dev/null', "sh"],
    });
    expect({ options, code, stderr }).toEqual({ options, code: 0, stderr: "" });
  }
});

it("following the log of a job that goes on ends with its reader", async () => {
  const run = startAgentcore(scratch, ["run", worker, "-w", "shell", ...state()]);
  await run.saw("out");
  const { stdout } = await agentcore(scratch, ["jobs", "list", "--json", ...state()]);
  const id = String(jsonLinesOf(stdout)[0]?.["id"]);
  const { code } = await agentcore(scratch, ["jobs", "logs", "-f", id, ...state()], {
    prefix: ["bash", "-c", 'set -o pipefail; "$@" | head -2 > /dev/null', "sh"],
  });
  expect(code).toBe(0);
  expect(run.child.exitCode).toBeNull();
  run.child.kill("SIGTERM");
  expect((await run.finished).code).toBe(130);
});

it("the terminal closed during `run`: the worker is told, and the job is cancelled", async () => {
  const pty = startOnPty(scratch, ["run", worker, "-w", "shell", ...state()]);
  await until(() => existsSync(join(scratch.workspace, "started")));
  pty.end();
  await until(async () => (await jobKinds())[0] === "cancelled");
  expect(existsSync(join(scratch.workspace, "told"))).toBe(true);
});

it("a terminal that takes nothing more, as after Ctrl-S, does not keep a run from its time limit", async () => {
  const pty = startOnPty(scratch, [
    "run",
    "seq 100000; sleep 4733",
    "-w",
    "shell",
    "--timeout",
    "2s",
    ...state(),
  ]);
  await until(() => existsSync(join(scratch.stateDir, "state.db")) && pty.raw() !== "");
  pty.pause();
  await until(async () => (await jobKinds())[0] === "dead");
  pty.resume();
  expect(await pty.finished).toBe(4);
  expect(pty.raw()).toContain("timed out");
});

it("an internal error is one line with its place, and no page of code", async () => {
  const file = join(scratch.root, "crash.cjs");
  writeFileSync(file, 'setTimeout(() => { throw new Error("planted"); }, 400);\n');
  const started = startAgentcore(scratch, ["run", "sleep 4734", "-w", "shell", ...state()], {
    env: { NODE_OPTIONS: `--require ${file}` },
  });
  const { code, stderr } = await started.finished;
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^agentcore: internal error: Error: planted \(at crash.cjs:1:\d+\)\n {2}AC_INTERNAL: .*\n$/,
  );
});
