import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import type { Step, StepAction } from "../definition.ts";
import { openRuns, readRun, storedSteps } from "../records/read-runs.ts";
import { waitingApprovals, type WaitingApproval } from "../records/waiting-approvals.ts";
import { dieEverywhere } from "../testing/mortal-ports.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, subWorkflow, testStep, testWorkflow } from "../testing/test-workflow.ts";
import { requestAnswer, requestCancel } from "./requests.ts";

let rig: RunRig;
beforeAll(async () => {
  rig = await createRunRig();
});
afterAll(() => rig.close());

type Ask = Extract<StepAction, { kind: "approval" }>;
const approval = (id: string, rest: Partial<Step> = {}, ask: Partial<Ask> = {}): Step =>
  testStep(id, { kind: "approval", message: "Ship it?", who: [], timeoutMs: null, ...ask }, rest);
const statusOf = (steps: readonly { id: string; status: string }[]) =>
  Object.fromEntries(steps.map(({ id, status }) => [id, status]));
const there = (name: string): Promise<void> => until(() => existsSync(join(rig.workspace, name)));

async function waitsOf(runId: string, { journal } = rig): Promise<readonly WaitingApproval[]> {
  const stored = await readRun(journal, runId);
  return stored === undefined ? [] : waitingApprovals(journal, stored);
}

/** Waits until as many approvals are asked for, and returns them. */
async function asked(runId: string, count = 1, of = rig): Promise<readonly WaitingApproval[]> {
  await until(async () => (await waitsOf(runId, of)).length >= count);
  return waitsOf(runId, of);
}

const answer = (
  runId: string,
  wait: WaitingApproval | undefined,
  { decision = "approved", by = "ann", message = "", at = Date.now() }: Partial<Answer> = {},
): Promise<void> =>
  requestAnswer(rig.journal, runId, { waitId: wait?.waitId ?? "", decision, by, message, at });
type Answer = Parameters<typeof requestAnswer>[2];

describe("an approval", () => {
  it("waits without a slot until somebody approves it, and the record says who and when", async () => {
    const workflow = testWorkflow(
      [
        approval("ok", {}, { message: "Ship ${{ matrix.env }}?", who: ["ann"] }),
        shellStep("beside", "touch beside.done"),
        shellStep("ship", "true", { dependsOn: ["ok"] }),
      ].map((step) => (step.id === "ok" ? { ...step, matrix: new Map([["env", ["prod"]]]) } : step)),
      { concurrency: 1 },
    );
    const handle = await rig.start(workflow);
    await there("beside.done");
    const [wait] = await asked(handle.id);
    await until(async () => (await openRuns(rig.journal))[0]?.header["stepsEnded"] === 1);
    expect(await openRuns(rig.journal)).toMatchObject([
      { id: handle.id, asking: 1, header: { steps: 3, stepsFailed: 0, stepsActive: 0 } },
    ]);
    expect(wait).toMatchObject({
      step: "ok[env=prod]",
      message: "Ship prod?",
      who: ["ann"],
      expiresAt: null,
    });
    const stored = await readRun(rig.journal, handle.id);
    expect(statusOf(storedSteps(stored!, workflow))["ok[env=prod]"]).toBe("WAITING");
    await answer(handle.id, wait, { by: "bob" });
    await answer(handle.id, wait, { message: "go", at: 123 });
    await answer(handle.id, wait, { decision: "rejected" });
    const { outcome, steps } = await handle.result();
    expect(outcome).toBe("SUCCEEDED");
    expect(steps[0]).toMatchObject({
      status: "SUCCEEDED",
      reason: "approved by ann: go",
      jobId: null,
      attempts: 0,
      approval: { answer: { decision: "approved", by: "ann", message: "go", at: 123 } },
    });
  });

  it.each([
    ["abort", "FAILED", "SKIPPED"],
    ["continue", "SUCCEEDED", "SUCCEEDED"],
  ] as const)(
    "that is rejected fails, with `on_failure: %s` the run ends %s",
    async (onFailure, outcome, next) => {
      const handle = await rig.start(
        testWorkflow([approval("ok", { onFailure }), shellStep("next", "true", { dependsOn: ["ok"] })]),
      );
      const [wait] = await asked(handle.id);
      await answer(handle.id, wait, { decision: "rejected", message: "not today" });
      const result = await handle.result();
      expect({ outcome: result.outcome, ...statusOf(result.steps) }).toEqual({ outcome, ok: "FAILED", next });
      expect(result.steps[0]?.reason).toBe("rejected by ann: not today");
    },
  );

  it("fails when its time has passed", async () => {
    const { outcome, steps } = await rig.run(testWorkflow([approval("ok", {}, { timeoutMs: 100 })]));
    expect(outcome).toBe("FAILED");
    expect(steps[0]).toMatchObject({
      status: "FAILED",
      reason: "nobody answered within 100ms",
      approval: { answer: { decision: "timed_out", by: null } },
    });
  });

  it("keeps waiting over an interrupt, and an answer that came meanwhile counts when the run is resumed", async () => {
    const workflow = testWorkflow([approval("ok"), shellStep("next", "true", { dependsOn: ["ok"] })]);
    const handle = await rig.start(workflow);
    const [wait] = await asked(handle.id);
    handle.interrupt();
    const stopped = await handle.result();
    expect({ outcome: stopped.outcome, ...statusOf(stopped.steps) }).toEqual({
      outcome: "INTERRUPTED",
      ok: "WAITING",
      next: "PENDING",
    });
    await answer(handle.id, wait);
    expect((await waitsOf(handle.id)).length).toBe(1);
    const { outcome } = await (await rig.resume(handle.id, workflow)).result();
    expect(outcome).toBe("SUCCEEDED");
  });

  it.each([
    ["in time", -1, "SUCCEEDED"],
    ["too late", 1, "FAILED"],
  ])("whose time passed while nobody worked on the run counts an answer %s", async (_when, ms, outcome) => {
    const workflow = testWorkflow([approval("ok", {}, { timeoutMs: 400 })]);
    const handle = await rig.start(workflow);
    const [wait] = await asked(handle.id);
    handle.interrupt();
    await handle.result();
    const expiresAt = wait?.expiresAt ?? 0;
    await answer(handle.id, wait, { at: expiresAt + ms });
    await until(() => Date.now() > expiresAt);
    const resumed = await rig.resume(handle.id, workflow);
    expect((await resumed.result()).outcome).toBe(outcome);
  });

  it("fails after no more than its time if the run is resumed with the clock set back", async () => {
    const workflow = testWorkflow([approval("ok", {}, { timeoutMs: 300 })]);
    const handle = await rig.start(workflow);
    await asked(handle.id);
    handle.interrupt();
    await handle.result();
    const clock = { ...systemClock, now: () => systemClock.now() - 3_600_000 };
    const resumed = await rig.resume(handle.id, workflow, { clock });
    expect(await resumed.result()).toMatchObject({
      outcome: "FAILED",
      steps: [{ reason: "nobody answered within 300ms" }],
    });
  });

  it("ends with the run: after a failure elsewhere, and after a cancel", async () => {
    const workflow = testWorkflow([
      approval("ok"),
      shellStep("fails", "until test -e fail; do sleep 0.02; done; exit 3"),
    ]);
    const first = await rig.start(workflow);
    await asked(first.id);
    writeFileSync(join(rig.workspace, "fail"), "");
    expect(await first.result()).toMatchObject({
      outcome: "FAILED",
      steps: [{ id: "ok", status: "CANCELLED" }, { status: "FAILED" }],
    });
    const second = await rig.start(testWorkflow([approval("ok")]));
    await asked(second.id);
    await requestCancel(rig.journal, second.id, { at: Date.now(), message: "enough" });
    expect(await second.result()).toMatchObject({ outcome: "CANCELLED", steps: [{ status: "CANCELLED" }] });
  });

  it("does not use up the time limit of the run while nothing else works", async () => {
    const workflow = testWorkflow([approval("ok"), shellStep("next", "sleep 60", { dependsOn: ["ok"] })], {
      timeoutMs: 300,
    });
    const handle = await rig.start(workflow);
    const [wait] = await asked(handle.id);
    await until(() => Date.now() > (wait?.askedAt ?? 0) + 600);
    expect((await waitsOf(handle.id)).length).toBe(1);
    const before = Date.now();
    await answer(handle.id, wait);
    const { outcome, steps } = await handle.result();
    expect({ outcome, ...statusOf(steps) }).toEqual({
      outcome: "TIMED_OUT",
      ok: "SUCCEEDED",
      next: "CANCELLED",
    });
    expect(Date.now() - before).toBeGreaterThan(200);
  });

  it("in a sub-workflow is answered by the path of its step", async () => {
    const inner = testWorkflow([approval("ok")], { hash: "inner" });
    const workflow = testWorkflow([testStep("sub", subWorkflow(inner))]);
    const handle = await rig.start(workflow);
    const [wait] = await asked(handle.id);
    expect(wait?.step).toBe("sub/ok");
    handle.interrupt();
    expect((await handle.result()).outcome).toBe("INTERRUPTED");
    await rig.restart();
    const resumed = await rig.resume(handle.id, workflow);
    expect(await asked(handle.id)).toEqual([wait]);
    await answer(handle.id, wait);
    expect((await resumed.result()).outcome).toBe("SUCCEEDED");
    const shown = rig.events.filter((event) => event.type === "step_changed" && event.step.id === "sub/ok");
    expect(shown.length).toBeGreaterThan(1);
  });

  it("is asked for again after a retry; the former answer does not count", async () => {
    const workflow = testWorkflow([approval("ok")]);
    const handle = await rig.start(workflow);
    const [first] = await asked(handle.id);
    await answer(handle.id, first, { decision: "rejected" });
    await handle.result();
    const again = await rig.retry(handle.id, workflow);
    const [second] = await asked(handle.id);
    expect(second?.waitId).not.toBe(first?.waitId);
    await answer(handle.id, second);
    expect((await again.result()).outcome).toBe("SUCCEEDED");
  });

  it("costs a look at the journal twice a second while it waits, and writes nothing", async () => {
    let reads = 0;
    let appends = 0;
    const { journal } = rig;
    const counting = {
      ...journal,
      read: (stream: string) => ((reads += 1), journal.read(stream)),
      append: (...args: Parameters<typeof journal.append>) => ((appends += 1), journal.append(...args)),
    };
    const handle = await rig.start(testWorkflow([approval("ok")]), { journal: counting });
    const [wait] = await asked(handle.id);
    [reads, appends] = [0, 0];
    await until(() => Date.now() > (wait?.askedAt ?? 0) + 1600);
    expect({ isSeldom: reads <= 4, appends }).toEqual({ isSeldom: true, appends: 0 });
    await answer(handle.id, wait);
    await handle.result();
  });
});

it("a process that dies at any act of a run with an approval is resumed to the same end, and asks once", async () => {
  const workflow = testWorkflow([
    shellStep("first", "true"),
    approval("ok", { dependsOn: ["first"] }),
    shellStep("last", "echo last >> ledger", { dependsOn: ["ok"] }),
  ]);
  const rigWithPerson = async (): Promise<RunRig> => {
    const made = await createRunRig();
    const answered = new Set<string>();
    const closing = new AbortController();
    const person = async (): Promise<void> => {
      while (!closing.signal.aborted) {
        const [run] = await made.journal.list({ prefix: "workflow:" });
        const id = run?.stream.slice("workflow:".length) ?? "";
        for (const { waitId } of run === undefined ? [] : await waitsOf(id, made)) {
          if (answered.has(waitId)) continue;
          answered.add(waitId);
          const given = { waitId, decision: "approved", by: "ann", message: "", at: Date.now() } as const;
          await requestAnswer(made.journal, id, given);
        }
        await new Promise((resolve) => {
          setTimeout(resolve, 5);
        });
      }
    };
    const done = person();
    return {
      ...made,
      get scheduler() {
        return made.scheduler;
      },
      async close() {
        closing.abort();
        await done;
        await made.close();
        expect(answered.size).toBe(1);
      },
    };
  };
  const acts = await dieEverywhere(rigWithPerson, workflow, (death, { outcome, steps }) => {
    expect({ death, outcome, by: steps[1]?.approval?.answer?.by }).toEqual({
      death,
      outcome: "SUCCEEDED",
      by: "ann",
    });
  });
  expect(acts).toBeGreaterThan(4);
});
