import { testSeed } from "@agentcore/contract/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plan, type Action } from "./plan.ts";
import type { PlanStep } from "./plan-step.ts";
import { RunState, type PlanEvent } from "./run-state.ts";
import { progressOf, statusOf, type WorkOutcome } from "./step-state.ts";

const seed = testSeed("random graphs");

function step(id: string, dependsOn: readonly string[] = [], rest: Partial<PlanStep> = {}): PlanStep {
  return { id, dependsOn, maxRetries: 0, onFailure: "abort", loop: null, spends: false, ...rest };
}

function after(steps: readonly PlanStep[], events: readonly PlanEvent[]): RunState {
  const state = new RunState(steps);
  for (const event of events) state.apply(event);
  return state;
}

const started = (id: string): PlanEvent => ({
  type: "step",
  step: id,
  event: { type: "work_started", jobId: `job-${id}` },
});
const ended = (id: string, outcome: WorkOutcome = "succeeded"): PlanEvent => ({
  type: "step",
  step: id,
  event: { type: "work_ended", outcome, reason: "why", violations: [] },
});
const brief = (actions: readonly Action[]) =>
  actions.map((action) =>
    "step" in action ? `${action.type} ${action.step}` : `${action.type} ${action.outcome}`,
  );

describe("the plan", () => {
  const diamond = [step("a"), step("b", ["a"]), step("c", ["a"]), step("d", ["b", "c"])];

  it.each<[string, readonly PlanEvent[], readonly string[]]>([
    ["starts what depends on nothing", [], ["start_work a"]],
    ["waits for what runs", [started("a")], []],
    ["starts what has become free", [started("a"), ended("a")], ["start_work b", "start_work c"]],
    ["waits for all dependencies", [started("a"), ended("a"), started("b"), started("c"), ended("b")], []],
    [
      "ends the run when all have ended",
      [
        started("a"),
        ended("a"),
        started("b"),
        started("c"),
        ended("b"),
        ended("c"),
        started("d"),
        ended("d"),
      ],
      ["end_run SUCCEEDED"],
    ],
    [
      "skips the rest when a step fails",
      [started("a"), ended("a"), started("b"), started("c"), ended("b", "failed")],
      ["skip d"],
    ],
    [
      "ends as failed once nothing runs any more",
      [
        started("a"),
        ended("a", "failed"),
        ...["b", "c", "d"].map((id): PlanEvent => ({
          type: "step",
          step: id,
          event: { type: "skipped", reason: "", passes: false },
        })),
      ],
      ["end_run FAILED"],
    ],
    [
      "stops at the time limit",
      [started("a"), { type: "stop_requested", reason: { outcome: "TIMED_OUT", message: "too late" } }],
      ["skip b", "skip c", "skip d"],
    ],
    ["does nothing after the end", [{ type: "run_ended", outcome: "CANCELLED" }], []],
  ])("%s", (_name, events, expected) => {
    expect(brief(plan({ state: after(diamond, events), now: 0, concurrency: null }))).toEqual(expected);
  });

  it("keeps to its concurrency, in the order of the file", () => {
    const steps = [step("a"), step("b"), step("c")];
    expect(brief(plan({ state: after(steps, []), now: 0, concurrency: 2 }))).toEqual([
      "start_work a",
      "start_work b",
    ]);
    expect(
      brief(plan({ state: after(steps, [started("a"), started("b"), ended("a")]), now: 0, concurrency: 2 })),
    ).toEqual(["start_work c"]);
  });

  it("skips a step whose condition is false without stopping its dependants", () => {
    const steps = [
      step("a"),
      step("b", ["a"], { condition: (view) => view.status("a") !== "SUCCEEDED" }),
      step("c", ["b"]),
    ];
    const state = after(steps, [started("a"), ended("a")]);
    expect(plan({ state, now: 0, concurrency: null })).toEqual([
      { type: "skip", step: "b", reason: "condition not met", passes: true },
    ]);
    const skipped = after(steps, [
      started("a"),
      ended("a"),
      { type: "step", step: "b", event: { type: "skipped", reason: "", passes: true } },
    ]);
    expect(brief(plan({ state: skipped, now: 0, concurrency: null }))).toEqual(["start_work c"]);
  });

  it("lets dependants of a step that may fail run", () => {
    const steps = [step("a", [], { onFailure: "continue" }), step("b", ["a"])];
    expect(
      brief(plan({ state: after(steps, [started("a"), ended("a", "failed")]), now: 0, concurrency: null })),
    ).toEqual(["start_work b"]);
  });

  it("keeps the first reason to stop", () => {
    const state = after(
      [step("a")],
      [
        { type: "stop_requested", reason: { outcome: "CANCELLED", message: "first" } },
        { type: "stop_requested", reason: { outcome: "TIMED_OUT", message: "second" } },
      ],
    );
    expect(state.stop?.message).toBe("first");
  });
});

// --- 500 random graphs --------------------------------------------------------------------------------------------------

interface RandomStep {
  readonly dependencies: readonly number[];
  readonly maxRetries: number;
  readonly onFailure: PlanStep["onFailure"];
  /** Outcome of each attempt, the last one repeated. */
  readonly outcomes: readonly WorkOutcome[];
}

const graph = fc
  .array(
    fc.record({
      dependencies: fc.array(fc.nat(1000), { maxLength: 4 }),
      maxRetries: fc.nat(2),
      onFailure: fc.constantFrom<PlanStep["onFailure"]>("abort", "retry", "continue", "continue"),
      outcomes: fc.array(fc.constantFrom<WorkOutcome>("succeeded", "succeeded", "succeeded", "failed"), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map((nodes): RandomStep[] =>
    nodes.map((node, index) => ({
      ...node,
      dependencies: index === 0 ? [] : [...new Set(node.dependencies.map((n) => n % index))],
    })),
  );

/** The expected end of each step by the rules, without the planner. The list is in topological order. */
function model(nodes: readonly RandomStep[]): { aborts: boolean; statuses: string[] } {
  const statuses: string[] = [];
  let aborts = false;
  for (const [index, node] of nodes.entries()) {
    const blocked = node.dependencies.some(
      (n) => statuses[n] === "SKIPPED" || (statuses[n] === "FAILED" && nodes[n]?.onFailure !== "continue"),
    );
    const tries = Array.from(
      { length: node.maxRetries + 1 },
      (_, n) => node.outcomes[Math.min(n, node.outcomes.length - 1)],
    );
    const status = blocked ? "SKIPPED" : tries.includes("succeeded") ? "SUCCEEDED" : "FAILED";
    statuses[index] = status;
    if (status === "FAILED" && node.onFailure !== "continue") aborts = true;
  }
  return { aborts, statuses };
}

describe("500 random graphs", () => {
  it("run in order, within their concurrency, to exactly one end for each step, as the model says", () => {
    fc.assert(
      fc.property(
        graph,
        fc.integer({ min: 1, max: 5 }),
        fc.infiniteStream(fc.nat(1_000_000)),
        (nodes, concurrency, chance) => {
          const steps = nodes.map((node, index) =>
            step(String(index), node.dependencies.map(String), {
              maxRetries: node.maxRetries,
              onFailure: node.onFailure,
            }),
          );
          const final = drive(steps, nodes, concurrency, () => chance.next().value as number);
          const expected = model(nodes);
          const statuses = steps.map(({ id }) => statusOf(final.steps.get(id)!));
          expect(final.outcome).toBe(expected.aborts ? "FAILED" : "SUCCEEDED");
          for (const [index, status] of statuses.entries()) {
            // A stopped run omits part of what it would have done, and does nothing else instead.
            const leftOut = expected.aborts ? ["CANCELLED", "SKIPPED"] : [];
            expect([expected.statuses[index], ...leftOut]).toContain(status);
          }
          const aborting = nodes.filter(
            ({ onFailure }, index) => statuses[index] === "FAILED" && onFailure !== "continue",
          );
          expect(aborting.length > 0).toBe(expected.aborts);
        },
      ),
      { numRuns: 500, seed },
    );
  });
});

/** Performs the actions as a runner would, ending running jobs in random order; checks order and concurrency on the way. */
function drive(
  steps: readonly PlanStep[],
  nodes: readonly RandomStep[],
  concurrency: number,
  random: () => number,
): RunState {
  const running = new Map<string, WorkOutcome>();
  const ends = new Map<string, number>();
  const state = new RunState(steps);
  const apply = (event: PlanEvent) => {
    const wasEnded = event.type === "step" && state.steps.get(event.step)?.kind === "ended";
    state.apply(event);
    if (state.stop !== null) for (const id of running.keys()) running.set(id, "cancelled");
    if (event.type !== "step") return;
    if (!wasEnded && state.steps.get(event.step)?.kind === "ended")
      ends.set(event.step, (ends.get(event.step) ?? 0) + 1);
  };
  for (let turn = 0; state.outcome === null; turn++) {
    expect(turn).toBeLessThan(1000);
    const actions = plan({ state, now: 0, concurrency });
    expect(actions.length + running.size).toBeGreaterThan(0);
    for (const action of actions) perform(action);
    expect(running.size).toBeLessThanOrEqual(concurrency);
    const [id, outcome] = [...running][random() % Math.max(1, running.size)] ?? [];
    if (id === undefined || outcome === undefined) continue;
    running.delete(id);
    apply(ended(id, outcome));
  }
  expect(running.size).toBe(0);
  expect([...ends.values()].every((count) => count === 1)).toBe(true);
  expect(ends.size).toBe(steps.length);
  return state;

  function perform(action: Action): void {
    switch (action.type) {
      case "ask":
      case "expand":
        throw new TypeError("these graphs have neither approvals nor lists");
      case "start_work": {
        const node = nodes[Number(action.step)]!;
        expect(state.stop).toBeNull();
        for (const dependency of node.dependencies)
          expect(state.steps.get(String(dependency))?.kind).toBe("ended");
        apply(started(action.step));
        const { attempt } = progressOf(state.steps.get(action.step)!);
        running.set(action.step, node.outcomes[Math.min(attempt, node.outcomes.length) - 1]!);
        return;
      }
      case "skip":
        expect(running.has(action.step)).toBe(false);
        apply({
          type: "step",
          step: action.step,
          event: { type: "skipped", reason: action.reason, passes: action.passes },
        });
        return;
      case "cancel_step":
        apply({ type: "step", step: action.step, event: { type: "cancelled", reason: action.reason } });
        return;
      case "end_run":
        apply({ type: "run_ended", outcome: action.outcome });
        return;
      case "start_check":
        throw new Error("no step of these graphs has a check");
    }
  }
}
