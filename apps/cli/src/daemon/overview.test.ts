/** The first screen of a real daemon: what it says while jobs run, wait and fail, and after its processes were killed. */
import { createClient } from "@agentcore/client";
import type { JsonDocument, OverviewDocument } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { startDaemon, writeDaemonFile, writeFlow, type StartedDaemon } from "../testing/daemon-process.ts";

const file = `events:
  orders: { type: queue, topic: orders }
  nightly: { type: cron, schedule: "0 3 * * *", timezone: UTC }
triggers:
  on-order: { on: orders, workflow: flow.yaml }
  at-night: { on: nightly, workflow: flow.yaml }
`;
const asking = `name: asking
version: "1"
timeout: 5m
steps:
  ask: { approval: { message: "Deploy?" } }
  after: { depends_on: [ask], worker: shell, capabilities: [RUN_COMMANDS], instructions: "true" }
`;

let scratch: Scratch;
let daemon: StartedDaemon;
beforeEach(async () => {
  scratch = makeScratch();
  writeFlow(scratch, "echo begun; sleep 300");
  writeFileSync(join(scratch.workspace, "asking.yaml"), asking);
  writeDaemonFile(scratch, file);
  daemon = await startDaemon(scratch);
});
afterEach(() => scratch.remove());

const client = () => createClient({ url: `unix://${daemon.socket}` });
const job = (instructions: string, more: object = {}) => ({
  task: {
    worker: "shell",
    workspace: scratch.workspace,
    instructions,
    capabilities: ["run_commands" as const],
  },
  ...more,
});

/** The first overview that has what is wanted. */
async function overviewWith(
  has: (overview: JsonDocument<OverviewDocument>) => boolean,
): Promise<JsonDocument<OverviewDocument>> {
  let overview = await client().showOverview();
  await until(async () => has((overview = await client().showOverview())));
  return overview;
}

it("shows what runs, what waits and why, and what needs a person", async () => {
  await client().emitEvent("orders", { payload: {} });
  await client().pauseTrigger("at-night", { note: "holidays" });
  const { id: dead } = await client().submitJob(job("exit 3", { limits: { maxAttempts: 1 } }));
  expect(await client().waitForJob(dead)).toMatchObject({ state: "dead" });
  const later = await client().submitJob(job("true", { notBefore: Date.now() + 3_600_000 }));
  const { run } = await client().runWorkflow({
    file: join(scratch.workspace, "asking.yaml"),
    workspace: scratch.workspace,
  });
  const overview = await overviewWith(
    ({ running, attention }) =>
      running.some(({ activity }) => activity === "working") &&
      attention.some(({ kind }) => kind === "approval"),
  );
  expect(overview).toMatchObject({
    name: "test",
    ready: "ready",
    queue: { ready: 0, delayed: 1, running: 1, dead: 1 },
    running: [{ step: "a", worker: "shell", attempt: 1, activity: "working", tool: null, code: null }],
    runs: [
      { id: run, name: "asking", state: "RUNNING", steps: 2, done: 0, failed: 0, running: 0, waiting: 2 },
      { name: "flow", state: "RUNNING", steps: 1, done: 0, failed: 0, running: 1, waiting: 0 },
    ],
    waiting: [{ code: null, reason: "waits for its time", jobs: 1, example: later.id }],
    attention: [
      { kind: "approval", run, step: "ask", text: "asking ask: Deploy?" },
      { kind: "dead_letters", count: 1 },
      { kind: "trigger_paused", trigger: "at-night", text: "trigger at-night is paused: holidays" },
    ],
    pauses: [{ trigger: "at-night", note: "holidays" }],
    breakers: [],
    pressure: "accept",
    spentTodayUsd: 0,
    triggers: [
      { name: "on-order", nextAt: null, waiting: 0, running: 1 },
      { name: "at-night", nextAt: null, waiting: 0, running: 0 },
    ],
  });
  const [running] = overview.running;
  expect(overview.runs[1]?.id).toBe(running?.run);
  expect(Date.parse(running?.lastOutputAt ?? "")).toBeGreaterThanOrEqual(
    Date.parse(running?.startedAt ?? ""),
  );
  await client().approveWorkflowStep(run, { step: "ask" });
  const after = await overviewWith(({ runs }) => runs.length === 1);
  expect(after.attention.map(({ kind }) => kind)).toEqual(["dead_letters", "trigger_paused"]);
});

it("is right again after the runtime or the whole daemon was killed", async () => {
  await client().emitEvent("orders", { payload: {} });
  const isAtWork = ({ running }: JsonDocument<OverviewDocument>): boolean =>
    running.some(({ activity }) => activity === "working");
  const [first] = (await overviewWith(isAtWork)).running;
  const runtime = childOf(daemon.child.pid ?? 0);
  process.kill(runtime, "SIGKILL");
  const other = await overviewWith(
    (overview) => isAtWork(overview) && overview.running[0]?.startedAt !== first?.startedAt,
  );
  expect(other.running).toHaveLength(1);
  expect(other.running[0]).toMatchObject({ run: first?.run, step: "a" });
  await daemon.kill("SIGKILL");
  daemon = await startDaemon(scratch);
  const again = await overviewWith(isAtWork);
  expect(again.running).toHaveLength(1);
  expect(again.runs).toMatchObject([{ id: first?.run, state: "RUNNING", running: 1 }]);
  await client().cancelWorkflowRun(first?.run ?? "", { reason: "enough" });
  expect(await overviewWith(({ runs }) => runs.length === 0)).toMatchObject({ running: [], runs: [] });
});

/** The process of the runtime: the child of the daemon whose command line says so. */
function childOf(parent: number): number {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const ppid = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
      if (ppid === parent && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--stdio"))
        return Number(pid);
    } catch {
      // It ended meanwhile.
    }
  }
  return expect.fail("the daemon has no runtime process");
}
