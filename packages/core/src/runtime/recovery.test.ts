/** What the runtime took away for a while comes back with time alone, though nothing runs and nobody is let in meanwhile. */
import { createIds, type Escalation, type PermitDecision, workerTaskSchema } from "@agentcore/contract";
import { expect, it, onTestFinished } from "vitest";
import type { RuntimeConfigInput } from "../config/runtime-config.ts";
import type { MachineSignals } from "../pressure/machine-signals.ts";
import { createFakeRunner, fakeAdapter } from "../testing/fake-worker.ts";
import { createManualClock } from "../testing/manual-clock.ts";
import { permitRequest, runtimeConfig } from "../testing/requests.ts";
import { createRuntime } from "./create-runtime.ts";

const workers = [
  { name: "claude", provider: "anthropic" },
  { name: "codex", provider: "openai" },
  { name: "opencode", provider: "google" },
];

function rigOf(config: RuntimeConfigInput = {}, signals?: MachineSignals) {
  const clock = createManualClock();
  const runner = createFakeRunner();
  const runtime = createRuntime({
    config: runtimeConfig(config),
    adapters: workers.map(fakeAdapter),
    runner,
    clock,
    ids: createIds(clock),
    ...(signals && { signals }),
  });
  const escalations: Escalation[] = [];
  runtime.onEscalation((escalation) => escalations.push(escalation));
  onTestFinished(() => runtime.close());

  /** One batch job: requested, and run to the given end if it is permitted. */
  const runOne = async (worker: string, isOutage: boolean): Promise<PermitDecision> => {
    const request = permitRequest({ worker, timeoutMs: 600_000 });
    const decision = await runtime.requestPermit(request);
    if (decision.kind !== "granted") return decision;
    const { workspace, capabilities } = request;
    const task = workerTaskSchema.parse({ worker, workspace, capabilities, instructions: "x" });
    const result = runtime.execute(decision.permit.id, task);
    (await runner.nextRun()).finish(isOutage ? { outcome: "failed", errorClass: "network" } : {});
    await result;
    return decision;
  };
  /** Two jobs per second of each worker. Returns how many were permitted, and the last refusal. */
  const load = async (seconds: number, isOutage: boolean) => {
    let granted = 0;
    let refusal: Exclude<PermitDecision, { kind: "granted" }> | null = null;
    for (let second = 0; second < seconds; second += 1) {
      for (const { name } of [...workers, ...workers]) {
        const decision = await runOne(name, isOutage);
        if (decision.kind === "granted") granted += 1;
        else refusal = decision;
      }
      clock.advance(1000);
    }
    return { granted, refusal };
  };
  return { runtime, clock, escalations, runOne, load };
}

it("batch work that waits for an outage runs again when it is over, with nothing else to wake the runtime", async () => {
  const rig = rigOf();
  const outage = await rig.load(15 * 60, true);
  expect(rig.escalations.map(({ stage }) => stage)).toContain("shed");
  expect(outage.refusal).not.toBeNull();
  rig.clock.advance(30 * 60_000);
  const after = await rig.load(60, false);
  expect(after.granted).toBeGreaterThan(300);
  expect(rig.escalations.map(({ stage }) => stage)).not.toContain("global_stop");
});

it("a runtime that sheds batch work says so, and stops beating once it does not", async () => {
  const rig = rigOf();
  for (let second = 0; second < 15 * 60; second += 1) {
    const isShed = rig.escalations.some(({ stage }) => stage === "shed");
    if (isShed) break;
    await rig.load(1, true);
  }
  const decision = await rig.runOne("claude", true);
  expect(decision).toMatchObject({
    kind: "deferred",
    code: "AC_FAILURE_CONCENTRATION",
    evidence: { stage: "shed" },
  });
  expect(decision.kind === "deferred" && decision.message).not.toContain("machine");
  expect(rig.clock.pendingTimers).toBe(1);
  rig.clock.advance(60 * 60_000);
  expect(rig.clock.pendingTimers).toBe(0);
});

it("pressure that was seen is looked at again by an idle runtime, for callers that decide without a look", async () => {
  let memoryAvailableBytes = 0;
  const sample = async () => ({
    eventLoopDelayMs: 0,
    memoryAvailableBytes,
    memoryPressurePercent: null,
    diskFreeBytes: null,
  });
  const rig = rigOf({}, { sample, watch: () => {}, close: () => {} });
  const asked = permitRequest({ worker: "codex" });
  expect(await rig.runtime.requestPermit(asked)).toMatchObject({ code: "AC_BACKPRESSURE" });
  memoryAvailableBytes = 2 ** 40;
  for (let second = 0; second < 600; second += 1) {
    rig.clock.advance(1000);
    await Promise.resolve().then(() => {});
  }
  expect(rig.runtime.tryPermit(asked).kind).toBe("granted");
});
