/** State directories that cannot be used: every command says so with a code and a cure, and none of them changes a thing. */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import { agentcore, makeScratch, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
let database: string;
beforeEach(async () => {
  scratch = makeScratch();
  database = join(scratch.stateDir, "state.db");
  await run("submit", "true", "--worker", "shell");
});
afterEach(() => scratch.remove());

const run = (...args: string[]) => agentcore(scratch, [...args, "--state-dir", scratch.stateDir]);

const commands = [
  ["submit", "true", "--worker", "shell"],
  ["run", "true", "--worker", "shell"],
  ["work", "--drain"],
  ["jobs", "list"],
  ["dlq", "purge", "--all"],
] as const;

const damages = {
  "cut short": {
    code: "AC_STORE_CORRUPT",
    damage: () => truncateSync(database, statSync(database).size / 2),
  },
  "no database": {
    code: "AC_STORE_CORRUPT",
    damage: () => writeFileSync(database, "not a database\n".repeat(400)),
  },
  "from the future": {
    code: "AC_STORE_NEWER",
    damage: () => {
      const newer = new DatabaseSync(database);
      newer.exec("INSERT INTO schema_version VALUES (99, 'from the future', 1)");
      newer.close();
    },
  },
} as const;

it.each(Object.entries(damages))("a state.db that is %s is refused by every command", async (_name, bad) => {
  bad.damage();
  const before = readFileSync(database);
  for (const args of commands) {
    const { code, stderr } = await run(...args);
    expect(stderr).toMatch(new RegExp(`^agentcore: .*state\\.db.*\\n  ${bad.code}: `));
    expect(code).toBe(1);
  }
  expect(readFileSync(database).equals(before)).toBe(true);
  const doctor = await run("doctor", "--json");
  expect(JSON.parse(doctor.stdout)).toMatchObject({
    checks: expect.arrayContaining([expect.objectContaining({ id: "state", status: "bad" })]),
  });
});

it("a damaged state.db is kept aside once, and a backup put in its place goes on", async () => {
  const backup = join(scratch.root, "backup.db");
  copyFileSync(database, backup);
  truncateSync(database, 5000);
  for (const args of commands) await run(...args);
  expect(readdirSync(scratch.stateDir).filter((name) => name.startsWith("state.db.damaged-"))).toHaveLength(
    1,
  );
  rmSync(database);
  copyFileSync(backup, database);
  expect((await run("work", "--drain")).stdout).toContain("succeeded");
});

it("a state.db that another process keeps locked is refused in time, and taken once it is free", async () => {
  const other = new DatabaseSync(database);
  other.exec("BEGIN EXCLUSIVE");
  const refused = await run("submit", "true", "--worker", "shell");
  expect(refused.code).toBe(6);
  expect(refused.stderr).toMatch(/locked by another process.*\n {2}AC_STORE_UNAVAILABLE: /);
  other.exec("ROLLBACK");
  other.close();
  expect((await run("submit", "true", "--worker", "shell")).code).toBe(0);
});

it("a state directory that cannot be made is refused with the way out", async () => {
  writeFileSync(join(scratch.root, "file"), "");
  mkdirSync(join(scratch.root, "dir"));
  const submit = ["submit", "true", "--worker", "shell"];
  for (const path of [join(scratch.root, "file", "below"), join(scratch.root, "file"), "/proc/agentcore"]) {
    const { code, stderr } = await agentcore(scratch, [...submit, "--state-dir", path]);
    expect(code).toBe(6);
    expect(stderr).toMatch(
      /the state directory .* cannot be created: [a-z ]+; use another one\n.*--state-dir/,
    );
  }
});
