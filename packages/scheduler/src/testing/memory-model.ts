/** Runs random calls against a store and against the memory store: every answer must be the same. */
import assert from "node:assert/strict";
import type { Random } from "@agentcore/contract";
import { seededRandom } from "@agentcore/contract/testing";
import { attemptRef, type JobRecord, type Reason } from "../job-record.ts";
import {
  excludeNothing,
  type ClaimRequest,
  type JobStore,
  type Settlement,
  type Submission,
} from "../job-store.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import {
  byJobDedup,
  claimRequest,
  idsOf,
  testJob,
  testOwner,
  testResult,
  testSubmission,
} from "./fixtures.ts";

/** Rejects at the first difference. The store must be empty, and is not closed. */
export async function actsLikeMemoryStore(store: JobStore, seed: number): Promise<void> {
  const model = createMemoryStore();
  const random = seededRandom(seed);
  for (const each of [store, model]) await each.registerOwner(testOwner("o"));
  for (let step = 0; step < 100; step += 1) {
    const act = actionOf(random, step);
    const [ours, theirs] = [await act(store), await act(model)];
    assert.deepEqual(ours, theirs, `step ${step} of seed ${seed}`);
  }
  await model.close();
}

const reason: Reason = { code: "AC_CANCELLED", message: "asked for by a test", evidence: {} };
const ended = { at: 1, result: testResult(), charge: { costUsd: 0, tokens: 0 } };

const succeeded = (record: JobRecord): Settlement => ({
  ...ended,
  ref: attemptRef(record),
  kind: "succeeded",
});

const retried = (record: JobRecord): Settlement => ({
  ...ended,
  ref: attemptRef(record),
  kind: "retry",
  runAt: 1,
  delayMs: 0,
  reason,
});

const below = (random: Random, bound: number): number => Math.floor(random.next() * bound);

/** The effect of one step on a store; the same for every store. */
function actionOf(random: Random, step: number): (on: JobStore) => Promise<unknown> {
  const submissions = Array.from({ length: below(random, 8) }, () => randomSubmission(random, step));
  const ending = random.next() < 0.6;
  const again = random.next() < 0.3;
  const cancelled = random.next() < 0.2 ? below(random, 5) : null;
  const exclude: ClaimRequest["exclude"] = {
    ...excludeNothing,
    concurrencyKeys: random.next() < 0.3 ? ["/w/0"] : [],
    workers: random.next() < 0.1 ? ["codex"] : [],
  };
  const perKey = 1 + below(random, 3);
  const request = claimRequest("o", below(random, 6), { now: 1_700_000_000_000 + step, perKey, exclude });
  return async (on) => {
    const submitted = await on.submit(submissions, byJobDedup);
    const waiting = (await on.list({ states: ["queued"] })).jobs;
    const unwanted = cancelled === null ? undefined : waiting[cancelled];
    if (unwanted !== undefined) await on.requestCancel(unwanted.job.id, reason, step);
    const running = (await on.runningOf("o")).toSorted((a, b) => (a.job.id < b.job.id ? -1 : 1));
    const settle = running.slice(0, ending ? 2 : 0).map(again ? retried : succeeded);
    const { settled, claimed } = await on.settleAndClaim(settle, request);
    return { submitted: submitted.map(({ kind }) => kind), settled, claimed: idsOf(claimed) };
  };
}

function randomSubmission(random: Random, step: number): Submission {
  const lane = below(random, 4);
  const job = testJob({
    priority: { value: below(random, 3) * 5 },
    task: {
      worker: below(random, 3) === 0 ? "codex" : "shell",
      workspace: `/w/${lane}`,
      instructions: "true",
    },
    context: below(random, 3) === 0 ? { tenant: "acme" } : {},
    ...(below(random, 4) === 0 ? { key: `key-${below(random, 3)}`, dedup: "latest-wins" as const } : {}),
  });
  const submittedAt = 1_700_000_000_000 + step;
  return testSubmission(job, { submittedAt, concurrencyKey: lane === 3 ? null : `/w/${lane}` });
}
