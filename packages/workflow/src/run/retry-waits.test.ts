/** What a failed attempt with `retry` waits for, and that neither a crash nor a stop makes it forget that. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { systemClock } from "@agentcore/contract";
import { patienceMs, until } from "@agentcore/contract/testing";
import type { RetryRules, Step } from "../definition.ts";
import { retryDelayMs } from "../retry-delay.ts";
import type { RunPorts } from "../run-ports.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, testWorkflow } from "../testing/test-workflow.ts";
import { listRuns } from "../records/read-runs.ts";
import { runStream } from "../records/streams.ts";

let rig: RunRig;
beforeAll(async () => {
  rig = await createRunRig();
});
afterAll(() => rig.close());
beforeEach(() => rmSync(join(rig.workspace, "tries"), { force: true }));

const rules = (rest: Partial<RetryRules> = {}): RetryRules => ({
  delayMs: 60,
  backoff: "fixed",
  on: null,
  ...rest,
});
/** Succeeds at the third attempt. */
const flaky = (rest: Partial<Step> = {}): Step =>
  shellStep("flaky", "echo x >> tries; test $(wc -l < tries) -ge 3", {
    maxRetries: 3,
    retry: rules(),
    ...rest,
  });
const tries = (): number => {
  const path = join(rig.workspace, "tries");
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
};

interface Entry {
  readonly at: number;
  readonly event?: { readonly event?: { readonly type: string; readonly retryAt?: number } };
}

/** For each announced further attempt, how long before or after its time it started, in ms. */
async function startsAfterWaits(runId: string): Promise<number[]> {
  const stored = await rig.journal.read(runStream(runId));
  const entries = (stored?.entries ?? []) as unknown as Entry[];
  let due: number | undefined;
  return entries.flatMap(({ at, event }) => {
    const type = event?.event?.type;
    const late = type === "work_started" && due !== undefined ? [at - due] : [];
    if (type === "work_started") due = undefined;
    due = event?.event?.retryAt ?? due;
    return late;
  });
}

/** How many further attempts were announced. */
async function startedWaits(runId: string): Promise<number> {
  const stored = await rig.journal.read(runStream(runId));
  const entries = (stored?.entries ?? []) as unknown as Entry[];
  return entries.filter(({ event }) => event?.event?.retryAt !== undefined).length;
}

it("a failed attempt is followed by another one after the delay, which the journal has", async () => {
  const result = await rig.run(testWorkflow([flaky()]));
  expect(result.steps[0]).toMatchObject({ status: "SUCCEEDED", attempts: 3, retryAt: null });
  const starts = await startsAfterWaits(result.run);
  expect(starts).toHaveLength(2);
  expect(Math.min(...starts)).toBeGreaterThanOrEqual(0);
  const waiting = rig.events.flatMap((event) =>
    event.type === "step_changed" && event.step.retryAt !== null ? event.step : [],
  );
  expect(waiting).toHaveLength(2);
  expect(waiting[0]).toMatchObject({ status: "READY", attempts: 1, reason: expect.any(String) as string });
});

it("a step that waits for its next attempt takes no place of `concurrency`", async () => {
  const slow = flaky({ retry: rules({ delayMs: 400 }), maxRetries: 1 });
  const meanwhile = shellStep("meanwhile", "cp tries seen");
  const result = await rig.run(testWorkflow([slow, meanwhile], { concurrency: 1 }));
  expect(result.steps.map(({ status }) => status)).toEqual(["FAILED", "SUCCEEDED"]);
  expect(readFileSync(join(rig.workspace, "seen"), "utf8")).toBe("x\n");
});

it("a failure of a class that `on` does not name is final", async () => {
  const other = await rig.run(testWorkflow([flaky({ retry: rules({ on: ["timeout"] }) })]));
  expect(other.steps[0]).toMatchObject({ status: "FAILED", attempts: 1, errorClass: "task_failed" });
  rmSync(join(rig.workspace, "tries"));
  const named = await rig.run(testWorkflow([flaky({ retry: rules({ on: ["timeout", "task_failed"] }) })]));
  expect(named.steps[0]).toMatchObject({ status: "SUCCEEDED", attempts: 3 });
});

it("a cancel ends the wait at once", async () => {
  const handle = await rig.start(testWorkflow([flaky({ retry: rules({ delayMs: 600_000 }) })]));
  await until(() => rig.events.some((event) => event.type === "step_changed" && event.step.retryAt !== null));
  handle.cancel();
  const result = await handle.result();
  expect(result).toMatchObject({ outcome: "CANCELLED", steps: [{ status: "CANCELLED", attempts: 1 }] });
});

it("an interrupted wait goes on when the run is resumed, until the same time", async () => {
  const workflow = testWorkflow([flaky({ retry: rules({ delayMs: 700 }) })]);
  const handle = await rig.start(workflow);
  await until(() => tries() === 1);
  await until(async () => JSON.stringify(await rig.journal.read(runStream(handle.id))).includes("retryAt"));
  handle.interrupt();
  const stopped = await handle.result();
  expect(stopped).toMatchObject({ outcome: "INTERRUPTED", steps: [{ status: "READY" }] });
  expect(stopped.steps[0]?.retryAt).toBeGreaterThan(stopped.endedAt);
  const result = await (await rig.resume(handle.id, workflow)).result();
  expect(result.outcome).toBe("SUCCEEDED");
  expect(Math.min(...(await startsAfterWaits(handle.id)))).toBeGreaterThanOrEqual(0);
});

/** The journal of a process that ends at its n-th record, from 1, right before or after it. */
function cut(death: number, when: "before" | "after") {
  const { promise: dying, resolve: died } = Promise.withResolvers<void>();
  let records = 0;
  const journal: RunPorts["journal"] = {
    ...rig.journal,
    append: async (stream, append) => {
      records += 1;
      if (records > death) return new Promise<never>(() => {});
      if (records < death) return rig.journal.append(stream, append);
      if (when === "after") await rig.journal.append(stream, append);
      died();
      return new Promise<never>(() => {});
    },
  };
  return { journal, dying, records: () => records };
}

it.each(["before", "after"] as const)(
  "a run that ends %s any record of its journal waits as it would have, and makes no attempt too many",
  async (when) => {
    const workflow = testWorkflow([flaky({ retry: rules({ delayMs: 40 }) })]);
    const whole = cut(Number.POSITIVE_INFINITY, "before");
    await rig.run(workflow, { journal: whole.journal });
    expect(whole.records()).toBeGreaterThan(5);
    for (let death = 2; death <= whole.records(); death++) {
      rmSync(join(rig.workspace, "tries"), { force: true });
      const { journal, dying } = cut(death, when);
      const handle = await rig.start(workflow, { journal });
      await dying;
      await rig.restart();
      const result = await (await rig.resume(handle.id, workflow)).result();
      expect({ death, outcome: result.outcome }).toEqual({ death, outcome: "SUCCEEDED" });
      expect(Math.min(0, ...(await startsAfterWaits(handle.id)))).toBe(0);
      // The attempt that was at work is made again.
      expect(tries()).toBeGreaterThanOrEqual(3);
      expect(tries()).toBeLessThanOrEqual(4);
    }
    expect((await listRuns(rig.journal)).every(({ header }) => header["outcome"] !== null)).toBe(true);
  },
  60_000,
);

it("an exponential wait doubles up to an hour, less a part that differs from job to job", () => {
  const exponential = rules({ delayMs: 1000, backoff: "exponential" });
  const waits = [1, 2, 3, 13, 99].map((failures) => retryDelayMs(exponential, failures, "job-1"));
  const shares = waits.map((ms, index) => ms / [1000, 2000, 4000, 3_600_000, 3_600_000][index]!);
  for (const share of shares) expect(share).toBeCloseTo(shares[0] ?? 0, 2);
  expect(shares[0]).toBeGreaterThanOrEqual(0.75);
  expect(shares[0]).toBeLessThanOrEqual(1);
  expect(retryDelayMs(exponential, 1, "job-2")).not.toBe(waits[0]);
  expect(retryDelayMs(rules({ delayMs: 5000 }), 9, "job-1")).toBe(5000);
});

it("a run that is resumed with the clock set back waits for no longer than the delay", async () => {
  const workflow = testWorkflow([flaky({ retry: rules({ delayMs: 700 }) })]);
  const handle = await rig.start(workflow);
  await until(() => tries() === 1);
  await until(async () => (await startedWaits(handle.id)) === 1);
  handle.interrupt();
  expect((await handle.result()).outcome).toBe("INTERRUPTED");
  const behind = { ...systemClock, now: () => systemClock.now() - 3_600_000 };
  const began = performance.now();
  const resumed = await rig.resume(handle.id, workflow, { clock: behind });
  expect((await resumed.result()).outcome).toBe("SUCCEEDED");
  // The first wait is an old one; the second begins by the new clock, and is a whole one.
  const tookMs = performance.now() - began;
  expect(tookMs).toBeGreaterThan(700);
  expect(tookMs).toBeLessThan(patienceMs(5000));
});
