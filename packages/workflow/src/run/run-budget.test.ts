import type { Journal } from "@agentcore/scheduler";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "@agentcore/contract/testing";
import type { Budget, Loop, Step, Workflow } from "../definition.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellWork, subWorkflow, testLoop, testStep, testWorkflow } from "../testing/test-workflow.ts";
import type { RunResult } from "../run-ports.ts";
import { foldEntry, newRecord, type RecordDraft, type RunRecord } from "../records/run-record.ts";
import type { RunCreated, RunEntry } from "../records/entry-types.ts";
import { stepInstances } from "../plan/step-instance.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
});
afterEach(() => rig.close());

/** From the first step at its ceiling to the end of the last one: the scripts here are killed at once. */
const stopMsMax = 5000;

const usd = (costUsd: number): Budget => ({ costUsd, tokens: null });
const agentWork = (script: string) => shellWork(script, { worker: "agent" });
const agent = (id: string, script: string, rest: Partial<Step> = {}): Step =>
  testStep(id, { kind: "worker", work: agentWork(script) }, rest);
const twenty = (script: string, rest: Partial<Step> = {}): Step[] =>
  Array.from({ length: 20 }, (_unused, index) => agent(`s${index}`, script, rest));
const loop = (script: string): Loop =>
  testLoop(agentWork(script), { decisionFile: "decision", maxIterations: 5 });
/** Reports that it began and waits until all have; only one of them continues to its ceiling. */
const meet = (report: string, ceiling: string): string =>
  `echo ${report}; touch "begun-$AGENTCORE_STEP_ID"; test $AGENTCORE_STEP_ID = s7 || sleep 60
   until test $(ls | grep -c ^begun-) = 20; do sleep 0.02; done; echo ${ceiling}; sleep 60`;
const statuses = ({ steps }: RunResult): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { status } of steps) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

interface Moment extends Pick<RunRecord, "created" | "spent" | "reserved"> {
  readonly steps: RunRecord["state"]["steps"];
}

/** The record after each entry of the journal. */
async function moments(journal: Journal, run: string, workflow: Workflow): Promise<readonly Moment[]> {
  const streams = await journal.list({ prefix: "workflow" });
  const stream = streams.find((one) => one.stream.endsWith(run))?.stream ?? "";
  const { entries = [] } = (await journal.read(stream)) ?? {};
  const [created, ...rest] = entries as unknown as readonly [RunCreated, ...RunEntry[]];
  const record = newRecord(
    stepInstances(workflow, created.inputs).map(({ plan }) => plan),
    created,
  );
  return [momentOf(record), ...rest.map((entry) => momentOf(record, entry))];
}

function momentOf(record: RecordDraft, entry?: RunEntry): Moment {
  if (entry !== undefined) foldEntry(record, entry);
  const { created, spent, reserved, state } = record;
  return { created, spent, reserved: new Map(reserved), steps: new Map(state.steps) };
}

/** The most that was spent and reserved together at any time. */
function mostClaimed(records: readonly Moment[], field: keyof Budget): number {
  const sums = records.map(({ spent, reserved }) =>
    [...reserved.values()].reduce((sum, one) => sum + (one[field] ?? 0), spent[field]),
  );
  return Math.max(...sums);
}

function jobIdOf(records: readonly Moment[], step: string): string {
  const states = records.map(({ steps }) => steps.get(step));
  return states.find((state) => state?.kind === "working")?.jobId ?? "";
}

async function expectWithin(result: RunResult, workflow: Workflow, field: keyof Budget): Promise<void> {
  const records = await moments(rig.journal, result.run, workflow);
  expect(mostClaimed(records, field)).toBeLessThanOrEqual((workflow.budget?.[field] ?? 0) + 1e-9);
}

/** Whether an event has reported the end of the step. */
function spentBy({ events }: RunRig, step: string): boolean {
  return events.some(
    (event) => event.type === "step_changed" && event.step.id === step && event.step.endedAt !== null,
  );
}

describe("the budget of a run", () => {
  it.each<[string, keyof Budget, Budget, string, string]>([
    ["dollars", "costUsd", usd(2), meet("spent=0.02", "spent=0.1"), "AC_COST_CEILING"],
    ["tokens", "tokens", { costUsd: null, tokens: 2000 }, meet("used=20", "used=100"), "AC_TOKEN_CEILING"],
  ])("in %s ends 20 steps side by side together", async (_name, field, budget, script, code) => {
    const workflow = testWorkflow(twenty(script), { budget });
    const result = await rig.run(workflow);
    expect(statuses(result)).toEqual({ FAILED: 1, CANCELLED: 19 });
    expect(result).toMatchObject({ outcome: "FAILED", code });
    const part = `that was its part of the run's ${budget.costUsd === null ? "2000 tokens" : "$2"}`;
    expect(result.reason).toBe(`step "s7" failed: at its ceiling (${code}); ${part}`);
    expect(result.steps[7]).toMatchObject({ errorClass: "budget_exhausted", code });
    expect(result.spent[field]).toBeCloseTo(field === "costUsd" ? 0.1 + 19 * 0.02 : 100 + 19 * 20);
    await expectWithin(result, workflow, field);
    const ends = result.steps.map(({ endedAt }) => endedAt ?? Infinity);
    expect(Math.max(...ends) - Math.min(...ends)).toBeLessThanOrEqual(stopMsMax);
  });

  it("is divided in equal parts among steps that name no budget", async () => {
    const workflow = testWorkflow(twenty("echo cost=0.05"), { budget: usd(1) });
    const result = await rig.run(workflow);
    expect(result.outcome).toBe("SUCCEEDED");
    expect(result.spent.costUsd).toBeCloseTo(1);
    await expectWithin(result, workflow, "costUsd");
    const { jobs } = await rig.store.list({});
    expect(jobs.map(({ job }) => job.limits.maxCostUsd)).toEqual(Array.from({ length: 20 }, () => 0.05));
  });

  it("admits as many steps with a budget of their own as it covers, and the rest as those give back", async () => {
    const workflow = testWorkflow(twenty("echo cost=0.1", { budget: usd(0.25) }), { budget: usd(1) });
    const result = await rig.run(workflow);
    expect(statuses(result)).toEqual({ SUCCEEDED: 10, SKIPPED: 10 });
    expect(result).toMatchObject({ outcome: "FAILED", code: "AC_COST_CEILING" });
    expect(result.reason).toBe("the budget of the run is used up: $1.0000 of $1 spent");
    const records = await moments(rig.journal, result.run, workflow);
    expect(Math.max(...records.map(({ reserved }) => reserved.size))).toBe(4);
    await expectWithin(result, workflow, "costUsd");
  });

  it("bounds the budget of a step", async () => {
    const step = agent("a", "echo spent=0.5; echo spent=1; sleep 60", { budget: usd(9) });
    const result = await rig.run(testWorkflow([step], { budget: usd(1) }));
    expect(result).toMatchObject({ code: "AC_COST_CEILING", spent: { costUsd: 1 } });
  });

  it("that is used up stops the run", async () => {
    const chain = [agent("a", "echo cost=1"), agent("b", "echo cost=1", { dependsOn: ["a"] })];
    const result = await rig.run(testWorkflow(chain, { budget: usd(1) }));
    expect(statuses(result)).toEqual({ SUCCEEDED: 1, SKIPPED: 1 });
    expect(result).toMatchObject({ outcome: "FAILED", code: "AC_COST_CEILING" });
  });

  it("bounds retries too", async () => {
    const script = "for part in 0.1 0.2 0.3 0.4; do echo spent=$part; done; exit 1";
    const workflow = testWorkflow([agent("a", script, { maxRetries: 9, onFailure: "retry" })], {
      budget: usd(1),
    });
    const result = await rig.run(workflow);
    expect(result).toMatchObject({ outcome: "FAILED", code: "AC_COST_CEILING" });
    expect(result.steps[0]).toMatchObject({ status: "CANCELLED", attempts: 3 });
    expect(result.spent.costUsd).toBeCloseTo(1);
    await expectWithin(result, workflow, "costUsd");
  });

  it("bounds completion checks too", async () => {
    // The second check waits for its end, which the budget must cause.
    const check =
      "for part in 0.1 0.2 0.3; do echo spent=$part; done; mkdir checked || sleep 60; echo FAIL > decision";
    const workflow = testWorkflow([agent("a", "echo cost=0.3", { loop: loop(check) })], { budget: usd(1) });
    const result = await rig.run(workflow);
    expect(result).toMatchObject({ outcome: "FAILED", code: "AC_COST_CEILING" });
    expect(result.steps[0]).toMatchObject({ status: "CANCELLED", iterations: 2 });
    expect(result.spent.costUsd).toBeCloseTo(1);
    await expectWithin(result, workflow, "costUsd");
  });

  it("holds across a restart: what was spent and set aside before counts", async () => {
    const gone = "touch waits; until test -e go; do sleep 0.02; done; echo cost=0.3";
    const workflow = testWorkflow(
      [agent("a", "echo cost=0.4"), agent("b", gone), agent("c", "echo cost=0.3", { dependsOn: ["a", "b"] })],
      { budget: usd(1) },
    );
    const handle = await rig.start(workflow);
    await until(() => existsSync(join(rig.workspace, "waits")) && spentBy(rig, "a"));
    await rig.restart();
    await expect(handle.result()).rejects.toMatchObject({ code: "AC_DRAINING" });
    writeFileSync(join(rig.workspace, "go"), "");
    const result = await (await rig.resume(handle.id, workflow)).result();
    expect(result).toMatchObject({ outcome: "SUCCEEDED" });
    expect(result.spent.costUsd).toBeCloseTo(1);
    await expectWithin(result, workflow, "costUsd");
    const { jobs } = await rig.store.list({});
    const last = jobs.find(({ job }) => job.context.labels["workflow.step"] === "c");
    expect(last?.job.limits.maxCostUsd).toBeCloseTo(0.3);
  });

  it("bounds sub-workflows, whatever budget they name", async () => {
    const child = testWorkflow(
      [
        agent("x", "touch begun-$$; sleep 60"),
        agent("y", "touch begun-$$; until test -e go; do sleep 0.02; done; echo spent=0.25; sleep 60"),
      ],
      { name: "child", file: "/test/child.yaml", hash: "child", budget: usd(9) },
    );
    const sub = (id: string): Step => testStep(id, subWorkflow(child));
    const workflow = testWorkflow(
      [
        sub("one"),
        sub("two"),
        agent("let", "until test $(ls | grep -c ^begun-) = 4; do sleep 0.02; done; touch go; sleep 60"),
      ],
      { budget: usd(1.5) },
    );
    const result = await rig.run(workflow);
    expect(result).toMatchObject({ outcome: "FAILED", code: "AC_COST_CEILING" });
    expect(result.steps.find(({ status }) => status === "FAILED")).toMatchObject({
      errorClass: "budget_exhausted",
    });
    await expectWithin(result, workflow, "costUsd");
    const records = await moments(rig.journal, result.run, workflow);
    const childIds = result.steps.slice(0, 2).map(({ id }) => jobIdOf(records, id));
    for (const id of childIds) {
      const inner = await moments(rig.journal, id, child);
      expect(inner[0]?.created.budget).toEqual(usd(0.5));
      expect(mostClaimed(inner, "costUsd")).toBeLessThanOrEqual(0.5);
    }
  });
});

describe("the budget of a step", () => {
  it("bounds all its attempts together", async () => {
    const step = agent("a", "echo cost=0.4; exit 1", {
      maxRetries: 5,
      onFailure: "retry",
      budget: usd(0.8),
    });
    const result = await rig.run(testWorkflow([step]));
    expect(result.steps[0]).toMatchObject({ status: "FAILED", errorClass: "budget_exhausted", costUsd: 0.8 });
    expect(result).toMatchObject({ code: "AC_COST_CEILING" });
  });

  it("that leaves nothing for its completion check fails it", async () => {
    const step = agent("a", "echo cost=0.3", { loop: loop("touch checked"), budget: usd(0.3) });
    const result = await rig.run(testWorkflow([step]));
    expect(result.reason).toContain("its completion check cannot run: nothing is left of its budget");
    expect(result).toMatchObject({ outcome: "FAILED", code: "AC_COST_CEILING" });
    expect(existsSync(join(rig.workspace, "checked"))).toBe(false);
  });
});
