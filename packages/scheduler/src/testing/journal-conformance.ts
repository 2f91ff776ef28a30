/** What every implementation of the `Journal` port must do. Needs no test framework: run each case as a test. */
import assert from "node:assert/strict";
import type { Journal, JournalHeader, JournalQuery } from "../journal.ts";

export interface JournalCase {
  /** A sentence about the journal. */
  readonly name: string;
  /** `open` creates a new, empty journal, and is called once. Rejects if the journal does not conform. */
  readonly run: (open: () => Promise<Journal>) => Promise<void>;
}

const journalCase = (name: string, check: (journal: Journal) => Promise<void>): JournalCase => ({
  name,
  run: async (open) => check(await open()),
});

const header = { name: "a" };

export const journalConformance: readonly JournalCase[] = [
  journalCase("gives back entries in the order of their appends, with the newest header", async (journal) => {
    const values = [{ n: 1, text: "one\n" }, ["two", null], "drei", 4.5, true] as const;
    assert.equal(await journal.append("s", { after: 0, entries: values.slice(0, 2), header }), "appended");
    assert.equal(await journal.append("s", { after: 2, entries: values.slice(2, 3) }), "appended");
    assert.deepEqual(await journal.read("s"), { stream: "s", header, entries: values.slice(0, 3) });
    const later = { name: "b", parts: [1, { deep: null }] };
    assert.equal(
      await journal.append("s", { after: 3, entries: values.slice(3), header: later }),
      "appended",
    );
    assert.deepEqual(await journal.read("s"), { stream: "s", header: later, entries: values });
  }),
  journalCase("knows nothing of a stream that was never written", async (journal) => {
    assert.equal(await journal.read("nobody"), undefined);
    assert.deepEqual(await journal.list({ prefix: "" }), []);
  }),
  journalCase("keeps nothing of a writer that does not know the newest entry", async (journal) => {
    await journal.append("s", { after: 0, entries: ["a", "b"], header });
    for (const after of [0, 1, 3]) {
      const late = { after, entries: ["late"], header: { name: "late" } };
      assert.equal(await journal.append("s", late), "conflict");
    }
    assert.equal(await journal.append("new", { after: 1, entries: ["x"], header }), "conflict");
    assert.deepEqual(await journal.read("s"), { stream: "s", header, entries: ["a", "b"] });
    assert.equal(await journal.read("new"), undefined);
  }),
  journalCase("lets one of several simultaneous writers go on", async (journal) => {
    await journal.append("s", { after: 0, entries: ["first"], header });
    const answers = await Promise.all(
      ["a", "b", "c", "d"].map((entry) => journal.append("s", { after: 1, entries: [entry] })),
    );
    assert.equal(answers.filter((answer) => answer === "appended").length, 1);
    assert.equal((await journal.read("s"))?.entries.length, 2);
  }),
  journalCase("makes a stream without entries once", async (journal) => {
    assert.equal(await journal.append("s", { after: 0, entries: [], header }), "appended");
    assert.equal(await journal.append("s", { after: 0, entries: [], header }), "conflict");
    assert.deepEqual(await journal.list({ prefix: "s" }), [{ stream: "s", header, length: 0 }]);
  }),
  journalCase("lists what has not ended, and the parts of some streams", async (journal) => {
    const made = async (stream: string, header: JournalHeader): Promise<void> =>
      void (await journal.append(stream, { after: 0, entries: [], header }));
    await made("run/1", { endedAt: 5, partOf: null });
    await made("run/2", { endedAt: null, partOf: null });
    await made("run/3", {});
    await made("child/1", { endedAt: null, partOf: "run/2" });
    await made("child/2", { endedAt: 6, partOf: "run/2" });
    await made("child/3", { endedAt: null, partOf: "run/3" });
    const names = async (query: JournalQuery): Promise<readonly string[]> =>
      (await journal.list(query)).map(({ stream }) => stream);
    assert.deepEqual(await names({ prefix: "run/", isOpen: true, partOf: null }), ["run/3", "run/2"]);
    assert.deepEqual(await names({ prefix: "", partOf: null }), ["run/3", "run/2", "run/1"]);
    assert.deepEqual(await names({ prefix: "", isOpen: true, partOf: ["run/2", "run/1"] }), ["child/1"]);
    assert.deepEqual(await names({ prefix: "", partOf: ["run/2"] }), ["child/2", "child/1"]);
    assert.deepEqual(await names({ prefix: "", isOpen: true, partOf: [] }), []);
    assert.deepEqual(await names({ prefix: "child/", isOpen: true }), ["child/3", "child/1"]);
  }),
  journalCase("lists by prefix, descending, a page at a time", async (journal) => {
    for (const stream of ["run:1", "run:3", "run:2", "other:9", "run_:4", "run%"]) {
      await journal.append(stream, { after: 0, entries: [stream], header: { stream } });
    }
    const names = async (query: Parameters<Journal["list"]>[0]): Promise<string[]> =>
      (await journal.list(query)).map(({ stream }) => stream);
    assert.deepEqual(await names({ prefix: "run:" }), ["run:3", "run:2", "run:1"]);
    assert.deepEqual(await names({ prefix: "run:", limit: 2 }), ["run:3", "run:2"]);
    assert.deepEqual(await names({ prefix: "run:", before: "run:2" }), ["run:1"]);
    const [newest] = await journal.list({ prefix: "run:", limit: 1 });
    assert.deepEqual(newest, { stream: "run:3", header: { stream: "run:3" }, length: 1 });
  }),
  journalCase("deletes what ended before the moment, the oldest first, with its parts", async (journal) => {
    const make = (stream: string, streamHeader: JournalHeader) =>
      journal.append(stream, { after: 0, entries: ["a", "b"], header: streamHeader });
    await make("late", { endedAt: 20 });
    await make("early", { endedAt: 10, partOf: null });
    await make("part", { endedAt: 5, partOf: "late" });
    await make("part of a part", { endedAt: null, partOf: "late" });
    await make("newer", { endedAt: 30 });
    const left = async (): Promise<string[]> =>
      (await journal.list({ prefix: "" })).map(({ stream }) => stream).sort();
    assert.equal(await journal.deleteEnded({ endedBefore: 10 }), 0);
    assert.equal(await journal.deleteEnded({ endedBefore: 30, limit: 1 }), 1);
    assert.deepEqual(await left(), ["late", "newer", "part", "part of a part"]);
    assert.equal(await journal.deleteEnded({ endedBefore: 30 }), 1);
    assert.deepEqual(await left(), ["newer"]);
    assert.equal(await journal.read("part"), undefined);
    assert.equal(await journal.append("late", { after: 2, entries: ["c"] }), "conflict");
    assert.equal(await make("late", { again: true }), "appended");
    assert.equal((await journal.read("late"))?.entries.length, 2);
  }),
  journalCase("deletes up to a mark, whatever the moments of the ends", async (journal) => {
    const end = (stream: string, after: number, streamHeader: JournalHeader) =>
      journal.append(stream, { after, entries: ["a"], header: streamHeader });
    await end("first", 0, { endedAt: 10 });
    await end("resumed", 0, { endedAt: 10 });
    const mark = await journal.endMark();
    await end("resumed", 1, { endedAt: null });
    await end("resumed", 2, { endedAt: 5 });
    await end("second", 0, { endedAt: 1 });
    assert.ok((await journal.endMark()) > mark);
    assert.equal(await journal.deleteEnded({ endedBefore: 100, upToMark: mark }), 1);
    assert.equal(await journal.read("first"), undefined);
    const latest = await journal.endMark();
    assert.equal(await journal.deleteEnded({ endedBefore: 100, upToMark: latest }), 2);
    assert.equal(await journal.endMark(), latest, "a number is not given twice");
  }),
  journalCase("never deletes what has not ended, whatever its parts did", async (journal) => {
    await journal.append("open", { after: 0, entries: [], header: { endedAt: null } });
    await journal.append("silent", { after: 0, entries: [], header });
    await journal.append("part", { after: 0, entries: [], header: { endedAt: 1, partOf: "open" } });
    assert.equal(await journal.deleteEnded({ endedBefore: Number.MAX_SAFE_INTEGER }), 0);
    assert.equal((await journal.list({ prefix: "" })).length, 3);
  }),
];
