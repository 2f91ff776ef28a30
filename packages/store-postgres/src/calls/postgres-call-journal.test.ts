import {
  type OpenCallJournal,
  callJournalConformanceCases,
  checkReadCallSpend,
  openCall,
} from "@agentcore/core/testing";
import { submitJobs, testJob } from "@agentcore/scheduler/testing";
import { describe, expect, it } from "vitest";
import { createPostgresJobStore } from "../jobs/postgres-job-store.ts";
import { testStores } from "../testing/test-stores.ts";
import { createPostgresCallJournal } from "./postgres-call-journal.ts";
import { readCallSpend } from "./read-call-spend.ts";

const { open, newSchema } = testStores();

async function openIn(schema: string): Promise<OpenCallJournal> {
  const store = await open({ schema });
  return {
    journal: createPostgresCallJournal(store),
    reopen: () => openIn(schema),
    close: () => store.close(),
  };
}

describe("the PostgreSQL journal of calls meets the port's conformance suite", () => {
  it.each(callJournalConformanceCases(() => openIn(newSchema()), { durable: true }))(
    "$name",
    async (check) => {
      await expect(check.run()).resolves.toBeUndefined();
    },
  );
});

it("the calls of a time are summed by worker, model and tenant, and are deleted with their job", async () => {
  const store = await open();
  const jobs = createPostgresJobStore(store);
  const journal = createPostgresCallJournal(store);
  const [job] = await submitJobs(jobs, testJob());
  const { id } = job!.job;
  const check = checkReadCallSpend(journal, id, (query) => readCallSpend(store, query));
  await expect(check).resolves.toBeUndefined();
  await journal.begin(openCall({ permitId: "other", jobId: "other" }));
  await jobs.requestCancel(id, { code: "AC_CANCELLED", message: "no more", evidence: {} }, 5);
  expect(await jobs.deleteEnded({ endedBefore: Infinity })).toBe(1);
  expect(await journal.callsOfJob(id)).toEqual([]);
  expect(await journal.callsOfJob("other")).toHaveLength(1);
  await store.close();
});
