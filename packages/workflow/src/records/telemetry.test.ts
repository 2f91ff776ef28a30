import { silentLog, systemClock, type RunEvent, type WorkerEvent } from "@agentcore/contract";
import { testResult } from "@agentcore/scheduler/testing";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, testWorkflow } from "../testing/test-workflow.ts";
import type { WorkflowEvent } from "../run-ports.ts";
import { telemetryLine } from "./telemetry-line.ts";
import { openTelemetry } from "./telemetry.ts";

const telemetry = { eventsFile: "t/events.jsonl", stateFile: "t/state.json", includeWorkerOutput: false };

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-telemetry-")));
});
afterEach(() => rmSync(folder, { recursive: true }));

const jobEvent = (event: RunEvent): WorkflowEvent => ({
  type: "job_event",
  at: 5,
  run: "r",
  step: "build",
  piece: "work",
  event,
});
const worker = (event: WorkerEvent): WorkflowEvent =>
  jobEvent({ type: "worker_event", jobId: "j", at: 5, attempt: 1, event });

describe("a line of the events", () => {
  const secret = "hunter2";
  it.each<[string, WorkflowEvent, object]>([
    ["what is printed", worker({ type: "stdout", text: secret }), { type: "stdout", chars: 7 }],
    ["what is said", worker({ type: "text", text: secret }), { type: "text", chars: 7 }],
    [
      "what is run",
      worker({ type: "tool_call", id: "1", tool: "sh", summary: secret, command: secret }),
      { type: "tool_call", id: "1", tool: "sh" },
    ],
    [
      "what comes of it",
      worker({ type: "tool_result", id: "1", ok: true, exitCode: 0, summary: secret }),
      { type: "tool_result", ok: true },
    ],
    ["what is refused", worker({ type: "denied", tool: "sh", text: secret }), { type: "denied", tool: "sh" }],
    [
      "what a probe prints on stderr",
      worker({
        type: "probe",
        found: "stalled",
        inRow: 1,
        digest: "d",
        fingerprints: ["db"],
        reasons: [],
        summary: null,
        stderr: secret,
      }),
      { type: "probe", found: "stalled", fingerprints: ["db"], stderrChars: 7 },
    ],
  ])("does not hold %s, unless the file asks for it", (_what, event, facts) => {
    const line = telemetryLine(event, false);
    expect(line).toMatchObject({ ts: 5, type: "job_event", step: "build", event: { event: facts } });
    expect(JSON.stringify(line)).not.toContain(secret);
    expect(JSON.stringify(telemetryLine(event, true))).toContain(secret);
  });

  it("does not hold the output and the values of a step, unless the file asks for it", async () => {
    const rig = await createRunRig();
    try {
      const values = [{ name: "v", key: "v", optional: false }];
      const told: WorkflowEvent[] = [];
      const onEvent = (event: WorkflowEvent): void => void told.push(event);
      const writer = shellStep("a", `echo "v=${secret}" >> "$AGENTCORE_OUTPUT"`, { values });
      await rig.run(testWorkflow([writer]), { onEvent });
      const ended = told.filter(({ type }) => type === "step_changed").at(-1);
      expect(JSON.stringify(telemetryLine(ended!, false))).not.toContain(secret);
      expect(telemetryLine(ended!, true)).toMatchObject({ step: { values: { v: secret } } });
      const failed = {
        ...ended,
        step: { ...(ended as { step: object }).step, output: secret },
      } as WorkflowEvent;
      expect(JSON.stringify(telemetryLine(failed, false))).not.toContain(secret);
      expect(telemetryLine(failed, true)).toMatchObject({ step: { output: secret } });
    } finally {
      await rig.close();
    }
  });

  it("does not hold a worker's last words, unless the file asks for it", () => {
    const event = jobEvent({
      type: "attempt_ended",
      jobId: "j",
      at: 5,
      attempt: 1,
      result: testResult({ summary: secret }),
    });
    expect(telemetryLine(event, false)).toMatchObject({ event: { result: { outcome: "succeeded" } } });
    expect(JSON.stringify(telemetryLine(event, false))).not.toContain(secret);
    expect(JSON.stringify(telemetryLine(event, true))).toContain(secret);
  });
});

describe("the telemetry of a run", () => {
  let rig: RunRig;
  beforeEach(async () => {
    rig = await createRunRig();
  });
  afterEach(() => rig.close());
  const text = (name: string) => readFileSync(join(rig.workspace, "context", "t", name), "utf8");

  it("is every event, and the state at the end", async () => {
    const steps = [shellStep("a", "echo hi"), shellStep("b", "exit 1", { dependsOn: ["a"] })];
    const workflow = testWorkflow(steps, { telemetry });
    const result = await rig.run(workflow);
    expect(result.outcome).toBe("FAILED");
    const lines = text("events.jsonl")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string });
    expect(lines.map(({ type }) => type)).toEqual(rig.events.map(({ type }) => type));
    expect(lines.at(-1)).toMatchObject({ type: "run_ended", outcome: "FAILED" });
    expect(JSON.parse(text("state.json"))).toMatchObject({
      run: result.run,
      state: "FAILED",
      steps: { a: { status: "SUCCEEDED", attempts: 1 }, b: { status: "FAILED", error_class: "task_failed" } },
    });
  });

  it("goes on in the same files when the run is resumed", async () => {
    const workflow = testWorkflow([shellStep("a", "until test -e go; do sleep 0.02; done")], { telemetry });
    const first = await rig.start(workflow);
    first.result().catch(() => undefined);
    await expect.poll(() => rig.runtime.ledger).toHaveLength(1);
    await rig.restart();
    mkdirSync(join(rig.workspace, "go"));
    expect((await (await rig.resume(first.id, workflow)).result()).outcome).toBe("SUCCEEDED");
    const types = text("events.jsonl")
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types.filter((type) => type === "run_started")).toHaveLength(2);
    expect(types.at(-1)).toBe("run_ended");
  });

  it("is refused before anything runs where a symbolic link leads it out of the context directory", async () => {
    mkdirSync(join(rig.workspace, "context"));
    symlinkSync(folder, join(rig.workspace, "context", "t"));
    await expect(rig.run(testWorkflow([shellStep("a", "touch ran")], { telemetry }))).rejects.toMatchObject({
      code: "AC_WORKFLOW_PATH",
    });
    expect(rig.runtime.ledger).toEqual([]);
  });

  it("writes nothing where the file does not ask for it", async () => {
    await rig.run(testWorkflow([shellStep("a", "true")]));
    expect(() => text("events.jsonl")).toThrow(/ENOENT/);
  });
});

it("replaces the state while the run goes on, at most once a second", async () => {
  const timers: { delayMs: number; fire: () => void }[] = [];
  const clock = {
    ...systemClock,
    setTimer: (delayMs: number, fire: () => void) => {
      timers.push({ delayMs, fire });
      return { cancel: () => undefined };
    },
  };
  const workflow = testWorkflow([], { telemetry });
  const open = await openTelemetry({ workflow, contextDir: folder, clock, log: silentLog });
  for (let n = 0; n < 100; n += 1) open.take(worker({ type: "stdout", text: "." }));
  expect(timers.map(({ delayMs }) => delayMs)).toEqual([1000]);
  timers[0]?.fire();
  open.take(worker({ type: "stdout", text: "." }));
  expect(timers).toHaveLength(2);
  await open.close();
  const state = JSON.parse(readFileSync(join(folder, "t", "state.json"), "utf8")) as object;
  expect(state).toMatchObject({
    steps: { build: { last_event_at: 5, last_worker_event_at: 5, probe: null } },
  });
});
