/** What the watchdog makes of what the spend gate sees of a run's calls. */
import { createIds, type WireActivity, type WorkerEvent, workerTaskSchema } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import { expect, it } from "vitest";
import { createRuntime } from "../runtime/create-runtime.ts";
import { createFakeSpendGate, fakeUpstream } from "../testing/fake-spend-gate.ts";
import { createFakeRunner, fakeAdapter } from "../testing/fake-worker.ts";
import { createManualClock } from "../testing/manual-clock.ts";
import { permitRequest, runtimeConfig } from "../testing/requests.ts";

const minute = 60_000;

async function meteredRun() {
  const clock = createManualClock();
  const runner = createFakeRunner();
  const spendGate = createFakeSpendGate();
  const adapters = [fakeAdapter()];
  const ids = createIds(clock);
  const runtime = createRuntime({ config: runtimeConfig({}), adapters, runner, clock, ids, spendGate });
  const request = permitRequest({ timeoutMs: 600 * minute });
  const decision = await runtime.requestPermit(request);
  if (decision.kind !== "granted") throw new TypeError(decision.message);
  const { worker, workspace, capabilities } = request;
  const task = workerTaskSchema.parse({ worker, workspace, capabilities, instructions: "do it" });
  const calls: WorkerEvent[] = [];
  const onEvent = (event: WorkerEvent) => void (event.type === "calls" && calls.push(event));
  const result = runtime.execute(decision.permit.id, task, { onEvent });
  const run = await runner.nextRun();
  await run.request.openSpendGate?.(fakeUpstream);
  await until(() => spendGate.meters.length === 1);
  const see = (activity: Partial<WireActivity>): void => spendGate.meters[0]?.act(activity);
  return { clock, run, result, calls, see };
}

it("an open call is no silence, and one that is not answered stops the run with its reason", async () => {
  const { clock, run, result, see } = await meteredRun();
  see({ waiting: 1, streaming: 0, bytes: 0 });
  clock.advance(19 * minute);
  expect(run.cause).toBeNull();
  clock.advance(minute + 1000);
  expect(run.cause).toMatchObject({
    code: "AC_STALLED",
    message: "the provider did not begin to answer for 20m; the limit is 20m (watchdog.first_byte)",
    evidence: { how: "first_byte", phase: "waiting", calls: { waiting: 1, streaming: 0, bytes: 0 } },
  });
  await result;
});

it("tells what the gate sees, once a second at most, and only what is new", async () => {
  const { clock, run, result, calls, see } = await meteredRun();
  for (let bytes = 0; bytes < 500; bytes += 1) see({ waiting: bytes % 2, streaming: 1, bytes });
  clock.advance(1000);
  for (let bytes = 500; bytes < 900; bytes += 1) see({ waiting: 1, streaming: 1, bytes, identicalCalls: 3 });
  clock.advance(5000);
  expect(calls).toEqual([
    { type: "calls", waiting: 1, streaming: 1, identical: expect.any(Number) },
    { type: "calls", waiting: 1, streaming: 1, identical: 3 },
  ]);
  run.finish();
  await result;
});
