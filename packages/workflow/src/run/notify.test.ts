import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import type { NotifyRule, Step } from "../definition.ts";
import { dieEverywhere } from "../testing/mortal-ports.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, shellWork, subWorkflow, testStep, testWorkflow } from "../testing/test-workflow.ts";

let rig: RunRig;
beforeAll(async () => {
  rig = await createRunRig();
});
afterAll(() => rig.close());
beforeEach(() => rmSync(join(rig.workspace, "told"), { force: true }));

const told = (root = rig.workspace): string[] => {
  const path = join(root, "told");
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
};
const rule = (rest: Partial<NotifyRule>): NotifyRule => ({
  on: ["succeeded", "failed", "cancelled", "budget", "approval"],
  command: null,
  webhook: null,
  secrets: [],
  ...rest,
});
const tells = rule({
  command: 'test -s "$AGENTCORE_EVENT_FILE"; echo "$AGENTCORE_EVENT $AGENTCORE_RUN_STATE" >> told',
});
const workflowOf = (steps: readonly Step[], notify: readonly NotifyRule[], rest = {}) =>
  testWorkflow(steps, { notify, ...rest });
const warnings = () => rig.events.filter(({ type }) => type === "notification_failed");

describe("a notification", () => {
  it.each([
    ["succeeded SUCCEEDED", "SUCCEEDED", "true", 60_000],
    ["failed FAILED", "FAILED", "exit 3", 60_000],
    ["failed TIMED_OUT", "TIMED_OUT", "sleep 60", 100],
  ])("says %s at the end of a run that is %s", async (line, outcome, script, timeoutMs) => {
    const workflow = workflowOf([shellStep("step", script)], [tells], { timeoutMs });
    expect((await rig.run(workflow)).outcome).toBe(outcome);
    expect(told()).toEqual([line]);
  });

  it("of a cancel, a used up budget and an approval is for that event only", async () => {
    const cancelled = await rig.start(
      workflowOf([shellStep("step", "sleep 60")], [{ ...tells, on: ["cancelled"] }]),
    );
    cancelled.cancel();
    await cancelled.result();
    const spends = testStep("step", {
      kind: "worker",
      work: shellWork("echo spent=1", { worker: "agent" }),
    });
    await rig.run(
      workflowOf([spends], [{ ...tells, on: ["budget"] }], { budget: { costUsd: 1, tokens: null } }),
    );
    const ask = testStep("ok", { kind: "approval", message: "Ship it?", who: [], timeoutMs: 300 });
    await rig.run(workflowOf([ask], [{ ...tells, on: ["approval"] }]));
    expect(told()).toEqual(["cancelled CANCELLED", "budget FAILED", "approval WAITING"]);
  });

  it("has one document with the run, its steps and what is asked", async () => {
    const ask = testStep("ok", { kind: "approval", message: "Ship it?", who: ["ann"], timeoutMs: 300 });
    const copy = rule({ on: ["approval"], command: 'cat "$AGENTCORE_EVENT_FILE" > told' });
    const { run } = await rig.run(workflowOf([ask], [copy]));
    expect(JSON.parse(told().join("\n"))).toMatchObject({
      v: 1,
      event: "approval",
      run,
      name: "test",
      state: "WAITING",
      approval: { step: "ok", message: "Ship it?", who: ["ann"] },
      steps: [{ id: "ok", status: "WAITING" }],
    });
  });

  it("has secrets that must be set and are masked, even if no step has them", async () => {
    const ask = testStep("ok", { kind: "approval", message: "Ship it?", who: [], timeoutMs: 1 });
    const hook = rule({ on: ["failed"], webhook: "https://h/${{ secrets.HOOK }}", secrets: ["HOOK"] });
    const workflow = workflowOf([ask], [hook]);
    await expect(rig.start(workflow)).rejects.toMatchObject({
      code: "AC_WORKFLOW_SECRET",
      message: "the secret HOOK of a notification is not set in the environment",
    });
    const before = rig.events.length;
    await rig.run(workflow, {
      secretValue: () => "hunter2",
      post: (url) => Promise.reject(new Error(`no host at ${url}`)),
      clock: { ...systemClock, setTimer: (_delayMs, fire) => systemClock.setTimer(0, fire) },
    });
    const told = rig.events.slice(before).find(({ type }) => type === "notification_failed");
    expect(told).toMatchObject({ problem: "its webhook could not be reached: no host at https://h/***" });
  });

  it("is posted to a webhook with its secrets and inputs, in three tries", async () => {
    const seen: [url: string, event: unknown][] = [];
    const post = async (url: string, body: string): Promise<number> => {
      seen.push([url, (JSON.parse(body) as { event: unknown }).event]);
      return seen.length < 3 ? 503 : 200;
    };
    const webhook = "https://host/${{ inputs.to }}/${{ secrets.TOKEN }}";
    const inputs = new Map([
      ["to", { type: "string", default: "x", required: false, description: null }],
    ] as const);
    const { outcome } = await rig.run(
      workflowOf([shellStep("step", "true")], [rule({ webhook, secrets: ["TOKEN"] })], { inputs }),
      { post, secretValue: (name) => (name === "TOKEN" ? "hush-hush" : undefined) },
    );
    expect(outcome).toBe("SUCCEEDED");
    expect(seen).toEqual(Array.from({ length: 3 }, () => ["https://host/x/hush-hush", "succeeded"]));
  });

  it("that fails is a warning in the run and its record, and no outcome", async () => {
    const before = warnings().length;
    const { outcome } = await rig.run(
      workflowOf(
        [shellStep("step", "true")],
        [rule({ command: "exit 7" }), rule({ webhook: "https://host" })],
      ),
      { post: async () => 500 },
    );
    expect(outcome).toBe("SUCCEEDED");
    const problems = [expect.stringMatching(/^its command failed/), "its webhook answered 500"];
    expect(
      warnings()
        .slice(before)
        .map((event) => "problem" in event && event.problem),
    ).toEqual(expect.arrayContaining(problems));
    const record: unknown = JSON.parse(readFileSync(join(rig.workspace, "context/_workflow.json"), "utf8"));
    expect(record).toMatchObject({
      state: "SUCCEEDED",
      notifications: problems.map((problem) => ({ problem })),
    });
  });

  it("of an ended run is sent again after a retry", async () => {
    const workflow = workflowOf([shellStep("step", "exit 3")], [tells]);
    const { run } = await rig.run(workflow);
    await (await rig.retry(run, workflow)).result();
    expect(told()).toEqual(["failed FAILED", "failed FAILED"]);
  });

  it("is not sent for an interrupt, but when the resumed run ends", async () => {
    const script = "touch begun; until test -e resumed; do sleep 0.02; done";
    const workflow = workflowOf([shellStep("step", script)], [tells]);
    const handle = await rig.start(workflow);
    await until(() => existsSync(join(rig.workspace, "begun")));
    handle.interrupt();
    await handle.result();
    expect(told()).toEqual([]);
    await rig.restart();
    const resumed = await rig.resume(handle.id, workflow);
    resumed.cancel();
    await resumed.result();
    expect(told()).toEqual(["cancelled CANCELLED"]);
  });
});

describe("an approval in a sub-workflow", () => {
  const ask = (timeoutMs: number) =>
    testStep("ok", { kind: "approval", message: "Ship it?", who: ["ann"], timeoutMs });
  /** Two levels, with rules of the innermost file that have no effect. */
  const nested = (timeoutMs: number, notify: readonly NotifyRule[]) => {
    const inner = workflowOf([ask(timeoutMs)], [rule({ command: "echo inner >> told" })], { hash: "inner" });
    const middle = testWorkflow([testStep("deep", subWorkflow(inner))], { hash: "middle" });
    return workflowOf([testStep("sub", subWorkflow(middle), { onFailure: "continue" })], notify);
  };

  it("is reported once, in the name of the outermost run and by its rules", async () => {
    const copy = rule({
      on: ["approval"],
      command: 'echo one >> told; cat "$AGENTCORE_EVENT_FILE" > told.json',
    });
    const ends = rule({ on: ["succeeded"], command: "echo end >> told" });
    const { run, outcome } = await rig.run(nested(300, [ends, copy]));
    expect(outcome).toBe("SUCCEEDED");
    expect(told()).toEqual(["one", "end"]);
    expect(JSON.parse(readFileSync(join(rig.workspace, "told.json"), "utf8"))).toMatchObject({
      event: "approval",
      run,
      name: "test",
      state: "WAITING",
      approval: { step: "sub/deep/ok", message: "Ship it?", who: ["ann"] },
      steps: [{ id: "sub", status: "RUNNING" }],
    });
  });

  it("whose notification fails is a warning of the outermost run, with its secrets masked", async () => {
    const before = warnings().length;
    const hook = rule({ on: ["approval"], webhook: "https://h/${{ secrets.HOOK }}", secrets: ["HOOK"] });
    const { run } = await rig.run(nested(300, [hook]), {
      secretValue: () => "hunter2",
      post: (url) => Promise.reject(new Error(`no host at ${url}`)),
      clock: {
        ...systemClock,
        // The pauses between the tries.
        setTimer: (delayMs, fire) => systemClock.setTimer([1000, 2000].includes(delayMs) ? 0 : delayMs, fire),
      },
    });
    const problem = "its webhook could not be reached: no host at https://h/***";
    expect(warnings().slice(before)).toMatchObject([{ run, event: "approval", problem }]);
  });

  it("is reported once though the process dies at any act", async () => {
    const command = 'echo "$AGENTCORE_EVENT" >> told';
    const acts = await dieEverywhere(
      createRunRig,
      nested(20, [rule({ on: ["approval"], command })]),
      (death, { outcome }, { workspace }) => {
        const inner = join(workspace, "context/sub/_run-1/deep/_run-1/_workflow.json");
        const { notifications } = JSON.parse(readFileSync(inner, "utf8")) as {
          notifications: { problem: string | null }[];
        };
        const isTold = notifications[0]?.problem === null;
        expect({ death, outcome, count: notifications.length, told: told(workspace).length }).toEqual({
          death,
          outcome: "SUCCEEDED",
          count: 1,
          told: isTold ? 1 : expect.toBeOneOf([0, 1]),
        });
      },
    );
    expect(acts).toBeGreaterThan(6);
  });
});

it("a process that dies at any act of a run with notifications sends nothing twice, and says what it cannot know", async () => {
  const posts = new Map<string, number>();
  const workflow = workflowOf(
    [shellStep("step", "true")],
    [tells, rule({ on: ["succeeded"], webhook: "https://host" })],
  );
  const post = async (_url: string, body: string): Promise<number> => {
    const { run } = JSON.parse(body) as { run: string };
    posts.set(run, (posts.get(run) ?? 0) + 1);
    return 200;
  };
  const acts = await dieEverywhere(
    createRunRig,
    workflow,
    (death, { outcome, run }, { workspace }) => {
      const record = readFileSync(join(workspace, "context/_workflow.json"), "utf8");
      const { notifications } = JSON.parse(record) as { notifications: { problem: string | null }[] };
      const [isTold, isPosted] = notifications.map(({ problem }) => problem === null);
      const counts = { told: told(workspace).length, posts: posts.get(run) ?? 0 };
      expect({ death, outcome, count: notifications.length, ...counts }).toEqual({
        death,
        outcome: "SUCCEEDED",
        count: 2,
        told: isTold === true ? 1 : expect.toBeOneOf([0, 1]),
        posts: isPosted === true ? 1 : expect.toBeOneOf([0, 1]),
      });
    },
    { first: { post }, second: { post } },
  );
  expect(acts).toBeGreaterThan(4);
});
