/** What the loop asks of the store: how often, and when. What it does with the answers is tested through the scheduler. */
import { expect, it } from "vitest";
import type { JobStore } from "../job-store.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import { testResult } from "../testing/fixtures.ts";
import { createRig, simpleJob } from "../testing/rig.ts";

interface Call {
  readonly method: "submit" | "settleAndClaim";
  readonly settlements: number;
  readonly claimed: number;
}

/** Records the calls of the loop and the submitters, in the order of their beginning. */
function recording(store: JobStore): { readonly store: JobStore; readonly calls: Call[] } {
  const calls: Call[] = [];
  return {
    calls,
    store: {
      ...store,
      submit(submissions, decideDedup) {
        calls.push({ method: "submit", settlements: 0, claimed: 0 });
        return store.submit(submissions, decideDedup);
      },
      async settleAndClaim(settlements, request) {
        const place =
          calls.push({ method: "settleAndClaim", settlements: settlements.length, claimed: 0 }) - 1;
        const answer = await store.settleAndClaim(settlements, request);
        calls[place] = { ...calls[place]!, claimed: answer.claimed.length };
        return answer;
      },
    },
  };
}

/** An answer takes more or fewer steps to arrive, depending on the number of functions that pass it on. */
async function passOn(steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) await Promise.resolve();
}

it("writes the ends of all attempts that end together in one call, which claims the next", async () => {
  const { store, calls } = recording(createMemoryStore());
  let runs = 0;
  const { scheduler } = await createRig({
    store,
    concurrency: 10,
    async execute() {
      runs += 1;
      await passOn((runs * 7) % 40);
      return testResult();
    },
  });
  const outcomes = await scheduler.submitAll(Array.from({ length: 40 }, () => simpleJob()));
  await Promise.all(outcomes.map(async (outcome) => outcome.ok && outcome.handle.result()));
  const busy = calls.filter(({ settlements, claimed }) => settlements + claimed > 0);
  expect(busy).toEqual([
    { method: "settleAndClaim", settlements: 0, claimed: 10 },
    { method: "settleAndClaim", settlements: 10, claimed: 10 },
    { method: "settleAndClaim", settlements: 10, claimed: 10 },
    { method: "settleAndClaim", settlements: 10, claimed: 10 },
    { method: "settleAndClaim", settlements: 10, claimed: 0 },
  ]);
  await scheduler.close();
});

it("claims a job before its submit is answered, and begins it only afterwards", async () => {
  const memory = createMemoryStore();
  const commit = Promise.withResolvers<void>();
  const slow: JobStore = {
    ...memory,
    async submit(submissions, decideDedup) {
      const answer = await memory.submit(submissions, decideDedup);
      await commit.promise;
      await passOn(40);
      return answer;
    },
    async settleAndClaim(settlements, request) {
      const answer = await memory.settleAndClaim(settlements, request);
      if (answer.claimed.length > 0) await commit.promise;
      return answer;
    },
  };
  const { store, calls } = recording(slow);
  const { scheduler, clock, runtime } = await createRig({ store });
  await clock.advance(0);
  calls.splice(0);
  // Comes before anything that waits for a round of the event loop from here on: what a store groups into one commit.
  const round = new Promise(setImmediate);
  const submitting = scheduler.submit(simpleJob());
  await round;
  expect(calls.map(({ method }) => method)).toEqual(["submit", "settleAndClaim"]);
  commit.resolve();
  const handle = await submitting;
  expect(runtime.ledger).toEqual([]);
  const types: string[] = [];
  for await (const event of handle.events()) types.push(event.type);
  expect(types).toEqual(["permit_granted", "attempt_started", "attempt_ended", "job_ended"]);
  await scheduler.close();
});

it("claims a job likewise that is submitted at the end of another", async () => {
  const { store, calls } = recording(createMemoryStore());
  const { scheduler } = await createRig({ store });
  await (await scheduler.submit(simpleJob())).result();
  calls.splice(0);
  const round = new Promise(setImmediate);
  const submitting = scheduler.submit(simpleJob());
  await round;
  expect(calls).toEqual([
    { method: "submit", settlements: 0, claimed: 0 },
    { method: "settleAndClaim", settlements: 0, claimed: 1 },
  ]);
  expect((await (await submitting).result()).state).toBe("succeeded");
  await scheduler.close();
});

it("waits for room without asking, however many jobs are submitted", async () => {
  const { store, calls } = recording(createMemoryStore());
  const gate = Promise.withResolvers<void>();
  const { scheduler, clock } = await createRig({
    store,
    concurrency: 1,
    execute: () => gate.promise.then(() => testResult()),
  });
  await scheduler.submit(simpleJob());
  await clock.advance(0);
  calls.splice(0);
  const handles = await Promise.all(Array.from({ length: 5 }, () => scheduler.submit(simpleJob())));
  await clock.advance(0);
  expect(calls.map(({ method }) => method)).toEqual(Array.from({ length: 5 }, () => "submit"));
  gate.resolve();
  await Promise.all(handles.map((handle) => handle.result()));
  await scheduler.close();
});

it("asks for a job in the commit that stores it, and again once it is stored, where it runs only its own", async () => {
  const memory = createMemoryStore();
  const commit = Promise.withResolvers<void>();
  const { store, calls } = recording({
    ...memory,
    submit: (submissions, decideDedup) => commit.promise.then(() => memory.submit(submissions, decideDedup)),
  });
  const { scheduler, clock } = await createRig({ store, claims: "own" });
  await clock.advance(0);
  calls.splice(0);
  const submitting = scheduler.submit(simpleJob());
  await clock.advance(0);
  expect(calls.map(({ method }) => method)).toEqual(["submit", "settleAndClaim"]);
  commit.resolve();
  expect((await (await submitting).result()).state).toBe("succeeded");
  await scheduler.close();
});
