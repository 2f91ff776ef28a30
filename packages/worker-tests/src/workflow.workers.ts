/** The example `implement-review-fix.yaml` with the three real workers in one workflow: undisturbed, and killed in the middle. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startModelServer, type ModelServer, type Script } from "@agentcore/model-server";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  conversations,
  hasPrinted,
  prepareWorkflow,
  readLeft,
  startExample,
  type Left,
  type WorkflowPlace,
  type WorkflowRig,
} from "./drive-workflow.ts";
import { startCli, type CliEnd } from "./agentcore-cli.ts";
import { installationPaths } from "./installation.ts";
import { cacheFolder } from "./places.ts";
import { processesOf } from "./process-scan.ts";
import { answersOf, filesInTheEnd, positionOf, tokensEach } from "./review-team.ts";

let server: ModelServer;
let rig: WorkflowRig;

beforeAll(async () => {
  server = await startModelServer();
  const folder = await mkdtemp(join(tmpdir(), "agentcore-workflow-"));
  rig = { server, folder, programs: installationPaths(cacheFolder).programs };
});

afterAll(async () => {
  await server.close();
  await rm(rig.folder, { recursive: true, force: true });
});

// List prices of one answer: 1000 tokens in, 500 of the cache, 100 out.
const claudeUsd = 0.00465;
/** What an open call of Claude Code holds: 32,000 tokens of output ($0.48), and its input. */
const heldUsd = 0.53;
const codexUsd = 0.00825;
const openCodeUsd = 0.00465;
/** The file is right already: it is read, and nothing is left to do. */
const resumedFixAnswers = 2;

it.concurrent("workflow: implement, review, fix, review, write up", async ({ task }) => {
  const place = await prepareWorkflow(rig, "calm");
  const startedAt = performance.now();
  const end = await startExample(place).ended;
  Object.assign(task.meta, { note: await note(place, end, startedAt), story: end });
  expect(end.code).toBe(0);
  // OpenCode reports a cost by its own configuration, which is not known before the start.
  const unpriced = "agentcore: worker opencode: no price for model scripted-model: .*";
  expect(end.stderr).toMatch(new RegExp(`^agentcore: configuration \\S+ \\(named\\)\\n${unpriced}\\n$`));
  expect(end.stdout).toMatch(/PASS +implement \(2 iterations\)/);
  expect(end.stdout).toMatch(/Workflow: SUCCEEDED/);
  const { implement, review, fix, write } = answersOf;
  const left = await readLeft(place);
  expectSameEnd(left);
  expect(left.implement).toMatchObject({
    attempts: 2,
    cost_usd: expect.closeTo((implement + fix) * claudeUsd + 2 * review * codexUsd, 6) as number,
    tokens: (implement + fix + 2 * review) * tokensEach,
  });
  expect(left.describe).toMatchObject({
    attempts: 1,
    cost_usd: expect.closeTo(write * openCodeUsd, 6) as number,
    tokens: write * tokensEach,
    artifacts: ["changes"],
  });
  expect(left.run).toMatchObject({
    base_branch: "work",
    cost_usd: Number(left.implement["cost_usd"]) + Number(left.describe["cost_usd"]),
  });
  expect(conversationsOf(place)).toEqual({ "claude-code": 2, codex: 2, opencode: 1 });
  expect(await processesOf(place.id)).toEqual([]);
});

it.concurrent("workflow: killed in the middle of the fix, and resumed", async ({ task }) => {
  const reached = Promise.withResolvers<undefined>();
  const place = await prepareWorkflow(rig, "killed", (script) => hangOnceInFix(script, reached.resolve));
  const startedAt = performance.now();
  const first = startExample(place);
  await Promise.race([reached.promise, first.ended]);
  // A busy runner reads what the worker printed a little later.
  expect(await within(60_000, () => hasPrinted(place, '"name":"Edit"'))).toBe(true);
  first.child.kill("SIGKILL");
  const run = /run (\S+)/.exec((await first.ended).stdout)?.[1] ?? "";
  // Sealed workers die with the process that started them, a moment later.
  await within(10_000, async () => (await processesOf(place.id)).length === 0);
  expect(await processesOf(place.id)).toEqual([]);
  const end = await startCli(place, ["workflow", "resume", run]).ended;
  Object.assign(task.meta, {
    note: await note(place, end, startedAt),
    story: { first: await first.ended, end },
  });
  expect(end.code).toBe(0);
  const left = await readLeft(place);
  expectSameEnd(left);
  // What had finished was not done again; the interrupted attempt counts.
  expect(left.implement).toMatchObject({ attempts: 3 });
  // The lost attempt is charged its calls, not all the $5 that it might have spent: those that were answered by what they used,
  // and the open one with what it held.
  const { implement, review } = answersOf;
  const without = (implement + resumedFixAnswers) * claudeUsd + 2 * review * codexUsd;
  expect(left.implement["cost_usd"]).toBeGreaterThan(without + claudeUsd);
  const most = without + answersOf.fix * claudeUsd + heldUsd;
  expect(left.implement["cost_usd"]).toBeLessThanOrEqual(most);
  expect(conversationsOf(place)).toEqual({ "claude-code": 3, codex: 2, opencode: 1 });
  expect(await processesOf(place.id)).toEqual([]);
});

function expectSameEnd(left: Left): void {
  expect(left.files).toEqual(filesInTheEnd);
  expect(left.implement).toMatchObject({
    status: "SUCCEEDED",
    iterations: 2,
    loops: true,
    error_class: null,
  });
  expect(left.describe).toMatchObject({ status: "SUCCEEDED", iterations: 1, loops: false });
  expect(left.run).toMatchObject({
    name: "implement-review-fix",
    state: "SUCCEEDED",
    reason: null,
    steps: { implement: "SUCCEEDED", describe: "SUCCEEDED" },
  });
}

function conversationsOf({ models }: WorkflowPlace) {
  return {
    "claude-code": conversations(models["claude-code"]),
    codex: conversations(models.codex),
    opencode: conversations(models.opencode),
  };
}

/** The third answer of a conversation is that of the fix, whose file is written by then. */
function hangOnceInFix(script: Script, reached: (value: undefined) => void): Script {
  let hung = false;
  return (request, index) => {
    if (typeof script !== "function") throw new TypeError("the script is a list");
    if (hung || positionOf(request) < 2) return script(request, index);
    hung = true;
    reached(undefined);
    return { hang: "before-headers" };
  };
}

/** Whether it came to hold in that time. */
async function within(ms: number, holds: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}

async function note(place: WorkflowPlace, end: CliEnd, startedAt: number): Promise<string> {
  const outcome = /Workflow: (\w+)/.exec(end.stdout)?.[1] ?? `exit ${end.code}`;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const requests = Object.values(place.models).map((model) => model.requests.length);
  const survivors = (await processesOf(place.id)).length;
  return `${outcome}, ${seconds} s, ${requests.join("+")} requests, ${survivors} survivors`;
}
