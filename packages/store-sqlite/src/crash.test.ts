/**
 * Every crash point of a scenario, and every operation that can fail. A crash is what `kill -9` leaves: the files as they
 * are at that moment, without anything of the process. The images are copied while one run of the scenario goes on, then
 * each is opened, compared with what had been acknowledged by then, and brought to its end.
 */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAgentCoreError } from "@agentcore/contract";
import { byJobDedup, testJob, testSubmission } from "@agentcore/scheduler/testing";
import { afterAll, expect, it } from "vitest";
import { patienceMs } from "@agentcore/contract/testing";
import { type SqliteDriver, nodeSqliteDriver } from "./driver.ts";
import { createSqliteCallJournal } from "./sqlite-call-journal.ts";
import { createSqliteJobStore } from "./sqlite-job-store.ts";
import { createSqliteLedger } from "./sqlite-ledger.ts";
import { type StateDatabase, openStateDatabase } from "./state-database.ts";
import {
  type FaultPlan,
  type SqliteFailureName,
  faultyDriver,
  sqliteFailure,
} from "./testing/faulty-driver.ts";
import { stateFlaws } from "./testing/state-flaws.ts";
import {
  type Fact,
  type Stores,
  factFlaws,
  finishJobs,
  journaledId,
  runTenJobs,
} from "./testing/ten-jobs.ts";

const root = mkdtempSync(join(tmpdir(), "agentcore-crash-"));
afterAll(() => rmSync(root, { recursive: true }));

/** These tests do not check durability against a power cut, and a thousand syncs take long. */
const unsyncedDriver: SqliteDriver = {
  open(path, options) {
    const connection = nodeSqliteDriver.open(path, options);
    return {
      ...connection,
      exec: (sql) => connection.exec(sql.replace("synchronous = FULL", "synchronous = OFF")),
    };
  },
};

async function withStores<T>(
  directory: string,
  plan: FaultPlan,
  use: (stores: Stores, database: StateDatabase) => Promise<T>,
): Promise<T> {
  const driver = faultyDriver(unsyncedDriver, plan);
  const database = await openStateDatabase({ directory, driver, lockTimeoutMs: 2 });
  try {
    return await use(
      {
        jobs: createSqliteJobStore(database),
        ledger: createSqliteLedger(database),
        calls: createSqliteCallJournal(database),
      },
      database,
    );
  } finally {
    await database.close();
  }
}

/** A new directory with an empty database, which is created once. */
const emptyDirectory = join(root, "empty");
await withStores(emptyDirectory, {}, async () => {});
let directories = 0;
function newDirectory(): string {
  directories += 1;
  const directory = join(root, `run-${directories}`);
  mkdirSync(directory);
  copyFileSync(join(emptyDirectory, "state.db"), join(directory, "state.db"));
  return directory;
}

interface Image {
  readonly name: string;
  readonly database: Buffer;
  readonly log: Buffer;
  readonly facts: readonly Fact[];
}

function imageOf(name: string, directory: string, facts: readonly Fact[]): Image {
  const log = join(directory, "state.db-wal");
  return {
    name,
    database: readFileSync(join(directory, "state.db")),
    log: existsSync(log) ? readFileSync(log) : Buffer.alloc(0),
    facts: [...facts],
  };
}

/** Runs the scenario once and copies the files before and after each write operation. */
async function crashImages(): Promise<{ images: Image[]; operations: number }> {
  const directory = newDirectory();
  const facts: Fact[] = [];
  const images: Image[] = [];
  let operations = 0;
  const plan: FaultPlan = {
    before({ number, sql }) {
      operations = number;
      images.push(imageOf(`before ${number} ${sql.slice(0, 40)}`, directory, facts));
    },
    after: ({ number, sql }) => images.push(imageOf(`after ${number} ${sql.slice(0, 40)}`, directory, facts)),
  };
  await withStores(directory, plan, (stores) => runTenJobs(stores, (fact) => facts.push(fact)));
  return { images, operations };
}

/** The flaws of the tables, and whether the journal's entry is there without its job, or the reverse. */
async function flawsOf(database: StateDatabase): Promise<readonly string[]> {
  const [entries, jobs] = await database.read((sql) => [
    sql.values("SELECT count(*) FROM journal_entries")?.[0],
    sql.values("SELECT count(*) FROM jobs WHERE id = ?", journaledId)?.[0],
  ]);
  const torn = entries === jobs ? [] : [`${entries} entries in the journal, ${jobs} of their jobs`];
  return [...(await stateFlaws(database)), ...torn];
}

/** Opens an image as the next process would. Returns its flaws, now and after its jobs are finished. */
async function flawsOfImage({ name, database, log, facts }: Image): Promise<readonly string[]> {
  const directory = newDirectory();
  writeFileSync(join(directory, "state.db"), database);
  if (log.length > 0) writeFileSync(join(directory, "state.db-wal"), log);
  try {
    return await withStores(directory, {}, async (stores, database) => {
      const flaws = [...(await flawsOf(database)), ...(await factFlaws(stores, facts, false))];
      await finishJobs(stores);
      flaws.push(...(await flawsOf(database)), ...(await factFlaws(stores, facts, true)));
      return flaws.map((flaw) => `${name}: ${flaw}`);
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function flawsOfImages(images: readonly Image[]): Promise<readonly string[]> {
  const seen = new Set<string>();
  const flaws: string[] = [];
  for (const image of images) {
    // The same files with the same facts have the same flaws.
    const hash = createHash("sha256").update(image.database).update(image.log).digest("hex");
    const identity = `${hash} ${image.facts.length}`;
    if (seen.has(identity)) continue;
    seen.add(identity);
    flaws.push(...(await flawsOfImage(image)));
  }
  console.log(`${images.length} crash points, ${seen.size} different images, ${flaws.length} flaws`);
  return flaws;
}

it(
  "a crash before or after any write loses nothing that was acknowledged and leaves nothing half done",
  async () => {
    const { images, operations } = await crashImages();
    expect(operations).toBeGreaterThan(100);
    expect(images).toHaveLength(2 * operations);
    expect(await flawsOfImages(images)).toEqual([]);
  },
  patienceMs(120_000),
);

it(
  "a commit that was torn while it was written is as if it had not begun",
  async () => {
    const { images } = await crashImages();
    const torn: Image[] = [];
    for (const [index, before] of images.entries()) {
      const after = images[index + 1];
      if (!before.name.includes(" COMMIT") || after === undefined || !before.name.startsWith("before"))
        continue;
      const written = after.log.length - before.log.length;
      for (const share of [0.01, 0.3, 0.5, 0.99]) {
        const cut = after.log.subarray(0, before.log.length + Math.floor(written * share));
        torn.push({ ...before, name: `${before.name}, torn at ${share}`, log: Buffer.from(cut) });
        const flipped = Buffer.from(after.log);
        const at = before.log.length + Math.floor(written * share);
        flipped[at] = flipped[at]! ^ 0x40;
        torn.push({ ...before, name: `${before.name}, a bit flipped at ${share}`, log: flipped });
      }
    }
    expect(torn.length).toBeGreaterThan(100);
    expect(await flawsOfImages(torn)).toEqual([]);
  },
  patienceMs(120_000),
);

interface Failing {
  readonly failure: SqliteFailureName;
  readonly times: "once" | "for ever";
  readonly operation: "write" | "query";
}

/** Fails the n-th operation of its kind and runs the scenario. What it noted must be true, whether or not it was completed. */
async function flawsWhenFailing(
  n: number,
  { failure, times, operation }: Failing,
): Promise<{ flaws: readonly string[]; reached: boolean }> {
  const directory = newDirectory();
  const facts: Fact[] = [];
  let reached = false;
  // Other tests cover opening a file that cannot be read.
  let begun = false;
  const failFrom = ({ number }: { readonly number: number }): void => {
    if (!begun || number < n || (reached && times === "once")) return;
    reached = true;
    throw sqliteFailure(failure);
  };
  const plan: FaultPlan = operation === "write" ? { before: failFrom } : { beforeQuery: failFrom };
  const flaws: string[] = [];
  try {
    await withStores(directory, plan, async (stores) => {
      begun = true;
      await runTenJobs(stores, (fact) => facts.push(fact));
    });
  } catch (error) {
    const typed = isAgentCoreError(error) && error.code === "AC_STORE_UNAVAILABLE";
    if (!typed) flaws.push(`rejected with ${String(error)}`);
  }
  flaws.push(
    ...(await withStores(directory, {}, async (stores, database) => {
      const found = [...(await flawsOf(database)), ...(await factFlaws(stores, facts, false))];
      await finishJobs(stores);
      return [...found, ...(await flawsOf(database)), ...(await factFlaws(stores, facts, true))];
    })),
  );
  rmSync(directory, { recursive: true });
  return { flaws: flaws.map((flaw) => `${failure} ${times} at ${operation} ${n}: ${flaw}`), reached };
}

const failures = [
  { operation: "write", failure: "SQLITE_BUSY" },
  { operation: "write", failure: "SQLITE_IOERR" },
  { operation: "write", failure: "SQLITE_FULL" },
  { operation: "query", failure: "SQLITE_IOERR" },
] as const;
const failings: readonly Failing[] = failures.flatMap((failure) => [
  { ...failure, times: "once" as const },
  { ...failure, times: "for ever" as const },
]);

it.each(failings)(
  "$failure $times at any $operation is a typed refusal, and what was acknowledged stays true",
  async (failing) => {
    const flaws: string[] = [];
    for (let n = 1; ; n += 1) {
      const run = await flawsWhenFailing(n, failing);
      if (!run.reached) break;
      flaws.push(...run.flaws);
    }
    expect(flaws).toEqual([]);
  },
  120_000,
);

it("a submit whose commit seemed to fail and was done is answered as done, and is one job when it is repeated", async () => {
  let losing = false;
  const plan: FaultPlan = {
    after({ sql }) {
      if (losing && sql.startsWith("COMMIT")) throw sqliteFailure("SQLITE_IOERR");
    },
  };
  await withStores(newDirectory(), plan, async ({ jobs }, database) => {
    const submission = testSubmission(testJob({ key: "k" }));
    losing = true;
    const [first] = await jobs.submit([submission], byJobDedup);
    losing = false;
    expect(first).toMatchObject({ kind: "accepted", record: { job: { id: submission.job.id } } });
    const [again] = await jobs.submit([submission], byJobDedup);
    expect(again).toMatchObject({ kind: "deduplicated", record: { job: { id: submission.job.id } } });
    expect((await jobs.list({})).jobs).toHaveLength(1);
    expect(await stateFlaws(database)).toEqual([]);
    losing = true;
    const journaled = testSubmission(testJob());
    const write = { stream: "s", after: 0, entries: ["a"], header: {} };
    const answer = await jobs.appendAndSubmit(write, [journaled], byJobDedup);
    losing = false;
    expect(answer).toMatchObject([{ kind: "accepted", record: { job: { id: journaled.job.id } } }]);
    expect(await jobs.appendAndSubmit(write, [testSubmission(testJob())], byJobDedup)).toBe("conflict");
  });
});
