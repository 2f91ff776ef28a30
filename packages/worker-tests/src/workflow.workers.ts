/** The example `implement-review-fix.yaml` with the three real workers in one workflow. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startModelServer, type ModelServer } from "@agentcore/model-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  conversations,
  prepareWorkflow,
  readLeft,
  startExample,
  type Left,
  type WorkflowPlace,
  type WorkflowRig,
} from "./drive-workflow.ts";
import type { CliEnd } from "./agentcore-cli.ts";
import { installationPaths } from "./installation.ts";
import { cacheFolder } from "./places.ts";
import { processesOf } from "./process-scan.ts";
import { answersOf, filesInTheEnd, tokensEach } from "./review-team.ts";

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
const codexUsd = 0.00825;
const openCodeUsd = 0.00465;

test.concurrent("workflow: implement, review, fix, review, write up", async ({ task }) => {
  const place = await prepareWorkflow(rig, "calm");
  const startedAt = performance.now();
  const end = await startExample(place).ended;
  Object.assign(task.meta, { note: await note(place, end, startedAt), story: end });
  expect(end).toMatchObject({ code: 0, stderr: "" });
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

async function note(place: WorkflowPlace, end: CliEnd, startedAt: number): Promise<string> {
  const outcome = /Workflow: (\w+)/.exec(end.stdout)?.[1] ?? `exit ${end.code}`;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const requests = Object.values(place.models).map((model) => model.requests.length);
  const survivors = (await processesOf(place.id)).length;
  return `${outcome}, ${seconds} s, ${requests.join("+")} requests, ${survivors} survivors`;
}
