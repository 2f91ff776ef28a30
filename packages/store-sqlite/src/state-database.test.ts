import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { isAgentCoreError } from "@agentcore/contract";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SqliteDriver, nodeSqliteDriver } from "./driver.ts";
import { applyMigrations } from "./migrate.ts";
import { createSql } from "./sql.ts";
import { openStateDatabase } from "./state-database.ts";
import { faultyDriver, sqliteFailure } from "./testing/faulty-driver.ts";
import { batchMax, waitingMax } from "./write-queue.ts";

let root = "";
let directory = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "agentcore-state-"));
  directory = join(root, "state");
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const insertOwner = "INSERT INTO owners VALUES (?, '{}', 1, 1, 0)";
const ownersOf = "SELECT owner FROM owners ORDER BY owner";

async function createDatabase(owners = 0): Promise<string> {
  const database = await openStateDatabase({ directory });
  await Promise.all(
    Array.from({ length: owners }, (_, index) =>
      database.write((sql) => sql.run(insertOwner, `owner-${index}`)),
    ),
  );
  await database.close();
  return database.path;
}

/** Every file of the directory with a hash of its bytes, without the files that SQLite leaves after reading. */
function filesOf(): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory)
      .filter(
        (name) =>
          !name.endsWith("-shm") && !(name.endsWith("-wal") && statSync(join(directory, name)).size === 0),
      )
      .toSorted()
      .map((name) => [
        name,
        createHash("sha256")
          .update(readFileSync(join(directory, name)))
          .digest("hex"),
      ]),
  );
}

async function refusalOf(opening: Promise<unknown>) {
  const error = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isAgentCoreError(error)) throw new TypeError(`not refused with an AgentCoreError: ${String(error)}`);
  return error;
}

describe("opening", () => {
  it("creates the directory and a file that only its owner can read, and opens it again", async () => {
    const path = await createDatabase(2);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(["state.db"]);
    const again = await openStateDatabase({ directory });
    expect(await again.read((sql) => sql.all(ownersOf).length)).toBe(2);
    await again.close();
  });

  it("uses the write-ahead log and a full sync, and waits for locks itself", async () => {
    const database = await openStateDatabase({ directory });
    const pragma = (name: string) =>
      database.read((sql) => Object.values(sql.get(`PRAGMA ${name}`) ?? {})[0]);
    expect(await pragma("journal_mode")).toBe("wal");
    expect(await pragma("synchronous")).toBe(2);
    expect(await pragma("foreign_keys")).toBe(1);
    expect(await pragma("busy_timeout")).toBe(0);
    await database.close();
  });

  it("of several that create at once all get the same database", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => openStateDatabase({ directory })));
    await Promise.all(
      all.map((database, index) => database.write((sql) => sql.run(insertOwner, `o${index}`))),
    );
    expect(await all[0]!.read((sql) => sql.all(ownersOf).length)).toBe(8);
    await Promise.all(all.map((database) => database.close()));
    expect(readdirSync(directory)).toEqual(["state.db"]);
  });

  it("refuses a newer schema, names the versions, and changes nothing", async () => {
    const path = await createDatabase(1);
    const newer = new DatabaseSync(path);
    newer.exec("INSERT INTO schema_version VALUES (99, 'from the future', 1)");
    newer.close();
    const before = filesOf();
    const error = await refusalOf(openStateDatabase({ directory }));
    expect(error.code).toBe("AC_STORE_NEWER");
    expect(error.message).toMatch(/version 99 .* knows \d+; update AgentCore/);
    expect(filesOf()).toEqual(before);
  });

  it("refuses a schema that nothing leads on from, names the versions, and changes nothing", async () => {
    const path = await createDatabase(1);
    execute(path, "UPDATE schema_version SET version = 2");
    const before = filesOf();
    const error = await refusalOf(openStateDatabase({ directory }));
    expect(error.code).toBe("AC_STORE_OLDER");
    expect(error.message).toMatch(/version 2 .* from 3 on; use another state directory/);
    expect(filesOf()).toEqual(before);
  });

  const damages: readonly (readonly [string, (path: string) => void])[] = [
    ["an empty file", (path) => truncateSync(path, 0)],
    ["a file cut within its header", (path) => truncateSync(path, 60)],
    ["a file cut in half", (path) => truncateSync(path, statSync(path).size / 2)],
    ["a text file", (path) => writeFileSync(path, "not a database\n".repeat(400))],
    ["a database of another program", otherDatabase],
    ["a page of noise", (path) => overwrite(path, 4096 * 3, Buffer.alloc(4096, 0xa5))],
    ["a missing table", (path) => execute(path, "DROP TABLE schema_version")],
    ["a missing version", (path) => execute(path, "DELETE FROM schema_version")],
  ];

  it.each(damages)("refuses %s, keeps a copy, and changes nothing", async (_name, damage) => {
    const path = await createDatabase(50);
    damage(path);
    const before = filesOf();
    const error = await refusalOf(openStateDatabase({ directory }));
    expect(error.code).toBe("AC_STORE_CORRUPT");
    const copy = error.evidence.copy as string;
    expect(error.message).toContain(copy);
    expect(readFileSync(copy)).toEqual(readFileSync(path));
    const { [copy.slice(directory.length + 1)]: _copy, ...rest } = filesOf();
    expect(rest).toEqual(before);
    const after = filesOf();
    expect((await refusalOf(openStateDatabase({ directory }))).code).toBe("AC_STORE_CORRUPT");
    expect(filesOf()).toEqual(after);
  });

  it("notices a file that was cut, also where it is too large to be read in full", async () => {
    const path = await createDatabase(500);
    truncateSync(path, statSync(path).size - 4096);
    const error = await refusalOf(openStateDatabase({ directory, startCheck: "header" }));
    expect(error.message).toMatch(/it has \d+ of its \d+ bytes/);
  });

  it("refuses a log whose database is gone, because it would be replayed into a new one", async () => {
    const database = await openStateDatabase({ directory });
    await database.write((sql) => sql.run(insertOwner, "o"));
    const log = readFileSync(`${database.path}-wal`);
    await database.close();
    rmSync(database.path);
    writeFileSync(`${database.path}-wal`, log);
    const error = await refusalOf(openStateDatabase({ directory }));
    expect(error.code).toBe("AC_STORE_CORRUPT");
    expect(existsSync(database.path)).toBe(false);
    expect(readFileSync(`${error.evidence.copy as string}-wal`)).toEqual(log);
  });

  it("takes back a database that was moved away and returned", async () => {
    const path = await createDatabase(3);
    renameSync(path, `${path}.backup`);
    writeFileSync(path, "damaged");
    expect((await refusalOf(openStateDatabase({ directory }))).code).toBe("AC_STORE_CORRUPT");
    renameSync(`${path}.backup`, path);
    const database = await openStateDatabase({ directory });
    expect(await database.read((sql) => sql.all(ownersOf).length)).toBe(3);
    await database.close();
  });

  it("refuses a state directory that is a file", async () => {
    writeFileSync(directory, "");
    const error = await refusalOf(openStateDatabase({ directory }));
    expect(error.code).toBe("AC_STORE_UNAVAILABLE");
    expect(error.message).toContain(directory);
    expect(error.message).toMatch(
      /correct the permissions of its directory or free disk space, then start again$/,
    );
  });

  it.each(["a new database", "an existing database"])(
    "refuses a directory that cannot be written, with %s, and opens it once it can",
    async (kind) => {
      if (kind === "an existing database") await createDatabase(1);
      else mkdirSync(directory);
      // Root may write anywhere, so another process tries, as a user who does not own the directory.
      for (const path of [root, directory]) chmodSync(path, 0o755);
      for (const name of readdirSync(directory)) chmodSync(join(directory, name), 0o644);
      expect(await openAsNobody()).toMatch(/^AC_STORE_UNAVAILABLE/);
      chmodSync(directory, 0o777);
      for (const name of readdirSync(directory)) chmodSync(join(directory, name), 0o666);
      expect(await openAsNobody()).toBe("opened");
    },
  );
});

function execute(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

function otherDatabase(path: string): void {
  rmSync(path);
  execute(path, "CREATE TABLE t (x)");
}

function overwrite(path: string, at: number, bytes: Buffer): void {
  const file = readFileSync(path);
  bytes.copy(file, at);
  writeFileSync(path, file);
}

/** The result of opening the directory in a process without our permissions. */
async function openAsNobody(): Promise<string> {
  const program = fileURLToPath(new URL("testing/open-as-nobody.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@agentcore/source", program, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  await once(child, "close");
  return text;
}

describe("migrations", () => {
  const steps = [
    {
      version: 1,
      name: "first",
      sql: "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name, applied_at)",
    },
    { version: 2, name: "second", sql: "CREATE TABLE a (x); INSERT INTO a VALUES (2)" },
    { version: 3, name: "third", sql: "UPDATE a SET x = x + 1" },
  ];

  function openMemory() {
    const connection = nodeSqliteDriver.open(":memory:", { readOnly: false });
    connection.exec(`${steps[0]!.sql}; INSERT INTO schema_version VALUES (1, 'first', 1)`);
    return { connection, sql: createSql(connection) };
  }

  it("lead forward from any version, each once", () => {
    for (const from of [1, 2, 3]) {
      const { connection, sql } = openMemory();
      applyMigrations(connection, sql, 10, steps.slice(0, from));
      applyMigrations(connection, sql, 20, steps);
      applyMigrations(connection, sql, 30, steps);
      expect(sql.get("SELECT x FROM a")).toEqual({ x: 3 });
      expect(sql.all("SELECT version FROM schema_version").map((row) => row.version)).toEqual([1, 2, 3]);
      connection.close();
    }
  });

  it("are applied all or not at all", () => {
    const { connection, sql } = openMemory();
    applyMigrations(connection, sql, 10, steps.slice(0, 1));
    const broken = [...steps.slice(0, 2), { version: 3, name: "broken", sql: "UPDATE missing SET x = 1" }];
    expect(() => applyMigrations(connection, sql, 20, broken)).toThrow("no such table");
    expect(sql.get("SELECT max(version) AS version FROM schema_version")).toEqual({ version: 1 });
    expect(sql.get("SELECT name FROM sqlite_schema WHERE name = 'a'")).toBeUndefined();
    connection.close();
  });
});

describe("group commit", () => {
  function countingDriver(): { driver: SqliteDriver; commits: () => number } {
    let commits = 0;
    const plan = {
      after({ sql }: { sql: string }) {
        if (sql.startsWith("COMMIT")) commits += 1;
      },
    };
    return { driver: faultyDriver(nodeSqliteDriver, plan), commits: () => commits };
  }

  it("writes of one turn share one commit, in their order", async () => {
    const { driver, commits } = countingDriver();
    const database = await openStateDatabase({ directory, driver });
    const before = commits();
    const seen = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        database.write((sql) => {
          sql.run(insertOwner, `owner-${String(index).padStart(3, "0")}`);
          return sql.all(ownersOf).length;
        }),
      ),
    );
    expect(commits() - before).toBe(1);
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    await database.close();
  });

  it("a commit holds the event loop for a bounded number of writes", async () => {
    const { driver, commits } = countingDriver();
    const database = await openStateDatabase({ directory, driver });
    const before = commits();
    await Promise.all(Array.from({ length: 2 * batchMax + 1 }, () => database.write(() => 1)));
    expect(commits() - before).toBe(3);
    await database.close();
  });

  it("a write that fails is refused alone, and leaves nothing", async () => {
    const database = await openStateDatabase({ directory });
    const outcomes = await Promise.allSettled([
      database.write((sql) => sql.run(insertOwner, "a")),
      database.write((sql) => {
        sql.run(insertOwner, "half");
        throw new RangeError("changed its mind");
      }),
      database.write((sql) => sql.run(insertOwner, "a")),
      database.write((sql) => sql.run(insertOwner, "b")),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(await database.read((sql) => sql.all(ownersOf).map((row) => row.owner))).toEqual(["a", "b"]);
    await database.close();
  });

  it("a read sees the writes called before it", async () => {
    const database = await openStateDatabase({ directory });
    const written = database.write((sql) => sql.run(insertOwner, "a"));
    expect(await database.read((sql) => sql.all(ownersOf).length)).toBe(1);
    await written;
    await database.close();
  });

  it("a file that is removed or replaced while it is open takes no writes and answers nothing more", async () => {
    const database = await openStateDatabase({ directory });
    await database.write((sql) => sql.run(insertOwner, "a"));
    renameSync(directory, `${directory}-away`);
    await expect(database.write((sql) => sql.run(insertOwner, "b"))).rejects.toMatchObject({
      code: "AC_STORE_GONE",
    });
    const other = await openStateDatabase({ directory });
    await expect(database.read((sql) => sql.all(ownersOf))).rejects.toMatchObject({ code: "AC_STORE_GONE" });
    await other.close();
    rmSync(directory, { recursive: true });
    renameSync(`${directory}-away`, directory);
    expect(await database.read((sql) => sql.all(ownersOf).length)).toBe(1);
    await database.close();
  });

  it("too many waiting writes are refused, and the others are done", async () => {
    const database = await openStateDatabase({ directory });
    const outcomes = await Promise.allSettled(
      Array.from({ length: waitingMax + 1 }, () => database.write(() => 1)),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(waitingMax);
    expect(outcomes.at(-1)).toMatchObject({ status: "rejected", reason: { code: "AC_STORE_UNAVAILABLE" } });
    await database.close();
  });

  it("a disk that is full refuses writes, answers reads, and takes writes again once there is room", async () => {
    let connection: { exec(sql: string): void } | undefined;
    const driver: SqliteDriver = {
      open(path, options) {
        const opened = nodeSqliteDriver.open(path, options);
        connection = opened;
        return opened;
      },
    };
    const database = await openStateDatabase({ directory, driver });
    const large = "x".repeat(1_000_000);
    const write = () =>
      database.write((sql) => sql.run("INSERT INTO owners VALUES (?, ?, 1, 1, 0)", "large", large));
    connection?.exec("PRAGMA max_page_count = 1");
    expect((await refusalOf(write())).code).toBe("AC_STORE_UNAVAILABLE");
    expect(await database.read((sql) => sql.all(ownersOf))).toEqual([]);
    connection?.exec("PRAGMA max_page_count = 1000000");
    expect(await write()).toBe(1);
    await database.close();
  });

  it("the first write after a failed commit is taken", async () => {
    let failing = false;
    const driver = faultyDriver(nodeSqliteDriver, {
      before({ sql }) {
        if (failing && sql.startsWith("COMMIT")) throw sqliteFailure("SQLITE_IOERR");
      },
    });
    const database = await openStateDatabase({ directory, driver });
    failing = true;
    expect((await refusalOf(database.write((sql) => sql.run(insertOwner, "a")))).code).toBe(
      "AC_STORE_UNAVAILABLE",
    );
    failing = false;
    await database.write((sql) => sql.run(insertOwner, "b"));
    expect(await database.read((sql) => sql.all(ownersOf))).toEqual([{ owner: "b" }]);
    await database.close();
  });
});

describe("closing", () => {
  it("waits for the writes called before, and refuses later ones", async () => {
    const database = await openStateDatabase({ directory });
    const written = database.write((sql) => sql.run(insertOwner, "a"));
    await Promise.all([database.close(), database.close()]);
    expect(await written).toBe(1);
    for (const late of [database.write(() => 1), database.read(() => 1), database.backup(join(root, "b"))]) {
      expect((await refusalOf(late)).code).toBe("AC_STORE_UNAVAILABLE");
    }
  });
});

describe("looking after the file", () => {
  it("a backup under writes is whole, and opens as a state directory of its own", async () => {
    const database = await openStateDatabase({ directory });
    await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        database.write((sql) => sql.run(insertOwner, `before-${index}`)),
      ),
    );
    const other = join(root, "other");
    mkdirSync(other);
    const backup = database.backup(join(other, "state.db"));
    const writes = Array.from({ length: 50 }, (_, index) =>
      database.write((sql) => sql.run(insertOwner, `during-${index}`)),
    );
    await Promise.all([backup, ...writes]);
    const restored = await openStateDatabase({ directory: other });
    expect(await restored.checkIntegrity()).toEqual([]);
    const owners = await restored.read((sql) => sql.all(ownersOf).length);
    expect(owners).toBeGreaterThanOrEqual(500);
    await restored.close();
    await database.close();
  });

  it("a backup does not overwrite a file", async () => {
    const database = await openStateDatabase({ directory });
    const target = join(root, "taken.db");
    writeFileSync(target, "precious");
    expect((await refusalOf(database.backup(target))).message).toContain("taken.db");
    expect(readFileSync(target, "utf8")).toBe("precious");
    await database.close();
  });

  it("the full check finds what the check at the start was told not to look for", async () => {
    const path = await createDatabase(500);
    overwrite(path, statSync(path).size - 4096 + 2000, Buffer.alloc(2000, 0xa5));
    const database = await openStateDatabase({ directory, startCheck: "header" });
    expect(await database.checkIntegrity()).not.toEqual([]);
    await database.close();
  });
});
