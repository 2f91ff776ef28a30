/** What every store does where a journal's entries and jobs are written together. */
import assert from "node:assert/strict";
import type { JournalAppend } from "../journal.ts";
import { createMemoryJournal } from "../memory/memory-journal.ts";
import {
  byJobDedup,
  claimAs,
  idsOf,
  storeCase,
  submitJobs,
  testJob,
  testSubmission,
  type ConformanceCase,
} from "./fixtures.ts";

const header = { name: "a" };
const first: JournalAppend = { after: 0, entries: ["first"], header };

export const appendAndSubmitCases: readonly ConformanceCase[] = [
  storeCase("tells which journal it holds", async (store, journal) => {
    assert.equal(store.holds(journal), true);
    assert.equal(store.holds(createMemoryJournal()), false);
  }),
  storeCase("appends to the journal and submits in one call", async (store, journal) => {
    const [job, next] = [testJob(), testJob()];
    const results = await store.appendAndSubmit({ stream: "s", ...first }, [testSubmission(job)], byJobDedup);
    assert.ok(results !== "conflict");
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ["accepted"],
    );
    await journal.append("s", { after: 1, entries: ["second"] });
    const third = { stream: "s", after: 2, entries: ["third"], header: { name: "b" } };
    await store.appendAndSubmit(third, [testSubmission(next)], byJobDedup);
    const written = { stream: "s", header: { name: "b" }, entries: ["first", "second", "third"] };
    assert.deepEqual(await journal.read("s"), written);
    assert.deepEqual(idsOf(await claimAs(store, "o", 9)), [job.id, next.id]);
  }),
  storeCase("submits nothing for a writer that does not know the newest entry", async (store, journal) => {
    await journal.append("s", { after: 0, entries: ["a", "b"], header });
    const jobs = [0, 1, 3].map((after) => ({ after, job: testJob() }));
    for (const { after, job } of jobs) {
      const late = { stream: "s", after, entries: ["late", "later"], header: { name: "late" } };
      assert.equal(await store.appendAndSubmit(late, [testSubmission(job)], byJobDedup), "conflict");
    }
    assert.deepEqual(await journal.read("s"), { stream: "s", header, entries: ["a", "b"] });
    assert.deepEqual((await store.list({})).jobs, []);
    assert.deepEqual(await claimAs(store, "o", 9), []);
  }),
  storeCase("appends nothing when the submit fails", async (store, journal) => {
    await submitJobs(store, testJob({ key: "k" }));
    const submissions = [testSubmission(testJob()), testSubmission(testJob({ key: "k" }))];
    const failing = store.appendAndSubmit({ stream: "s", ...first }, submissions, () => {
      throw new Error("no decision");
    });
    await assert.rejects(failing);
    assert.equal(await journal.read("s"), undefined);
    assert.equal((await store.list({})).jobs.length, 1);
  }),
  storeCase("appends although a job is rejected because its key is held", async (store, journal) => {
    await submitJobs(store, testJob({ key: "k" }));
    const held = testSubmission(testJob({ key: "k", dedup: "reject" }));
    const results = await store.appendAndSubmit({ stream: "s", ...first }, [held], byJobDedup);
    assert.equal(results !== "conflict" && results[0]?.kind, "rejected");
    assert.equal((await journal.read("s"))?.entries.length, 1);
  }),
];
