import { silentLog, systemClock, systemIds } from "@agentcore/contract";
import { until, seededRandom } from "@agentcore/contract/testing";
import { afterEach, expect, it } from "vitest";
import type { TriggerDefinition } from "../definition.ts";
import { createMemoryTriggerStore } from "../memory/memory-trigger-store.ts";
import { testDefinition, testEvent } from "../testing/index.ts";
import type { RunRequest, TriggeredEnd, TriggerRunner } from "../trigger-runner.ts";
import type { TriggerStore } from "../trigger-store.ts";
import { TriggerEngine } from "./trigger-engine.ts";

/** A runner whose runs end when the test says so. */
class TestRunner implements TriggerRunner {
  readonly begun: RunRequest[] = [];
  readonly cancelled: string[] = [];
  readonly analyzed: string[] = [];
  readonly #ends = new Map<string, (end: TriggeredEnd) => void>();
  evaluation: Awaited<ReturnType<TriggerRunner["evaluate"]>> = { answer: "run", text: "" };

  run(request: RunRequest): Promise<TriggeredEnd> {
    this.begun.push(request);
    return new Promise((resolve) => this.#ends.set(request.run, resolve));
  }

  cancel(run: string): void {
    this.cancelled.push(run);
    this.end(run, "CANCELLED");
  }

  async evaluate() {
    return this.evaluation;
  }

  analysis = Promise.resolve<"done" | "interrupted">("done");

  analyze(_step: unknown, { run }: RunRequest): Promise<"done" | "interrupted"> {
    this.analyzed.push(run);
    return this.analysis;
  }

  end(run: string, outcome: TriggeredEnd["outcome"] = "SUCCEEDED"): void {
    this.#ends.get(run)?.({ outcome, message: null, costUsd: 0.5, tokens: 10 });
  }

  endAll(outcome: TriggeredEnd["outcome"] = "SUCCEEDED"): void {
    for (const { run } of this.begun) this.end(run, outcome);
  }
}

let engines: TriggerEngine[] = [];
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  engines = [];
});

async function openEngine(
  change: Partial<TriggerDefinition> = {},
  store: TriggerStore = createMemoryTriggerStore(),
) {
  const runner = new TestRunner();
  const engine = await TriggerEngine.open({
    definition: testDefinition({ triggers: [change] }),
    store,
    runner,
    clock: systemClock,
    random: seededRandom(1),
    ids: systemIds,
    log: silentLog,
  });
  engines.push(engine);
  return { engine, runner, store };
}

const event = (payload: object = {}, key: string | null = null) =>
  ({ source: "source", key, payload, chain: [] }) as never;

const kindsOf = async (store: TriggerStore) =>
  (await store.firings({ limit: 100 })).map(({ firing }) => firing.state.kind);

it("an accepted event starts one run, with what the event says and the chain of runs that led to it", async () => {
  const { engine, runner, store } = await openEngine();
  expect(await engine.accept(event({ who: "ada" }, "delivery-1"))).toBe("accepted");
  expect(await engine.accept(event({ who: "ada" }, "delivery-1"))).toBe("duplicate");
  await until(() => runner.begun.length === 1);
  const [begun] = runner.begun;
  expect(begun).toMatchObject({
    attempt: 1,
    executionCount: 0,
    event: { payload: { who: "ada" } },
    chain: [{ daemon: "test", trigger: "trigger", run: begun!.run }],
  });
  runner.endAll();
  await until(async () => (await kindsOf(store)).includes("ended"));
  expect(await kindsOf(store)).toEqual(["ended"]);
  expect(engine.state.triggers.get("trigger")).toMatchObject({
    runs: 1,
    lastResult: { status: "SUCCEEDED" },
  });
});

it("the next daemon continues the run that the last one left, under the same id, and routes what it had not", async () => {
  const first = await openEngine();
  await first.engine.accept(event());
  await until(() => first.runner.begun.length === 1);
  await first.engine.close();
  await first.store.accept({ events: [testEvent({ payload: { late: true } })] });
  const second = await openEngine({}, first.store);
  await until(() => second.runner.begun.length === 1);
  expect(second.runner.begun[0]!.run).toBe(first.runner.begun[0]!.run);
  second.runner.endAll();
  await until(() => second.runner.begun.length === 2);
  expect(second.runner.begun[1]!.event.payload).toEqual({ late: true });
  second.runner.endAll();
  await until(async () => (await kindsOf(first.store)).every((kind) => kind === "ended"));
});

it("an interrupted run is left to the next daemon", async () => {
  const { engine, runner, store } = await openEngine();
  await engine.accept(event());
  await until(() => runner.begun.length === 1);
  await engine.drain();
  runner.endAll("INTERRUPTED");
  await engine.whenQuiet();
  expect(await kindsOf(store)).toEqual(["running"]);
  await engine.accept(event());
  await until(async () => (await kindsOf(store)).length === 2);
  expect(runner.begun).toHaveLength(1);
});

it("a trigger that evaluates runs only if the evaluation says so, and is analyzed after a success", async () => {
  const step = { worker: "shell", agent: null, instructions: "true", capabilities: [], timeoutMs: 1_000 };
  const { engine, runner, store } = await openEngine({ evaluate: step, analyze: { ...step, outputs: [] } });
  runner.evaluation = { answer: "skip", text: "exit code 1" };
  await engine.accept(event());
  await until(async () => (await kindsOf(store)).includes("skipped"));
  runner.evaluation = { answer: "run", text: "" };
  await engine.accept(event());
  await until(() => runner.begun.length === 1);
  runner.endAll();
  await until(() => runner.analyzed.length === 1);
  expect(runner.analyzed).toEqual([runner.begun[0]!.run]);
});

it("an analysis that a crash or a shutdown cut off is done by the next daemon, once", async () => {
  const step = { worker: "shell", agent: null, instructions: "true", capabilities: [], timeoutMs: 1_000 };
  const analyze = { ...step, outputs: [] };
  const first = await openEngine({ analyze });
  first.runner.analysis = new Promise(() => {});
  await first.engine.accept(event());
  await until(() => first.runner.begun.length === 1);
  first.runner.endAll();
  await until(() => first.runner.analyzed.length === 1);
  await first.engine.close();
  const second = await openEngine({ analyze }, first.store);
  await until(() => second.runner.analyzed.length === 1);
  expect(second.runner.analyzed).toEqual(first.runner.analyzed);
  await until(async () => (await kindsOf(first.store)).includes("ended"));
  expect(second.engine.state.triggers.get("trigger")).toMatchObject({ runs: 1 });
  await second.engine.close();
  const third = await openEngine({ analyze }, first.store);
  await third.engine.whenQuiet();
  expect(third.runner.analyzed).toEqual([]);
});

it("an evaluation that a shutdown cut off is asked again by the next daemon", async () => {
  const step = { worker: "shell", agent: null, instructions: "true", capabilities: [], timeoutMs: 1_000 };
  const first = await openEngine({ evaluate: step });
  first.runner.evaluation = "interrupted";
  await first.engine.accept(event());
  await until(async () => (await kindsOf(first.store)).includes("evaluating"));
  await first.engine.whenQuiet();
  await first.engine.close();
  expect(await kindsOf(first.store)).toEqual(["evaluating"]);
  const second = await openEngine({ evaluate: step }, first.store);
  await until(() => second.runner.begun.length === 1);
});

it("a pause holds until it is lifted, with its note, and survives a restart", async () => {
  const { engine, runner, store } = await openEngine();
  expect((await engine.pause("trigger", "the disk is full")).pause).toMatchObject({
    by: "person",
    note: "the disk is full",
  });
  await engine.accept(event());
  await until(async () => (await kindsOf(store)).length === 1);
  expect(await kindsOf(store)).toEqual(["skipped"]);
  await engine.close();
  const next = await openEngine({}, store);
  expect(next.engine.state.triggers.get("trigger")?.pause?.note).toBe("the disk is full");
  expect((await next.engine.resume("trigger")).pause).toBeNull();
  await next.engine.fire("trigger");
  await until(() => next.runner.begun.length === 1);
  expect(runner.begun).toHaveLength(0);
});

it("a trigger is fired, and an event repeated, by hand; the original stays", async () => {
  const { engine, runner, store } = await openEngine();
  const fired = await engine.fire("trigger", { by: "hand" });
  await until(() => runner.begun.length === 1);
  runner.endAll();
  await engine.replay(fired.id);
  await until(() => runner.begun.length === 2);
  expect(runner.begun[1]!.event).toMatchObject({ payload: { by: "hand" }, replayOf: fired.id });
  expect(await store.events({ limit: 10 })).toHaveLength(2);
  await expect(engine.replay("nope")).rejects.toMatchObject({ code: "AC_EVENT_NOT_FOUND" });
  await expect(engine.fire("nope")).rejects.toMatchObject({ code: "AC_TRIGGER_NOT_FOUND" });
  const [open] = engine.state.open.keys();
  await engine.cancel(open!, "not now");
  await until(() => engine.state.open.size === 0);
  expect(runner.cancelled).toHaveLength(1);
  await expect(engine.cancel(open!, "again")).rejects.toMatchObject({ code: "AC_FIRING_NOT_FOUND" });
});

it("a store that fails for a while delays decisions and loses none", async () => {
  const store = createMemoryTriggerStore();
  let failures = 3;
  const failing: TriggerStore = {
    ...store,
    commit: async (change) => {
      failures -= 1;
      if (failures >= 0) throw new Error("disk full");
      return store.commit(change);
    },
  };
  const { engine, runner } = await openEngine({}, failing);
  await engine.accept(event());
  await until(() => runner.begun.length === 1);
  expect(await kindsOf(store)).toEqual(["running"]);
});

it("a source finds the state that it left", async () => {
  const { engine, store } = await openEngine();
  expect(engine.stateOf("source")).toBeUndefined();
  const answers = await engine.acceptWithState({ source: "source", state: { slot: 5 }, events: [event()] });
  expect(answers).toEqual(["accepted"]);
  expect(engine.stateOf("source")).toEqual({ slot: 5 });
  const next = await openEngine({}, store);
  expect(next.engine.stateOf("source")).toEqual({ slot: 5 });
});

it("after a reload, events are for the triggers of the new file", async () => {
  const { engine, runner } = await openEngine();
  await engine.reload(testDefinition({ triggers: [{ id: "other" }] }));
  await engine.accept(event());
  await until(() => runner.begun.length === 1);
  expect(runner.begun[0]!.trigger?.id).toBe("other");
});

it("an event that a new source brings while the file is read again is for the new triggers", async () => {
  const { engine, runner, store } = await openEngine();
  await engine.accept(event());
  await until(() => runner.begun.length === 1);
  const next = testDefinition({ triggers: [{ id: "other", on: "new" }] });
  await engine.reload(next, async () => {
    await engine.accept({ source: "new", key: null, payload: {}, chain: [] });
    // A decision is made meanwhile.
    await engine.pause("trigger", "");
  });
  await until(() => runner.begun.length === 2);
  expect(runner.begun[1]!.trigger?.id).toBe("other");
  await expect(
    engine.reload(testDefinition({}), () => Promise.reject(new Error("port in use"))),
  ).rejects.toThrow("port");
  await engine.accept({ source: "new", key: null, payload: {}, chain: [] });
  await until(async () => (await store.firings({ trigger: "other", limit: 9 })).length === 2);
  expect(engine.state.definition).toBe(next);
});

it("a run whose trigger left the file goes on after a restart, and one that was being cancelled is cancelled", async () => {
  const { engine, runner, store } = await openEngine();
  await engine.accept(event());
  await until(() => runner.begun.length === 1);
  const { run } = runner.begun[0]!;
  runner.cancel = () => {};
  await engine.cancel([...engine.state.open.keys()][0]!, "not now");
  await engine.close();
  const next = await openEngine({ id: "other" }, store);
  await until(() => next.runner.cancelled.length === 1);
  expect(next.runner.begun).toMatchObject([{ run, trigger: null }]);
  expect(next.runner.cancelled).toEqual([run]);
});
