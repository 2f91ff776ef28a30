import { testSeed } from "@agentcore/contract/testing";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { testJob } from "@agentcore/scheduler/testing";
import { createRankPolicy, newRecord } from "@agentcore/scheduler";
import { checkWorld, EndsWatch } from "./checks.ts";
import { planOf, planOfMachines } from "./plan.ts";
import { simulate } from "./simulate.ts";
import { Submitter } from "./submitter.ts";
import type { TruthLine } from "./truth.ts";
import { World } from "./world.ts";

const from = testSeed("simulation");
const batchSize = 25;
const batches = Array.from({ length: 8 }, (_, index) => from + index * batchSize);
const kept = readdirSync(fileURLToPath(new URL("../seeds/", import.meta.url)))
  .filter((name) => name.endsWith(".json"))
  .map((name) => Number(name.replace(".json", "")));

describe("scheduler and core under a virtual clock, with faults", () => {
  it.each(batches)("do nothing wrong in 25 runs from seed %d", async (first) => {
    const failed: string[] = [];
    for (let seed = first; seed < first + batchSize; seed += 1) {
      const { faults } = await simulate(seed);
      failed.push(...faults.map((fault) => `${fault} (npm run simulate -- --seed ${seed})`));
    }
    expect(failed).toEqual([]);
  });

  it.each(batches.slice(0, 4))(
    "do nothing wrong on machines that share a store, from seed %d",
    async (first) => {
      const failed: string[] = [];
      for (let seed = first; seed < first + batchSize; seed += 1) {
        const { faults } = await simulate(seed, undefined, { plan: planOfMachines(seed) });
        failed.push(...faults.map((fault) => `${fault} (npm run simulate -- --seed ${seed} --machines)`));
      }
      expect(failed).toEqual([]);
    },
  );

  it("run attempts beside each other on machines that do not stop without a lease", async () => {
    const plan = planOfMachines(47);
    const { faults } = await simulate(47, undefined, { plan, isFenced: false });
    expect(faults.filter((fault) => fault.startsWith("job "))).toEqual([
      expect.stringMatching(/attempt 2 of .* began at .* while attempt 1 of/),
      expect.stringMatching(/attempt 4 of .* began at .* while attempt 3 of/),
    ]);
    expect((await simulate(47, undefined, { plan })).faults).toEqual([]);
  });

  it.each(kept)("do right what they once did wrong in seed %d", async (seed) => {
    expect((await simulate(seed)).faults).toEqual([]);
  });

  it("do the same again from the same seed, to the byte", async () => {
    for (const seed of [3, 7, 20]) {
      const [first, second] = [await simulate(seed), await simulate(seed)];
      expect(second).toEqual(first);
      expect(first.attempts).toBeGreaterThan(0);
    }
  });

  it("do different things from different seeds", async () => {
    expect((await simulate(5)).digest).not.toBe((await simulate(6)).digest);
  });
});

describe("the checks", () => {
  const rank = createRankPolicy();

  /** A world in which one job ended well after the given lines; then it is judged. */
  async function judge(lines: readonly Partial<TruthLine>[], limits: object = {}): Promise<string[]> {
    const world = new World(planOf(1));
    const job = testJob({ limits });
    const submission = {
      job,
      submittedAt: 1,
      runAt: 1,
      delayMs: 0,
      rank: rank(job, 1),
      readyFrom: 1,
      concurrencyKey: null,
      rememberAlias: true,
    };
    await world.store.submit([submission], () => "coalesce");
    const process = { host: "h", bootId: null, pid: 1, startTicks: null };
    await world.store.registerOwner({ owner: "o", process, leaseMs: 1000, at: 1 });
    const exclude = { workers: [], models: [], tenants: [], classes: [], concurrencyKeys: [] };
    const [claimed] = await world.store.claim({ owner: "o", now: 2, limit: 1, perKey: 1, exclude });
    const ref = { jobId: job.id, attempt: claimed!.attempt, epoch: claimed!.epoch };
    const settlement = {
      ref,
      at: 3,
      kind: "cancelled",
      result: null,
      charge: { costUsd: 0, tokens: 0 },
    } as const;
    await world.store.settleAndClaim([
      { ...settlement, reason: { code: "AC_CANCELLED", message: "", evidence: {} } },
    ]);
    for (const line of lines) {
      const begun = world.truth.begin({
        jobId: job.id,
        attempt: 1,
        workspace: "/w",
        process: "p",
        startedAtMs: 0,
        ...line,
      });
      Object.assign(begun, { endedAtMs: 10 }, line);
    }
    const submitter = new Submitter(world);
    submitter.acknowledged.push({ id: job.id, jobId: job.id });
    return checkWorld(world, submitter);
  }

  it.each<[string, readonly Partial<TruthLine>[], object, RegExp | null]>([
    ["nothing wrong", [{}], {}, null],
    ["two attempts at once", [{}, { attempt: 2, startedAtMs: 5 }], { maxAttempts: 2 }, /ran until/],
    ["an attempt twice", [{}, { startedAtMs: 20, endedAtMs: 30 }], { maxAttempts: 2 }, /ran twice/],
    [
      "too many attempts",
      [{}, { attempt: 2, startedAtMs: 20, endedAtMs: 30 }],
      { maxAttempts: 1 },
      /ran 2 of 1 times/,
    ],
    ["a worker left behind", [{ endedAtMs: null }], {}, /still runs/],
    ["cost that is not on record", [{ costUsd: 2 }], { maxCostUsd: 5 }, /0 are on record/],
    ["more cost than the ceiling", [{ costUsd: 9 }], { maxCostUsd: 5 }, /spent 9 of 5 dollars/],
    [
      "work paid for twice",
      [
        { spooled: true, succeeded: true },
        { attempt: 2, startedAtMs: 20, endedAtMs: 30 },
      ],
      { maxAttempts: 2 },
      /had finished/,
    ],
    ["a job that nobody submitted", [{ jobId: "nobody" }], {}, /never submitted/],
  ])("see %s", async (_what, lines, limits, fault) => {
    const faults = await judge(lines, limits);
    if (fault === null) expect(faults).toEqual([]);
    else expect(faults.join("\n")).toMatch(fault);
  });

  it("see an end that is followed by another", () => {
    const watch = new EndsWatch();
    const job = testJob();
    const base = newRecord({
      job,
      submittedAt: 1,
      runAt: 1,
      delayMs: 0,
      rank: 1,
      readyFrom: 1,
      concurrencyKey: null,
      rememberAlias: false,
    });
    watch.see({ ...base, state: { kind: "succeeded", endedAt: 1 } });
    watch.see(base);
    expect(watch.faults).toEqual([`${job.id} was succeeded and became queued`]);
  });

  it("see an acknowledged job that is gone", async () => {
    const world = new World(planOf(1));
    const submitter = new Submitter(world);
    submitter.acknowledged.push({ id: "lost", jobId: "lost" });
    expect(await checkWorld(world, submitter)).toEqual(["lost was acknowledged and is gone"]);
  });
});
