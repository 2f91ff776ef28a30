/**
 * The engine's work for a step must not grow with the number of steps. Looks into maps and the lengths of lists gone through
 * are counted, while jobs do nothing: no clock decides.
 */
import { createMemoryJournal } from "@agentcore/scheduler";
import { expect, it } from "vitest";
import { createRunRig } from "../testing/run-rig.ts";
import { instantScheduler } from "../testing/instant-scheduler.ts";
import { shellStep, testStep, testWorkflow, shellWork } from "../testing/test-workflow.ts";
import type { Step, Workflow } from "../definition.ts";
import type { RunResult } from "../run-ports.ts";

const few = 40;
const many = 160;

type Counted = (this: { readonly length?: number }, ...args: unknown[]) => unknown;
const counted: readonly [Record<string, Counted>, readonly string[]][] = [
  [Map.prototype as never, ["get", "set", "has"]],
  [Array.prototype as never, ["filter", "find", "flatMap", "includes", "map", "reduce", "some", "every"]],
];

/** Operations while `work` runs: 1 for a lookup in a map, its length for an iterated list. */
async function operationsOf(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const undo: (() => void)[] = [];
  for (const [prototype, names] of counted)
    for (const name of names) {
      const original = prototype[name]!;
      undo.push(() => void (prototype[name] = original));
      prototype[name] = function (...args) {
        count += this.length ?? 1;
        return original.apply(this, args);
      };
    }
  try {
    await work();
  } finally {
    for (const one of undo) one();
  }
  return count;
}

const fanOut = (steps: number, rest: Partial<Step> = {}): Step[] =>
  Array.from({ length: steps }, (_, index) => shellStep(`s${index}`, "true", rest));
const chain = (steps: number): Step[] =>
  Array.from({ length: steps }, (_, index) =>
    shellStep(`s${index}`, "true", {
      dependsOn: index === 0 ? [] : [`s${index - 1}`],
      condition: index === 0 ? null : `steps.s${index - 1}.status == 'SUCCEEDED'`,
    }),
  );
const agents = (steps: number): Step[] =>
  Array.from({ length: steps }, (_, index) =>
    testStep(`s${index}`, { kind: "worker", work: shellWork("true", { worker: "agent" }) }),
  );

/** One step with a list, and one step that waits for it. */
const listed = (steps: number): Workflow => {
  const list = JSON.stringify(Array.from({ length: steps - 3 }, (_, n) => n));
  const values = [{ name: "v", key: "v", optional: false }];
  const first = shellStep("list", `v=${list}`, { values });
  const matrixLists = new Map([["n", "${{ steps.list.outputs.v }}"]]);
  const each = shellStep("each", "true", { dependsOn: ["list"], matrixLists });
  return testWorkflow([first, each, shellStep("after", "true", { dependsOn: ["each"] })], { concurrency: 4 });
};

const shapes: readonly [string, (steps: number) => Workflow, "run" | "resume" | "cancel"][] = [
  ["a run that is fanned out", (n) => testWorkflow(fanOut(n), { concurrency: 4 }), "run"],
  ["a run without a limit", (n) => testWorkflow(fanOut(n)), "run"],
  ["a chain with conditions", (n) => testWorkflow(chain(n)), "run"],
  [
    "a run with a budget",
    (n) => testWorkflow(agents(n), { concurrency: 4, budget: { costUsd: 100, tokens: null } }),
    "run",
  ],
  ["a matrix from a list", listed, "run"],
  ["a resume of a run that is nearly done", (n) => testWorkflow(fanOut(n), { concurrency: 4 }), "resume"],
  ["a cancel while steps wait", (n) => testWorkflow(fanOut(n), { concurrency: 4 }), "cancel"],
  ["a cancel while all steps are at work", (n) => testWorkflow(fanOut(n)), "cancel"],
];

it.each(shapes)("%s costs as much for each of 160 steps as for each of 40", async (_name, make, what) => {
  const perStep = async (steps: number): Promise<number> => (await costOf(make(steps), what)) / steps;
  const [small, large] = [await perStep(few), await perStep(many)];
  expect({ what, small, large, isLinear: large <= small * 1.3 }).toMatchObject({ isLinear: true });
});

async function costOf(workflow: Workflow, what: "run" | "resume" | "cancel"): Promise<number> {
  const rig = await createRunRig();
  try {
    const journal = createMemoryJournal();
    let result: RunResult | undefined;
    const steps = workflow.steps.length;
    const start = (endingMax: number, onEvent?: () => void) => {
      const scheduler = instantScheduler(endingMax);
      return rig.start(workflow, { journal, scheduler, ...(onEvent === undefined ? {} : { onEvent }) });
    };
    if (what === "run") {
      const cost = await operationsOf(async () => (result = await (await start(Infinity)).result()));
      expect(result?.outcome).toBe("SUCCEEDED");
      return cost;
    }
    if (what === "cancel") {
      const begun = Promise.withResolvers<void>();
      let changes = 0;
      const handle = await start(0, () => {
        if (++changes > Math.min(workflow.concurrency ?? Infinity, steps)) begun.resolve();
      });
      await begun.promise;
      handle.cancel();
      const cost = await operationsOf(async () => (result = await handle.result()));
      expect(result?.outcome).toBe("CANCELLED");
      return cost;
    }
    let ends = 0;
    const first = await start(Infinity, () => {
      // Each step changes when it starts and when it ends.
      if (++ends === 2 * steps - 10) first.interrupt();
    });
    expect((await first.result()).outcome).toBe("INTERRUPTED");
    const resume = () => rig.resume(first.id, workflow, { journal, scheduler: instantScheduler() });
    const cost = await operationsOf(async () => (result = await (await resume()).result()));
    expect(result?.outcome).toBe("SUCCEEDED");
    return cost;
  } finally {
    await rig.close();
  }
}
