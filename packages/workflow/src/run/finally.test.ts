import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, beforeAll, describe, expect, it } from "vitest";
import { until } from "@agentcore/contract/testing";
import type { Step, Workflow } from "../definition.ts";
import { dieEverywhere } from "../testing/mortal-ports.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, shellWork, subWorkflow, testStep, testWorkflow } from "../testing/test-workflow.ts";

let rig: RunRig;
beforeAll(async () => {
  rig = await createRunRig();
});
afterAll(() => rig.close());
beforeEach(() => rmSync(join(rig.workspace, "ledger"), { force: true }));

const final = (id: string, script: string, rest: Partial<Step> = {}): Step =>
  shellStep(id, `echo ${id} >> ledger; ${script}`, { timeoutMs: 60_000, ...rest, isFinal: true });
const ledger = (root = rig.workspace): string[] => {
  const path = join(root, "ledger");
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
};
const statusOf = (steps: readonly { id: string; status: string }[]) =>
  Object.fromEntries(steps.map(({ id, status }) => [id, status]));
const sleeps = "touch sleeps.begun; sleep 60";
const begun = async (name: string): Promise<void> => {
  await until(() => existsSync(join(rig.workspace, `${name}.begun`)));
  rmSync(join(rig.workspace, `${name}.begun`));
};

/** One step, and a final one for each status function. */
const around = (script: string, rest: Partial<Workflow> = {}): Workflow =>
  testWorkflow(
    [
      shellStep("step", script),
      final("plain", "true"),
      ...["success", "failure", "cancelled", "always"].map((name) =>
        final(name, "true", { condition: `${name}()` }),
      ),
    ],
    rest,
  );

describe("finally", () => {
  it.each([
    ["SUCCEEDED", "true", ["plain", "success", "always"]],
    ["FAILED", "exit 3", ["plain", "failure", "always"]],
    ["TIMED_OUT", "sleep 60", ["plain", "cancelled", "always"]],
    ["CANCELLED", sleeps, ["plain", "cancelled", "always"]],
  ])("runs after a run that is %s; its status functions mean the whole run", async (outcome, script, ran) => {
    const timeoutMs = outcome === "TIMED_OUT" ? 100 : 60_000;
    const handle = await rig.start(around(script, { timeoutMs }));
    if (outcome === "CANCELLED") await begun("sleeps").then(() => handle.cancel());
    const result = await handle.result();
    expect({ outcome: result.outcome, ran: ledger().toSorted() }).toEqual({ outcome, ran: ran.toSorted() });
  });

  it("begins when every other step has ended, and its steps wait for each other", async () => {
    const { outcome } = await rig.run(
      testWorkflow([
        final("second", "true", { dependsOn: ["first"] }),
        shellStep("slow", "sleep 0.2; echo slow >> ledger"),
        final("first", "true"),
      ]),
    );
    expect({ outcome, ran: ledger() }).toEqual({ outcome: "SUCCEEDED", ran: ["slow", "first", "second"] });
  });

  it("that fails makes a run FAILED that would have SUCCEEDED, and the rest of it still runs", async () => {
    const { outcome, reason, steps } = await rig.run(
      testWorkflow([
        shellStep("step", "true"),
        final("fails", "exit 3"),
        final("behind", "true", { dependsOn: ["fails"] }),
        final("told", "sleep 0.2", { dependsOn: ["fails"], condition: "failure()" }),
        final("beside", "sleep 0.2"),
      ]),
    );
    expect({ outcome, reason, ...statusOf(steps) }).toMatchObject({
      outcome: "FAILED",
      reason: expect.stringMatching(/^step "fails" failed/),
      behind: "SKIPPED",
      told: "SUCCEEDED",
      beside: "SUCCEEDED",
    });
  });

  it("has the time of each of its steps, and the run's limit does not cut it", async () => {
    const { outcome } = await rig.run(
      testWorkflow([shellStep("step", "true"), final("long", "sleep 0.6", { timeoutMs: 240_000 })], {
        timeoutMs: 300,
      }),
    );
    const { jobs } = await rig.store.list({ labels: { "workflow.step": "long" } });
    expect({ outcome, limits: jobs.map(({ job }) => job.limits.timeoutMs) }).toEqual({
      outcome: "SUCCEEDED",
      limits: [240_000],
    });
  });

  it("does not run after an interrupt, but when the resumed run ends; an interrupt of it is resumed too", async () => {
    const workflow = testWorkflow([
      shellStep("works", "touch works.begun; until test -e go; do sleep 0.02; done"),
      final("cleans", "touch cleans.begun; until test -e go2; do sleep 0.02; done"),
    ]);
    const first = await rig.start(workflow);
    await begun("works");
    first.interrupt();
    expect((await first.result()).outcome).toBe("INTERRUPTED");
    expect(ledger()).toEqual([]);
    writeFileSync(join(rig.workspace, "go"), "");
    await rig.restart();
    const second = await rig.resume(first.id, workflow);
    await begun("cleans");
    second.interrupt();
    expect((await second.result()).outcome).toBe("INTERRUPTED");
    writeFileSync(join(rig.workspace, "go2"), "");
    await rig.restart();
    const { outcome } = await (await rig.resume(first.id, workflow)).result();
    expect({ outcome, ran: ledger() }).toEqual({ outcome: "SUCCEEDED", ran: ["cleans", "cleans"] });
  });

  it("of a run that failed is interrupted and resumed, and the run is still FAILED", async () => {
    const workflow = testWorkflow([
      shellStep("fails", "exit 3"),
      final("tidies", "touch tidies.begun; until test -e go3; do sleep 0.02; done"),
    ]);
    const first = await rig.start(workflow);
    await begun("tidies");
    first.interrupt();
    expect((await first.result()).outcome).toBe("INTERRUPTED");
    writeFileSync(join(rig.workspace, "go3"), "");
    await rig.restart();
    const { outcome, steps } = await (await rig.resume(first.id, workflow)).result();
    expect({ outcome, ...statusOf(steps) }).toEqual({
      outcome: "FAILED",
      fails: "FAILED",
      tidies: "SUCCEEDED",
    });
  });

  it.each(["while the steps stop", "while it runs"])("is ended by a second cancel %s", async (when) => {
    const stubborn = "trap 'sleep 0.3; exit 1' TERM; touch works.begun; while :; do sleep 0.05; done";
    const workflow = testWorkflow([
      shellStep("works", stubborn),
      final("hangs", "touch hangs.begun; sleep 60"),
      final("after", "true", { dependsOn: ["hangs"] }),
    ]);
    const handle = await rig.start(workflow);
    await begun("works");
    handle.cancel();
    if (when === "while it runs") await begun("hangs");
    handle.cancel({ force: true });
    const { outcome, steps } = await handle.result();
    expect({ outcome, ran: ledger(), after: statusOf(steps)["after"] }).toEqual({
      outcome: "CANCELLED",
      ran: when === "while it runs" ? ["hangs"] : [],
      after: "SKIPPED",
    });
  });

  it("is ended by the first cancel that comes while it runs, and the run is CANCELLED", async () => {
    const handle = await rig.start(
      testWorkflow([shellStep("step", "true"), final("hangs", "touch hangs.begun; sleep 60")]),
    );
    await begun("hangs");
    handle.cancel();
    expect((await handle.result()).outcome).toBe("CANCELLED");
  });

  it("runs again after a retry of other steps; alone it is retried alone", async () => {
    const workflow = testWorkflow([
      shellStep("step", "echo step >> ledger; test -e mended"),
      final("clean", "test -e cleanable || test ! -e mended"),
    ]);
    const first = await rig.run(workflow);
    writeFileSync(join(rig.workspace, "mended"), "");
    const second = await (await rig.retry(first.run, workflow)).result();
    writeFileSync(join(rig.workspace, "cleanable"), "");
    const third = await (await rig.retry(first.run, workflow)).result();
    expect([first.outcome, second.outcome, third.outcome]).toEqual(["FAILED", "FAILED", "SUCCEEDED"]);
    expect(ledger()).toEqual(["step", "clean", "step", "clean", "clean"]);
  });

  it("of a sub-workflow runs when that ends, even by the cancel of the whole run", async () => {
    const inner = testWorkflow([shellStep("inner", sleeps), final("innermost", "true")], { hash: "inner" });
    const workflow = testWorkflow([testStep("sub", subWorkflow(inner)), final("outer", "true")]);
    const handle = await rig.start(workflow);
    await begun("sleeps");
    handle.cancel();
    expect((await handle.result()).outcome).toBe("CANCELLED");
    expect(ledger()).toEqual(["innermost", "outer"]);
  });

  it("spends no more than the run's budget: a step that cannot be paid is left out", async () => {
    const agent = (id: string, rest: Partial<Step>): Step =>
      testStep(id, { kind: "worker", work: shellWork("echo spent=1", { worker: "agent" }) }, rest);
    const { outcome, steps, spent } = await rig.run(
      testWorkflow(
        [
          agent("spends", { onFailure: "continue" }),
          agent("reports", { isFinal: true, timeoutMs: 60_000 }),
          final("cleans", "true"),
        ],
        { budget: { costUsd: 1, tokens: null } },
      ),
    );
    expect({ outcome, costUsd: spent.costUsd, ...statusOf(steps) }).toEqual({
      outcome: "FAILED",
      costUsd: 1,
      spends: "FAILED",
      reports: "SKIPPED",
      cleans: "SUCCEEDED",
    });
  });
});

it("a process that dies at any act of a run with finally is resumed to the same end, and nothing that ended runs again", async () => {
  const workflow = testWorkflow([
    shellStep("step", "echo step >> ledger; exit 3"),
    final("one", "true"),
    final("two", "true", { dependsOn: ["one"], condition: "failure()" }),
  ]);
  const acts = await dieEverywhere(createRunRig, workflow, (death, { outcome }, { workspace }) => {
    const ran = ledger(workspace);
    expect({ death, outcome, ran: [...new Set(ran)], again: Math.max(0, ran.length - 4) }).toEqual({
      death,
      outcome: "FAILED",
      ran: ["step", "one", "two"],
      again: 0,
    });
  });
  expect(acts).toBeGreaterThan(4);
});
