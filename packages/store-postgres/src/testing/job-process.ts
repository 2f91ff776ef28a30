/**
 * A process of its own that works on a store, for tests that kill or multiply processes. Prints one JSON line for each thing it
 * knows to be done, before it goes on: `node job-process.ts MODE URL NAME`.
 */
import { writeSync } from "node:fs";
import type { JobRecord } from "@agentcore/scheduler";
import {
  byJobDedup,
  claimRequest,
  succeed,
  testJob,
  testOwner,
  testSubmission,
} from "@agentcore/scheduler/testing";
import { createPostgresJobStore } from "../jobs/postgres-job-store.ts";
import { openPostgresStore } from "../store/postgres-store.ts";

export interface JobFact {
  readonly what: "submitted" | "claimed" | "settled";
  readonly id: string;
  readonly attempt?: number;
}

const [mode = "", url = "", name = ""] = process.argv.slice(2);
const store = await openPostgresStore({ url });
const jobs = createPostgresJobStore(store);

const say = (fact: JobFact): void => void writeSync(1, `${JSON.stringify(fact)}\n`);

/** Claims and ends until there is nothing left that may run. */
async function drain(perKey: number): Promise<void> {
  let running: readonly JobRecord[] = [];
  for (;;) {
    const ending = running.slice(0, 2);
    const { settled, claimed } = await jobs.settleAndClaim(
      ending.map(succeed),
      claimRequest(name, 3, { perKey }),
    );
    for (const [index, { applied }] of settled.entries())
      if (applied === "applied") say({ what: "settled", id: ending[index]!.job.id });
    for (const { job, attempt } of claimed) say({ what: "claimed", id: job.id, attempt });
    running = [...running.slice(2), ...claimed];
    if (running.length === 0 && (await jobs.stats(Infinity)).ready === 0) return;
  }
}

/** Submits three jobs at a time, and claims and ends some, until it is killed. */
async function work(): Promise<never> {
  for (let round = 0; ; round += 1) {
    const batch = [0, 1, 2].map((index) =>
      testJob({
        id: `${name}-${round}-${index}`,
        task: { worker: "shell", workspace: `/single/${index}`, instructions: "true" },
      }),
    );
    await jobs.submit(
      batch.map((job) => testSubmission(job)),
      byJobDedup,
    );
    for (const { id } of batch) say({ what: "submitted", id });
    const claimed = await jobs.claim(claimRequest(name, 2));
    for (const { job, attempt } of claimed) say({ what: "claimed", id: job.id, attempt });
    await jobs.settleAndClaim(claimed.map(succeed));
    for (const { job } of claimed) say({ what: "settled", id: job.id });
  }
}

await jobs.registerOwner(testOwner(name));
if (mode === "work") await work();
else await drain(Number(mode));
await jobs.close();
