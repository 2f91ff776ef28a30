import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { journalConformance } from "@agentcore/scheduler/testing";
import { afterAll, describe, expect, it } from "vitest";
import { createSqliteJournal } from "./sqlite-journal.ts";
import { type StateDatabase, openStateDatabase } from "./state-database.ts";

const root = await mkdtemp(join(tmpdir(), "agentcore-journal-"));
afterAll(() => rm(root, { recursive: true }));

const open = async (directory: string): Promise<StateDatabase> => openStateDatabase({ directory });

describe("the SQLite journal meets the port's conformance suite", () => {
  it.each(journalConformance)("$name", async ({ run }) => {
    const database = await open(await mkdtemp(join(root, "state-")));
    try {
      await expect(run(async () => createSqliteJournal(database))).resolves.toBeUndefined();
    } finally {
      await database.close();
    }
  });
});

it("an append that was acknowledged is there for the next process, and fences the former one", async () => {
  const directory = await mkdtemp(join(root, "state-"));
  const [former, next] = [await open(directory), await open(directory)];
  try {
    const append = { after: 0, entries: [{ n: 1 }], header: { name: "a" } };
    expect(await createSqliteJournal(former).append("s", append)).toBe("appended");
    expect((await createSqliteJournal(next).read("s"))?.entries).toEqual([{ n: 1 }]);
    expect(await createSqliteJournal(next).append("s", { after: 1, entries: [{ n: 2 }] })).toBe("appended");
    expect(await createSqliteJournal(former).append("s", { after: 1, entries: ["late"] })).toBe("conflict");
  } finally {
    await former.close();
    await next.close();
  }
});

it("retention finds what ended long ago by an index, however many streams there are", async () => {
  const database = await open(await mkdtemp(join(root, "state-")));
  try {
    const plans = await database.read((sql) =>
      [
        `SELECT stream FROM journal_streams
         WHERE header_json ->> '$.endedAt' < 1 AND header_json ->> '$.partOf' IS NULL
         ORDER BY header_json ->> '$.endedAt' LIMIT (1 + 0)`,
        "SELECT stream FROM journal_streams WHERE header_json ->> '$.partOf' = 'a'",
      ].map((text) => sql.all(`EXPLAIN QUERY PLAN ${text}`).map(({ detail }) => detail)),
    );
    expect(plans.map((plan) => plan.join("; "))).toEqual([
      expect.stringMatching(/^SEARCH journal_streams USING (COVERING )?INDEX journal_ends [^;]*$/),
      expect.stringMatching(/^SEARCH journal_streams USING (COVERING )?INDEX journal_parts [^;]*$/),
    ]);
  } finally {
    await database.close();
  }
});
