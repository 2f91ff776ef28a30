import { expect, it } from "vitest";
import type { DaemonDefinition, TriggerDefinition } from "../definition.ts";
import { testDefinition } from "../testing/index.ts";
import { MachineRig } from "../testing/machine-rig.ts";
import { nextWakeAt } from "./next-wake.ts";
import { waitReason } from "./waiting.ts";

const rigOf = (trigger: Partial<TriggerDefinition> = {}, daemon: Partial<DaemonDefinition> = {}) =>
  new MachineRig(testDefinition({ ...daemon, triggers: [trigger] }));

const gate = { worker: "shell", agent: null, instructions: "exit 0", capabilities: [], timeoutMs: 30_000 };
const start = Date.UTC(2026, 0, 1, 12);
const link = (run: string) => ({ daemon: "daemon", trigger: "loop", run });

type Step = (rig: MachineRig) => void;
const event =
  (id: string, change = {}): Step =>
  (rig) =>
    rig.event(id, change);
const end =
  (id: string, change = {}): Step =>
  (rig) =>
    rig.end(id, change);
const failed = (id: string): Step => end(id, { outcome: "FAILED", message: "no luck" });
const pass =
  (seconds: number): Step =>
  (rig) =>
    rig.pass(seconds * 1_000);
const answer =
  (id: string, what: "run" | "skip" | "error"): Step =>
  (rig) =>
    rig.evaluated(id, what);
const pause: Step = (rig) => rig.give({ type: "pause", trigger: "trigger", note: "deploy" });
const resume: Step = (rig) => rig.give({ type: "resume", trigger: "trigger" });
const drain: Step = (rig) => rig.give({ type: "drain" });
const cancel =
  (id: string): Step =>
  (rig) =>
    rig.give({ type: "cancel", firing: rig.firing(id).id, reason: "by hand" });
const reload =
  (...triggers: Partial<TriggerDefinition>[]): Step =>
  (rig) =>
    rig.give({ type: "reload", definition: testDefinition({ triggers }) });
const asked = { onlyTrigger: "trigger" };

it.each<[string, Partial<TriggerDefinition>, Step[], string]>([
  ["an event runs", {}, [event("a")], "a running"],
  ["a run that succeeds ends the firing", {}, [event("a"), end("a")], "a SUCCEEDED"],
  ["an event of another source does nothing", {}, [event("a", { source: "other" })], ""],
  [
    "an event whose slot was missed fires nothing",
    {},
    [event("a", { skipped: { code: "missed", text: "" } })],
    "",
  ],
  [
    "a filter that matches lets it run",
    { filter: [{ path: ["a", "b"], equals: 1 }] },
    [event("a", { payload: { a: { b: 1 } } })],
    "a running",
  ],
  [
    "a filter that does not match skips it",
    { filter: [{ path: ["a", "b"], equals: 1 }] },
    [event("a", { payload: { a: {} } })],
    "a skipped filter",
  ],
  [
    "what a person fires need not match the filter",
    { filter: [{ path: ["a"], equals: 1 }] },
    [event("a", asked)],
    "a running",
  ],
  ["a disabled trigger skips it", { enabled: false }, [event("a")], "a skipped disabled"],
  [
    "a disabled trigger cannot be fired either",
    { enabled: false },
    [event("a", asked)],
    "a skipped disabled",
  ],
  ["before start_at it is skipped", { startAt: start + 1 }, [event("a")], "a skipped out_of_bounds"],
  ["at start_at it runs", { startAt: start }, [event("a")], "a running"],
  ["at end_at it is skipped", { endAt: start }, [event("a")], "a skipped out_of_bounds"],
  [
    "what waits at end_at is skipped, and what runs goes on",
    { endAt: start + 1_000 },
    [event("a"), event("b"), pass(1)],
    "a running, b skipped out_of_bounds",
  ],
  [
    "after max_runs everything is skipped, what waits too",
    { maxRuns: 1 },
    [event("a"), event("b")],
    "a running, b skipped max_runs",
  ],
  [
    "a run that is tried again is one of max_runs",
    { maxRuns: 1, onFailure: "retry" },
    [event("a"), failed("a"), pass(5)],
    "a running",
  ],
  [
    "of two evaluations with one run left, one begins",
    { maxRuns: 1, evaluate: gate, overlap: "allow_all" },
    [event("a"), event("b"), answer("a", "skip")],
    "a skipped evaluate, b evaluating",
  ],
  [
    "as many runs as max_chain_depth may lead to it",
    { maxChainDepth: 2 },
    [event("a", { chain: [link("1"), link("2")] })],
    "a running",
  ],
  [
    "one more is skipped",
    { maxChainDepth: 2 },
    [event("a", { chain: [link("1"), link("2"), link("3")] })],
    "a skipped chain_depth",
  ],
  [
    "with max_chain_depth 0 no run leads to another",
    { maxChainDepth: 0 },
    [event("a"), event("b", { chain: [link("1")] })],
    "a running, b skipped chain_depth",
  ],

  [
    "while a run goes, an event waits, and runs after it",
    {},
    [event("a"), event("b"), end("a")],
    "a SUCCEEDED, b running",
  ],
  [
    "overlap skip: it is skipped",
    { overlap: "skip" },
    [event("a"), event("b")],
    "a running, b skipped overlap",
  ],
  [
    "overlap skip: after the end the next one runs",
    { overlap: "skip" },
    [event("a"), end("a"), event("b")],
    "a SUCCEEDED, b running",
  ],
  [
    "overlap skip: a failed run that will be tried again is still going",
    { overlap: "skip", onFailure: "retry" },
    [event("a"), failed("a"), event("b")],
    "a waiting, b skipped overlap",
  ],
  [
    "overlap buffer_one: one waits, the next is skipped",
    { overlap: "buffer_one" },
    [event("a"), event("b"), event("c")],
    "a running, b waiting, c skipped overlap",
  ],
  [
    "overlap cancel_other: the run is stopped, and the event runs after its end",
    { overlap: "cancel_other" },
    [event("a"), event("b")],
    "a stopping, b waiting",
  ],
  [
    "overlap cancel_other: only the newest is left",
    { overlap: "cancel_other" },
    [event("a"), event("b"), event("c"), end("a", { outcome: "CANCELLED" })],
    "a CANCELLED, b skipped replaced, c running",
  ],
  [
    "overlap cancel_other: an evaluation gives way",
    { overlap: "cancel_other", evaluate: gate },
    [event("a"), event("b"), answer("a", "run")],
    "a skipped replaced, b evaluating",
  ],
  ["overlap allow_all: both run", { overlap: "allow_all" }, [event("a"), event("b")], "a running, b running"],
  [
    "overlap skip: what a person fires waits",
    { overlap: "skip" },
    [event("a"), event("b", asked), end("a")],
    "a SUCCEEDED, b running",
  ],
  [
    "above max_queue the oldest is dropped",
    { maxQueue: 2 },
    ["a", "b", "c", "d"].map((id) => event(id)),
    "a running, b skipped queue_full, c waiting, d waiting",
  ],
  [
    "with max_queue 0 nothing waits",
    { maxQueue: 0 },
    [event("a"), event("b")],
    "a running, b skipped queue_full",
  ],
  [
    "what a person fires is not dropped",
    { maxQueue: 1 },
    [event("a"), event("b", asked), event("c", asked), event("d"), event("e")],
    "a running, b waiting, c waiting, d skipped queue_full, e waiting",
  ],

  ["debounce: it waits for the quiet period", { debounceMs: 5_000 }, [event("a"), pass(4)], "a waiting"],
  ["debounce: after the quiet period it runs", { debounceMs: 5_000 }, [event("a"), pass(5)], "a running"],
  [
    "debounce: a later event takes its place, and the quiet period begins again",
    { debounceMs: 5_000 },
    [event("a"), pass(4), event("b"), pass(4)],
    "a skipped debounced, b waiting",
  ],
  [
    "debounce: an event after the quiet period leaves it alone",
    { debounceMs: 5_000, cooldownMs: 60_000 },
    [event("a"), pass(5), event("b"), pass(5), event("c")],
    "a running, b waiting, c waiting",
  ],
  [
    "debounce: events with other keys are left alone",
    { debounceMs: 5_000, key: "{{event.k}}" },
    [event("a", { payload: { k: 1 } }), event("b", { payload: { k: 2 } })],
    "a waiting, b waiting",
  ],
  [
    "debounce: events that are decided late count by their own times",
    { debounceMs: 5_000 },
    [
      event("a", { at: start - 60_000 }),
      event("b", { at: start - 50_000 }),
      event("c", { at: start - 49_000 }),
    ],
    "a waiting, b skipped debounced, c waiting",
  ],
  [
    "debounce: an event that is skipped takes nobody's place",
    { debounceMs: 5_000, overlap: "skip" },
    [event("x", asked), event("a"), pass(1), event("b")],
    "x running, a skipped overlap, b skipped overlap",
  ],
  ["debounce: what a person fires runs at once", { debounceMs: 5_000 }, [event("a", asked)], "a running"],
  [
    "cooldown: after an end the next one waits",
    { cooldownMs: 5_000 },
    [event("a"), end("a"), event("b"), pass(4)],
    "a SUCCEEDED, b waiting",
  ],
  [
    "cooldown: then it runs",
    { cooldownMs: 5_000 },
    [event("a"), end("a"), event("b"), pass(5)],
    "a SUCCEEDED, b running",
  ],

  [
    "coalesce: an event whose key is held joins",
    { key: "k", overlap: "allow_all" },
    [event("a"), event("b")],
    "a running, b skipped key_taken",
  ],
  [
    "reject: it is refused",
    { key: "k", dedup: "reject", overlap: "allow_all" },
    [event("a"), event("b")],
    "a running, b skipped key_taken",
  ],
  ["a key is free after the end", { key: "k" }, [event("a"), end("a"), event("b")], "a SUCCEEDED, b running"],
  [
    "another key is not held",
    { key: "{{event.k}}", overlap: "allow_all" },
    [event("a", { payload: { k: 1 } }), event("b", { payload: { k: 2 } })],
    "a running, b running",
  ],
  [
    "coalesce: a run that is being stopped holds no key",
    { key: "k" },
    [event("a"), cancel("a"), event("b")],
    "a stopping, b waiting",
  ],
  [
    "latest-wins: what waits is replaced",
    { key: "{{event.k}}", dedup: "latest-wins" },
    [event("x", { payload: { k: 0 } }), event("a", { payload: { k: 1 } }), event("b", { payload: { k: 1 } })],
    "x running, a skipped replaced, b waiting",
  ],
  [
    "latest-wins: a run is stopped, and no two runs have one key",
    { key: "k", dedup: "latest-wins", overlap: "allow_all" },
    [event("a"), event("b")],
    "a stopping, b waiting",
  ],

  ["evaluate comes before the run", { evaluate: gate }, [event("a")], "a evaluating"],
  ["evaluate run: it runs", { evaluate: gate }, [event("a"), answer("a", "run")], "a running"],
  [
    "evaluate skip: it is skipped, and the next one is asked",
    { evaluate: gate },
    [event("a"), event("b"), answer("a", "skip")],
    "a skipped evaluate, b evaluating",
  ],
  [
    "evaluate error: it is skipped",
    { evaluate: gate },
    [event("a"), answer("a", "error")],
    "a skipped evaluate",
  ],
  [
    "an answer that comes twice counts once",
    { evaluate: gate },
    [event("a"), answer("a", "run"), answer("a", "skip")],
    "a running",
  ],
  [
    "a run that is tried again is not evaluated again",
    { evaluate: gate, onFailure: "retry" },
    [event("a"), answer("a", "run"), failed("a"), pass(5)],
    "a running",
  ],
  [
    "paused while it is evaluated, it waits, and is asked again",
    { evaluate: gate },
    [event("a"), pause, answer("a", "run"), resume],
    "a evaluating",
  ],
  [
    "at end_at an evaluation is skipped",
    { evaluate: gate, endAt: start + 1_000 },
    [event("a"), pass(1), answer("a", "run")],
    "a skipped out_of_bounds",
  ],

  ["ignore: a failed run ends the firing", {}, [event("a"), failed("a")], "a FAILED"],
  [
    "retry: a failed run is tried again after a pause",
    { onFailure: "retry" },
    [event("a"), failed("a"), pass(4)],
    "a waiting",
  ],
  ["retry: then it runs", { onFailure: "retry" }, [event("a"), failed("a"), pass(5)], "a running"],
  [
    "retry: events wait behind it",
    { onFailure: "retry" },
    [event("a"), event("b"), failed("a")],
    "a waiting, b waiting",
  ],
  [
    "retry: after max_retries it has failed",
    { onFailure: "retry", maxRetries: 1 },
    [event("a"), failed("a"), pass(5), failed("a")],
    "a FAILED",
  ],
  [
    "retry: a run that was stopped is not tried again",
    { onFailure: "retry" },
    [event("a"), cancel("a"), failed("a")],
    "a FAILED",
  ],
  [
    "retry: a cancelled run is not tried again",
    { onFailure: "retry" },
    [event("a"), end("a", { outcome: "CANCELLED" })],
    "a CANCELLED",
  ],
  [
    "retry: not after end_at",
    { onFailure: "retry", endAt: start + 5_000 },
    [event("a"), failed("a")],
    "a FAILED",
  ],
  [
    "pause_trigger: after max_retries failures in a row events are skipped",
    { onFailure: "pause_trigger", maxRetries: 2 },
    [event("a"), failed("a"), event("b"), failed("b"), event("c")],
    "a FAILED, b FAILED, c skipped paused",
  ],
  [
    "pause_trigger: a success begins the count again",
    { onFailure: "pause_trigger", maxRetries: 2 },
    [event("a"), failed("a"), event("b"), end("b"), event("c"), failed("c"), event("d")],
    "a FAILED, b SUCCEEDED, c FAILED, d running",
  ],
  [
    "pause_trigger: resume begins the count again",
    { onFailure: "pause_trigger", maxRetries: 2 },
    [event("a"), failed("a"), event("b"), failed("b"), resume, event("c"), failed("c"), event("d")],
    "a FAILED, b FAILED, c FAILED, d running",
  ],

  ["a pause skips what comes", {}, [pause, event("a")], "a skipped paused"],
  [
    "a pause keeps what waits, and what runs goes on",
    {},
    [event("a"), event("b"), pause, end("a"), pass(60)],
    "a SUCCEEDED, b waiting",
  ],
  [
    "after resume what waited runs",
    {},
    [event("a"), event("b"), pause, end("a"), resume],
    "a SUCCEEDED, b running",
  ],
  [
    "drain: no run begins, and what waits stays",
    {},
    [event("a"), event("b"), drain, end("a"), pass(60)],
    "a SUCCEEDED, b waiting",
  ],
  [
    "drain: an evaluation that says run waits",
    { evaluate: gate },
    [event("a"), drain, answer("a", "run")],
    "a waiting",
  ],

  ["cancel: a run is asked to stop", {}, [event("a"), cancel("a")], "a stopping"],
  [
    "cancel: what waits is skipped",
    {},
    [event("a"), event("b"), cancel("b")],
    "a running, b skipped cancelled",
  ],
  [
    "cancel: an evaluation is skipped, and its answer is too late",
    { evaluate: gate },
    [event("a"), cancel("a"), answer("a", "run")],
    "a skipped cancelled",
  ],
  [
    "cancel: what is to be tried again is skipped",
    { onFailure: "retry" },
    [event("a"), failed("a"), cancel("a"), pass(60)],
    "a skipped cancelled",
  ],
  [
    "cancel: a run that succeeds all the same has succeeded",
    {},
    [event("a"), cancel("a"), end("a")],
    "a SUCCEEDED",
  ],

  [
    "reload: what waits at a removed trigger is skipped, and what runs goes on",
    {},
    [event("a"), event("b"), reload({ id: "other" })],
    "a running, b skipped removed",
  ],
  [
    "reload: a run of a removed trigger ends as it ends",
    { onFailure: "retry" },
    [event("a"), reload({ id: "other" }), failed("a")],
    "a FAILED",
  ],
  [
    "reload: an evaluation of a removed trigger is skipped",
    { evaluate: gate },
    [event("a"), reload({ id: "other" })],
    "a skipped removed",
  ],
  [
    "reload: what waits at a disabled trigger is skipped",
    {},
    [event("a"), event("b"), reload({ enabled: false })],
    "a running, b skipped disabled",
  ],
  [
    "reload: a shorter wait counts at once",
    { cooldownMs: 60_000 },
    [event("a"), end("a"), event("b"), reload({ cooldownMs: 1_000 }), pass(1)],
    "a SUCCEEDED, b running",
  ],
  [
    "reload: a smaller max_queue counts at once",
    {},
    [event("a"), event("b"), event("c"), reload({ maxQueue: 1 })],
    "a running, b skipped queue_full, c waiting",
  ],
  [
    "reload: a new trigger takes events",
    {},
    [reload({}, { id: "other" }), event("a")],
    "a running, a running",
  ],
])("%s", (_name, trigger, steps, expected) => {
  const rig = rigOf(trigger);
  for (const step of steps) step(rig);
  expect(rig.seen()).toBe(expected);
});

it("every trigger of the source fires, and only the named one if the event names one", () => {
  const rig = new MachineRig(
    testDefinition({ triggers: [{ id: "one" }, { id: "two" }, { id: "else", on: "other" }] }),
  );
  rig.event("a");
  rig.event("b", { onlyTrigger: "two" });
  expect([...rig.firings.values()].map((firing) => firing.event + firing.trigger)).toEqual([
    "aone",
    "atwo",
    "btwo",
  ]);
});

it("at most max_concurrent_workflows run, over all triggers, in the order of events", () => {
  const triggers = ["one", "two", "three"].map((id) => ({ id, on: id }));
  const rig = new MachineRig(testDefinition({ maxConcurrentWorkflows: 2, triggers }));
  rig.event("a", { source: "one" });
  rig.event("b", { source: "two" });
  rig.event("c", { source: "three" });
  rig.event("d", { source: "one" });
  expect(rig.seen()).toBe("a running, b running, c waiting, d waiting");
  rig.end("a");
  expect(rig.seen()).toBe("a SUCCEEDED, b running, c running, d waiting");
  rig.end("b");
  expect(rig.seen()).toBe("a SUCCEEDED, b SUCCEEDED, c running, d running");
});

it("an evaluation holds the slot of the run that may follow it", () => {
  const triggers = [
    { id: "one", on: "one", evaluate: gate },
    { id: "two", on: "two" },
  ];
  const rig = new MachineRig(testDefinition({ maxConcurrentWorkflows: 1, triggers }));
  rig.event("a", { source: "one" });
  rig.event("b", { source: "two" });
  expect(rig.seen()).toBe("a evaluating, b waiting");
  rig.evaluated("a", "run");
  expect(rig.seen()).toBe("a running, b waiting");
});

it("the id of a run is in the state, and the effect is the same firing", () => {
  const rig = rigOf();
  rig.event("a");
  const firing = rig.firing("a");
  expect(rig.last?.effects).toEqual([{ type: "run", firing }]);
  expect(firing.state).toEqual({ kind: "running", run: "id2", startedAt: rig.now, attempt: 1, cancel: null });
});

it("a run that is tried again is another run of the same firing, and waits twice as long each time", () => {
  const rig = rigOf({ onFailure: "retry", maxRetries: 10 });
  rig.event("a");
  const waits: number[] = [];
  const runs = new Set<string>();
  for (let attempt = 1; attempt <= 8; attempt += 1) {
    const { state } = rig.firing("a");
    if (state.kind === "running") runs.add(state.run);
    failed("a")(rig);
    waits.push((nextWakeAt(rig.state)! - rig.now) / 1_000);
    rig.pass(nextWakeAt(rig.state)! - rig.now);
  }
  expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300]);
  expect(runs.size).toBe(8);
  expect(rig.state.triggers.get("trigger")).toMatchObject({ runs: 1, failuresInARow: 8 });
});

it("runs that wait to be tried again are bounded: above max_queue a failed run has failed", () => {
  const rig = rigOf({ onFailure: "retry", overlap: "allow_all", maxQueue: 2 });
  for (const id of ["a", "b", "c"]) rig.event(id);
  for (const id of ["a", "b", "c"]) failed(id)(rig);
  expect(rig.seen()).toBe("a waiting, b waiting, c FAILED");
});

it("analyze follows a run that succeeded, and no other", () => {
  const rig = rigOf({ analyze: { ...gate, outputs: [] }, overlap: "allow_all" });
  for (const id of ["a", "b"]) rig.event(id);
  failed("a")(rig);
  expect(rig.last?.effects).toEqual([]);
  rig.end("b");
  expect(rig.last?.effects).toEqual([{ type: "analyze", firing: rig.firing("b") }]);
  rig.give({ type: "analyzed", firing: rig.firing("b").id });
  expect(rig.seen()).toBe("a FAILED, b SUCCEEDED");
});

it("an analysis holds nothing: the next run of its trigger begins, its key is free, and no other event replaces it", () => {
  const rig = rigOf({
    analyze: { ...gate, outputs: [] },
    overlap: "cancel_other",
    key: "{{event.key}}",
    dedup: "latest-wins",
  });
  rig.event("a", { payload: { key: "one" } });
  rig.end("a");
  rig.event("b", { payload: { key: "one" } });
  expect(rig.seen()).toBe("a analyzing, b running");
  rig.give({ type: "reload", definition: { ...rig.state.definition, triggers: new Map() } });
  expect(rig.seen()).toBe("a analyzing, b running");
  cancel("a")(rig);
  expect(rig.last?.effects).toEqual([{ type: "cancel_run", firing: rig.firing("a"), reason: "by hand" }]);
  rig.give({ type: "analyzed", firing: rig.firing("a").id });
  expect(rig.seen()).toBe("a SUCCEEDED, b running");
});

it("a stop is asked for once, with its reason", () => {
  const rig = rigOf();
  rig.event("a");
  cancel("a")(rig);
  expect(rig.last?.effects).toEqual([{ type: "cancel_run", firing: rig.firing("a"), reason: "by hand" }]);
  cancel("a")(rig);
  expect(rig.last?.effects).toEqual([]);
});

it("the last result and the numbers of runs and failures are kept", () => {
  const rig = rigOf();
  rig.event("a");
  rig.now += 1_000;
  rig.end("a", { outcome: "FAILED", costUsd: 0.5, tokens: 100 });
  expect(rig.last?.changes.triggers).toMatchObject([
    {
      id: "trigger",
      runs: 1,
      failuresInARow: 1,
      lastResult: {
        run: "id2",
        event: "a",
        status: "FAILED",
        startedAt: start,
        endedAt: rig.now,
        costUsd: 0.5,
      },
    },
  ]);
});

it("the note of a pause by failures says how many and the last message", () => {
  const rig = rigOf({ onFailure: "pause_trigger", maxRetries: 1 });
  rig.event("a");
  failed("a")(rig);
  expect(rig.state.triggers.get("trigger")?.pause).toEqual({
    at: rig.now,
    by: "failures",
    note: "runs failed in a row: 1; the last: no luck",
  });
});

it("a skip for the depth of a chain shows the chain, of a long one its end", () => {
  const rig = rigOf({ maxChainDepth: 1 });
  rig.event("a", { chain: [link("1"), link("2")] });
  rig.event("b", { chain: Array.from({ length: 200 }, (_, run) => link(String(run))) });
  const textOf = (id: string) => {
    const { state } = rig.firing(id);
    return state.kind === "skipped" ? state.reason.text : "";
  };
  expect(textOf("a")).toBe(
    "2 runs led to it, and max_chain_depth is 1: daemon/loop (run 1) → daemon/loop (run 2)",
  );
  expect(textOf("b")).toMatch(/^200 runs led to it, .*: … → daemon\/loop \(run 190\) → .* \(run 199\)$/);
});

it("jitter delays a run by a random part of it, and keeps the order of a trigger", () => {
  const rig = rigOf({ jitterMs: 10_000 });
  rig.random = 0.5;
  rig.event("a");
  rig.random = 0.1;
  rig.event("b");
  expect(nextWakeAt(rig.state)).toBe(start + 5_000);
  rig.pass(4_999);
  expect(rig.seen()).toBe("a waiting, b waiting");
  rig.pass(1);
  expect(rig.seen()).toBe("a running, b waiting");
});

it("a clock that was set back makes no wait longer than its full length", () => {
  const rig = rigOf({
    debounceMs: 5_000,
    cooldownMs: 5_000,
    budget: { costUsd: 1, tokens: null, per: "hour" },
  });
  rig.event("x", asked);
  rig.end("x", { costUsd: 2 });
  rig.event("a");
  rig.now -= 365 * 24 * 3_600_000;
  rig.give({ type: "time" });
  expect(nextWakeAt(rig.state)).toBe(rig.now + 5_000);
  rig.pass(5_000);
  expect(rig.seen()).toBe("x SUCCEEDED, a running");
});

it("inputs about firings and triggers that are not there change nothing", () => {
  const rig = rigOf();
  const none = { state: rig.state, changes: { firings: [], triggers: [] }, effects: [] };
  expect(rig.give({ type: "cancel", firing: "none", reason: "" })).toEqual(none);
  expect(rig.give({ type: "evaluated", firing: "none", evaluation: { answer: "run", text: "" } })).toEqual(
    none,
  );
  expect(rig.give({ type: "pause", trigger: "none", note: "" })).toEqual(none);
  expect(rig.give({ type: "resume", trigger: "none" })).toEqual(none);
  const end = { outcome: "FAILED", message: null, costUsd: null, tokens: null } as const;
  expect(rig.give({ type: "run_ended", firing: "none", ...end })).toEqual(none);
});

it("says why each firing waits, and until when", () => {
  const seen = (rig: MachineRig, id: string) => {
    const reason = waitReason(rig.state, rig.firing(id), rig.now);
    return reason && [reason.code, reason.until];
  };
  const overlap = rigOf({ onFailure: "retry" });
  for (const id of ["a", "b"]) overlap.event(id);
  expect([seen(overlap, "a"), seen(overlap, "b")]).toEqual([null, ["overlap", null]]);
  failed("a")(overlap);
  expect(seen(overlap, "a")).toEqual(["retry", start + 5_000]);
  pause(overlap);
  expect(seen(overlap, "a")).toEqual(["paused", null]);
  drain(overlap);
  expect(seen(overlap, "a")).toEqual(["draining", null]);
  const delayed = rigOf({ debounceMs: 5_000, cooldownMs: 60_000 });
  delayed.event("a", asked);
  delayed.event("b");
  end("a")(delayed);
  expect(seen(delayed, "b")).toEqual(["cooldown", start + 60_000]);
  const full = rigOf({ overlap: "allow_all" }, { maxConcurrentWorkflows: 1 });
  for (const id of ["a", "b"]) full.event(id);
  expect(seen(full, "b")).toEqual(["concurrency", null]);
});
