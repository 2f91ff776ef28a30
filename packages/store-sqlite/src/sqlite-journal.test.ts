import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { journalConformance } from "@agentcore/scheduler/testing";
import { afterAll, describe, expect, test } from "vitest";
import { createSqliteJournal } from "./sqlite-journal.ts";
import { type StateDatabase, openStateDatabase } from "./state-database.ts";

const root = await mkdtemp(join(tmpdir(), "agentcore-journal-"));
afterAll(() => rm(root, { recursive: true }));

const open = async (directory: string): Promise<StateDatabase> => openStateDatabase({ directory });

describe("the SQLite journal meets the port's conformance suite", () => {
  test.each(journalConformance)("$name", async ({ run }) => {
    const database = await open(await mkdtemp(join(root, "state-")));
    try {
      await expect(run(async () => createSqliteJournal(database))).resolves.toBeUndefined();
    } finally {
      await database.close();
    }
  });
});

test("an append that was acknowledged is there for the next process, and fences the former one", async () => {
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
