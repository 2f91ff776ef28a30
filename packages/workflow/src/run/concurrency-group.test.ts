import { silentLog, systemClock, systemIds } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Step, Workflow } from "../definition.ts";
import { readRun } from "../records/read-runs.ts";
import { dieEverywhere } from "../testing/mortal-ports.ts";
import { GroupPlace } from "./concurrency-group.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, testWorkflow } from "../testing/test-workflow.ts";

let rig: RunRig;
beforeAll(async () => {
  rig = await createRunRig();
});
afterAll(() => rig.close());
beforeEach(() => {
  for (const name of ["ledger", "go"]) rmSync(join(rig.workspace, name), { force: true });
});

const ledger = (root = rig.workspace): string[] => {
  const path = join(root, "ledger");
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
};
const go = (): void => writeFileSync(join(rig.workspace, "go"), "");
const waits = async (id: string): Promise<boolean> =>
  (await readRun(rig.journal, id))?.header["waitsForGroup"] === "deploy-x";

/** Writes its name, then waits for the file `go`. */
function inGroup(
  name: string,
  whenBusy: "wait" | "fail" | "cancel_other" = "wait",
  rest: Partial<Workflow> = {},
) {
  const final: Step = shellStep("clean", `echo ${name}-clean >> ledger`, {
    isFinal: true,
    timeoutMs: 60_000,
  });
  const work = `echo ${name} >> ledger; until test -e go; do sleep 0.02; done; echo ${name}-end >> ledger`;
  return testWorkflow([shellStep("work", work), final], {
    contextDir: `context-${name}`,
    group: { name: "deploy-${{ inputs.to }}", whenBusy },
    inputs: new Map([["to", { type: "string", default: "x", required: false, description: null }]]),
    ...rest,
  });
}

describe("the runs of a concurrency group", () => {
  it("work one at a time, in order of arrival, and waiting does not use up their time", async () => {
    const first = await rig.start(inGroup("a"));
    await until(() => ledger().length === 1);
    const second = await rig.start(inGroup("b", "wait", { timeoutMs: 2000 }));
    await until(() => waits(second.id));
    const third = await rig.start(inGroup("c"));
    await until(() => waits(third.id));
    expect(rig.events.findLast(({ type }) => type === "run_waiting")).toMatchObject({
      run: third.id,
      group: "deploy-x",
      holder: first.id,
    });
    const since = Date.now();
    await until(() => Date.now() > since + 2100);
    go();
    const results = await Promise.all([first, second, third].map((handle) => handle.result()));
    expect(results.map(({ outcome }) => outcome)).toEqual(["SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]);
    expect(ledger()).toEqual(["a", "b", "c"].flatMap((name) => [name, `${name}-end`, `${name}-clean`]));
    expect(await waits(second.id)).toBe(false);
  });

  it("are told apart by their inputs", async () => {
    const first = await rig.start(inGroup("a"));
    const other = await rig.start(inGroup("b"), { inputs: { to: "y" } });
    await until(() => ledger().length === 2);
    go();
    const results = await Promise.all([first.result(), other.result()]);
    expect(results.map(({ outcome }) => outcome)).toEqual(["SUCCEEDED", "SUCCEEDED"]);
  });

  it("do not start with `fail` while another works", async () => {
    const first = await rig.start(inGroup("a"));
    await expect(rig.start(inGroup("b", "fail"))).rejects.toMatchObject({
      code: "AC_WORKFLOW_BUSY",
      message: `run ${first.id} of the concurrency group "deploy-x" is at work`,
    });
    go();
    await first.result();
    expect((await rig.run(inGroup("b", "fail"))).outcome).toBe("SUCCEEDED");
  });

  it("are cancelled by one with `cancel_other`, at work or waiting, and it starts after their end", async () => {
    const first = await rig.start(inGroup("a"));
    await until(() => ledger().length === 1);
    const second = await rig.start(inGroup("b"));
    await until(() => waits(second.id));
    const third = await rig.start(inGroup("c", "cancel_other"));
    expect(await first.result()).toMatchObject({
      outcome: "CANCELLED",
      reason: `cancelled for run ${third.id} of the concurrency group "deploy-x"`,
    });
    expect((await second.result()).outcome).toBe("CANCELLED");
    go();
    expect((await third.result()).outcome).toBe("SUCCEEDED");
    expect(ledger()).toEqual(["a", "a-clean", "c", "c-end", "c-clean"]);
  });

  it("take the place of one whose process is gone", async () => {
    const gone = await rig.start(inGroup("a"), { owner: "gone" });
    await until(() => ledger().length === 1);
    const second = await rig.start(inGroup("b"), { owner: "here", isAlive: (owner) => owner === "here" });
    await until(() => ledger().includes("b"));
    go();
    expect((await second.result()).outcome).toBe("SUCCEEDED");
    await gone.result();
  });

  it("keep their place when somebody else tries to resume or retry them", async () => {
    const handle = await rig.start(inGroup("a"));
    await until(() => ledger().length === 1);
    for (const attempt of ["resume", "retry"] as const)
      await expect(rig[attempt](handle.id, inGroup("a"))).rejects.toMatchObject({
        code: "AC_WORKFLOW_TAKEN",
        message: `another process, or another part of this one, works on run ${handle.id}`,
      });
    await expect(rig.start(inGroup("b", "fail"))).rejects.toMatchObject({ code: "AC_WORKFLOW_BUSY" });
    go();
    expect((await handle.result()).outcome).toBe("SUCCEEDED");
  });

  it("that wait can be interrupted and resumed, or cancelled before anything of them runs", async () => {
    const first = await rig.start(inGroup("a"));
    await until(() => ledger().length === 1);
    const second = await rig.start(inGroup("b"));
    await until(() => waits(second.id));
    second.interrupt();
    expect((await second.result()).outcome).toBe("INTERRUPTED");
    const third = await rig.start(inGroup("c"));
    await until(() => waits(third.id));
    third.cancel();
    expect(await third.result()).toMatchObject({
      outcome: "CANCELLED",
      steps: [{ status: "SKIPPED" }, { status: "SKIPPED" }],
    });
    const resumed = await rig.resume(second.id, inGroup("b"));
    go();
    expect((await resumed.result()).outcome).toBe("SUCCEEDED");
    await first.result();
    expect(ledger().slice(0, 4)).toEqual(["a", "a-end", "a-clean", "b"]);
  });
});

it("a place that is left while the store takes no write is free for the next run of the process", async () => {
  let isFull = false;
  const { journal } = rig;
  const full = (): Promise<never> => Promise.reject(new Error("the disk is full"));
  const ports = {
    clock: systemClock,
    ids: systemIds,
    log: silentLog,
    journal: {
      ...journal,
      append: (...write: Parameters<typeof journal.append>) => (isFull ? full() : journal.append(...write)),
    },
  };
  const group = { name: "left", whenBusy: "wait" } as const;
  const member = (run: string) => ({ run, owner: { pid: 1 }, isAlive: () => true });
  const first = await GroupPlace.take(ports, group, member("first"));
  const second = await GroupPlace.take(ports, group, member("second"));
  expect(await second.holder()).toBe("first");
  isFull = true;
  await first.leave();
  isFull = false;
  expect(await second.holder()).toBeNull();
  const again = await GroupPlace.take(ports, group, member("first"));
  expect(await again.holder()).toBe("second");
  await second.leave();
  await again.leave();
});

it("a process that dies at any act of a run in a group leaves the group free", async () => {
  const workflow = testWorkflow([shellStep("work", "echo work >> ledger")], {
    group: { name: "g", whenBusy: "fail" },
  });
  const acts = await dieEverywhere(
    createRunRig,
    workflow,
    (death, { outcome }) => expect({ death, outcome }).toEqual({ death, outcome: "SUCCEEDED" }),
    { first: { owner: "dead" }, second: { owner: "next", isAlive: (owner) => owner === "next" } },
  );
  expect(acts).toBeGreaterThan(3);
});
