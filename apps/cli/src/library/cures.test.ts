import { isAgentCoreError } from "@agentcore/contract";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createAgentCore, run, type AgentCore } from "../index.ts";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
let core: AgentCore;
beforeEach(async () => {
  scratch = makeScratch();
  core = await createAgentCore({ stateDir: scratch.stateDir, env: { PATH: process.env["PATH"] } });
});
afterEach(async () => {
  await core.close();
  await scratch.remove();
});

/** Code, message and cure of a rejection. */
async function refusalOf(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!isAgentCoreError(error)) throw new Error(`not an AgentCoreError: ${String(error)}`);
  return { code: error.code, text: `${error.message} | ${error.cure}` };
}

const flag = /(?:^|[^\w-])--[a-z]/;

it("errors of the library name its options and functions, and no option of the command line", async () => {
  const { workspace } = scratch;
  const file = join(scratch.root, "w.yaml");
  const step = "a: { worker: shell, instructions: touch x, capabilities: [EDIT, RUN_COMMANDS] }";
  writeFileSync(
    file,
    `name: w\nversion: "1"\ntimeout: 1m\ninputs: { to: { type: string, required: true } }\nsteps:\n  ${step}\n`,
  );
  const git = (...args: string[]) => execFileSync("git", args, { cwd: workspace });
  git("init", "-qb", "main");
  git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x", "--allow-empty");

  const open = join(scratch.root, "open");
  mkdirSync(open);
  chmodSync(open, 0o777);
  const task = { worker: "shell", workspace, instructions: "true" };
  const found = [
    await refusalOf(core.workflows.run(file, { workspace })),
    await refusalOf(core.workflows.run(file, { workspace, inputs: { to: "x" } })),
    await refusalOf(core.workflows.resume("nothing-of-that-name")),
    await refusalOf(core.scheduler.attach("nothing-of-that-name")),
    await refusalOf(run({ ...task, stateDir: open })),
    await refusalOf(run({ ...task, stateDir: "/proc/nowhere" })),
    await refusalOf(run({ ...task, worker: "shel", stateDir: scratch.stateDir })),
    await refusalOf(run({ ...task, config: { limits: 5 } as never, stateDir: scratch.stateDir })),
  ];
  expect(found.map(({ code }) => code)).toEqual([
    "AC_WORKFLOW_INPUT",
    "AC_WORKFLOW_BRANCH",
    "AC_WORKFLOW_RUN_NOT_FOUND",
    "AC_JOB_NOT_FOUND",
    "AC_STORE_UNAVAILABLE",
    "AC_STORE_UNAVAILABLE",
    "AC_WORKER_UNKNOWN",
    "AC_CONFIG_INVALID",
  ]);
  expect(found.filter(({ text }) => flag.test(text) || /agentcore (?!doctor)[a-z]/.test(text))).toEqual([]);
  expect(found[1]?.text).toContain("option `branch` of `workflows.run()`");
  expect(found[4]?.text).toContain("`stateDir`");
});
