/** The API of a real daemon, called as a program and a person would: over its socket, and over TCP with tokens. */
import { createClient } from "@agentcore/client";
import { until } from "@agentcore/contract/testing";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { startDaemon, writeDaemonFile, writeFlow, type StartedDaemon } from "../testing/daemon-process.ts";

const file = `events:
  orders: { type: queue, topic: orders }
  nightly: { type: cron, schedule: "0 3 * * *", timezone: UTC }
triggers:
  on-order: { on: orders, workflow: flow.yaml, context: { event_payload: true } }
  at-night: { on: nightly, workflow: flow.yaml }
server: { http: { port: 0 }, token: "a-token-that-only-this-test-knows" }
`;

let scratch: Scratch;
let daemon: StartedDaemon;
beforeEach(async () => {
  scratch = makeScratch();
  writeFlow(scratch, "cat .daemon-context/event.json >> seen; test ! -e hold || sleep 300");
  writeDaemonFile(scratch, file);
  daemon = await startDaemon(scratch);
});
afterEach(() => scratch.remove());

const local = () => createClient({ url: `unix://${daemon.socket}` });
const shell = (instructions: string) => ({
  task: {
    worker: "shell",
    workspace: scratch.workspace,
    instructions,
    capabilities: ["run_commands" as const],
  },
});

it("submits, follows, reads and cancels jobs, and says why they wait", async () => {
  const client = local();
  const seen: string[] = [];
  const ended = new AbortController();
  const following = (async () => {
    for await (const event of client.followEvents({ topic: "jobs" }, { signal: ended.signal }))
      if (event.kind === "event") seen.push(event.document.type);
  })();
  const { id } = await client.submitJob(shell("echo grüße; echo oh >&2"));
  expect(await client.waitForJob(id)).toMatchObject({ state: "succeeded" });
  const log = await client.readJobLog(id, { stream: "stdout", offset: 0 });
  expect(log).toMatchObject({ text: "grüße\n", sizeBytes: 8, nextOffset: 8, ended: true });
  const umlaut = await client.readJobLog(id, { stream: "stdout", offset: -2 });
  expect(umlaut).toMatchObject({ text: "e\n", offset: 6 });
  const { id: long } = await client.submitJob(shell("sleep 300"));
  await until(async () => (await client.showJob(long)).state === "running");
  expect(await client.whyJob(long)).toMatchObject({ type: "job_decisions" });
  await client.cancelJob(long, { reason: "not now" });
  expect(await client.waitForJob(long)).toMatchObject({ state: "cancelled" });
  await until(() => seen.filter((type) => type === "job_ended").length >= 2);
  ended.abort();
  await following.catch(() => {});
  await expect(client.submitJob(shell("x".repeat(2_000_000)))).rejects.toMatchObject({ code: /^AC_/ });
});

it("emits to a topic, fires, pauses with a note, replays, and fills in slots that were missed", async () => {
  const client = local();
  const emitted = await client.emitEvent("orders", { payload: { n: 1 }, key: "order-1" });
  expect(emitted.events).toHaveLength(1);
  expect(await client.emitEvent("orders", { payload: { n: 1 }, key: "order-1" })).toMatchObject({
    events: [],
    duplicates: 1,
  });
  const runsOf = async () =>
    (await client.listWorkflowRuns()).items.filter(({ state }) => state === "SUCCEEDED");
  await until(async () => (await runsOf()).length === 1);
  expect(await client.pauseTrigger("on-order", { note: "stocktaking" })).toMatchObject({
    state: "paused",
    pauseNote: "stocktaking",
  });
  await client.emitEvent("orders", { payload: { n: 2 } });
  await until(async () => (await client.listTriggerFirings("on-order")).items.length === 2);
  expect((await client.listTriggerFirings("on-order")).items[0]).toMatchObject({ state: "skipped" });
  await client.resumeTrigger("on-order");
  const { events: again } = await client.replayEvent(emitted.events[0]!);
  await until(async () => (await runsOf()).length === 2);
  expect(await client.showEvent(again[0]!)).toMatchObject({ replayOf: emitted.events[0] });
  const night = { from: "2026-01-01T00:00:00Z", to: "2026-01-03T00:00:00Z" };
  expect((await client.backfillTrigger("at-night", night)).events).toHaveLength(2);
  expect(await client.backfillTrigger("at-night", night)).toMatchObject({ events: [], duplicates: 2 });
  await until(async () => (await runsOf()).length === 4);
  expect((await client.listTriggers()).items).toMatchObject([
    { id: "on-order", state: "active", nextFireAt: null },
    { id: "at-night", state: "active", nextFireAt: expect.stringContaining("T03:00:00") as string },
  ]);
});

it("shows every step of a run with those of its sub-workflows, its drawing, and finds runs by how they ended", async () => {
  const client = local();
  const head = `name: parts\nversion: "1"\ntimeout: 5m\nsteps:\n`;
  const shellStep = "worker: shell, capabilities: [RUN_COMMANDS]";
  writeFileSync(
    join(scratch.workspace, "inner.yaml"),
    `${head.replace("parts", "inner")}  one: { ${shellStep}, instructions: "true" }\n  ask: { approval: { message: Go on? }, depends_on: [one] }\n`,
  );
  writeFileSync(
    join(scratch.workspace, "parts.yaml"),
    `${head}  inner: { workflow: ./inner.yaml, matrix: { os: [linux, mac] } }\n  last: { ${shellStep}, depends_on: [inner], instructions: "false" }\n`,
  );
  const { workspace } = scratch;
  const { run } = await client.runWorkflow({ file: join(workspace, "parts.yaml"), workspace });
  await until(async () => (await client.showWorkflowRun(run)).waitsFor.length === 2);
  const stepsOf = async () =>
    (await client.listWorkflowSteps(run)).items.map(({ key, parent, path, status }) => [
      key,
      parent,
      path,
      status,
    ]);
  expect(await stepsOf()).toEqual([
    ["inner[os=linux]", null, "inner", "RUNNING"],
    ["inner[os=linux]/one", "inner[os=linux]", "inner/one", "SUCCEEDED"],
    ["inner[os=linux]/ask", "inner[os=linux]", "inner/ask", "WAITING"],
    ["inner[os=mac]", null, "inner", "RUNNING"],
    ["inner[os=mac]/one", "inner[os=mac]", "inner/one", "SUCCEEDED"],
    ["inner[os=mac]/ask", "inner[os=mac]", "inner/ask", "WAITING"],
    ["last", null, "last", "PENDING"],
  ]);
  const graph = await client.showWorkflowGraph(run);
  expect(graph.nodes.map(({ path }) => path)).toEqual(["inner", "last", "inner/one", "inner/ask"]);
  expect(graph.drawing?.boxes).toHaveLength(4);
  expect((await client.listWorkflowRuns({ state: "RUNNING", name: "parts" })).items).toMatchObject([
    { id: run },
  ]);
  for (const os of ["linux", "mac"])
    await client.approveWorkflowStep(run, { step: `inner[os=${os}]/ask`, message: "go" });
  await until(async () => (await client.showWorkflowRun(run)).state === "FAILED");
  expect((await stepsOf()).map((step) => step[3])).toEqual([
    ...Array.from({ length: 6 }, () => "SUCCEEDED"),
    "FAILED",
  ]);
  expect((await client.listWorkflowRuns({ state: ["FAILED"], limit: 1 })).items).toHaveLength(1);
  expect(await client.listWorkflowRuns({ state: "SUCCEEDED", name: "parts" })).toMatchObject({
    items: [],
    next: null,
  });
  expect((await client.listSpend({ bucket: "hour" })).buckets).toHaveLength(24);
  expect((await client.showTrigger("at-night")).nextFires).toHaveLength(5);
});

it("stops everything with a receipt: triggers are paused, runs and jobs cancelled, and nothing is left", async () => {
  writeFileSync(join(scratch.workspace, "hold"), "");
  const client = local();
  await client.emitEvent("orders", { payload: {} });
  const { id } = await client.submitJob(shell("sleep 300"));
  await until(() => existsSync(join(scratch.workspace, "seen")));
  await until(async () => (await client.showJob(id)).state === "running");
  const receipt = await client.stopAll({ reason: "fire drill" });
  expect(receipt).toMatchObject({
    reason: "fire drill",
    triggers: ["on-order", "at-night"],
    isEmpty: true,
    survivors: [],
  });
  expect(receipt.runs).toHaveLength(1);
  // That of the step too, which ends with its run.
  expect(receipt.jobs.map(({ outcome }) => outcome)).toEqual(["cancelled", "cancelled"]);
  expect(findSurvivors([scratch.workspace])).toEqual([]);
  expect((await client.listTriggers()).items.map(({ pauseNote }) => pauseNote)).toEqual([
    "fire drill",
    "fire drill",
  ]);
});

it("answers over TCP only with a token, says whether it is ready, and ends when it is drained", async () => {
  const { url } = daemon;
  const token = "a-token-that-only-this-test-knows";
  await expect(createClient({ url: url! }).listJobs()).rejects.toMatchObject({ code: "AC_API_UNAUTHORIZED" });
  const remote = createClient({ url: url!, token });
  // Its runtime may still be starting.
  await until(async () => (await remote.readiness()).ready);
  expect(await remote.readiness()).toMatchObject({ state: "ready" });
  const page = await fetch(`${daemon.url}/jobs`);
  expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
  // The program of the tests is bundled without the page.
  expect(await page.text()).toContain("`npm start`");
  const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  expect(await metrics.text()).toMatch(/^agentcore_runtime_up 1$/m);
  await remote.drain();
  expect((await daemon.finished).code).toBe(0);
  expect(readFileSync(join(scratch.workspace, "daemon.yaml"), "utf8")).toContain("orders");
});
