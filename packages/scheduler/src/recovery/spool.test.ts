import { execFileSync } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLog, type SpooledResult } from "@agentcore/contract";
import { testResult } from "../testing/fixtures.ts";
import { openSpoolDirectory } from "./spool.ts";

const result: SpooledResult = { version: 1, permitId: "p1", jobId: "j1", attempt: 2, result: testResult() };

describe("a spool directory", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "agentcore-spool-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it("gives the results that are in it, and forgets one that was applied", async () => {
    const spool = openSpoolDirectory(directory, silentLog);
    await writeFile(join(directory, "p1.json"), JSON.stringify(result));
    await writeFile(join(directory, "p2.json.tmp"), "half");
    expect(await spool.list()).toEqual([result]);
    await spool.remove(result);
    await spool.remove(result);
    expect(await spool.list()).toEqual([]);
  });

  it("need not exist", async () => {
    expect(await openSpoolDirectory(join(directory, "missing"), silentLog).list()).toEqual([]);
  });

  it.each([
    ["cut short", JSON.stringify(result).slice(0, 50)],
    ["of another shape", JSON.stringify({ ...result, version: 2 })],
    ["under a name that is not its own", JSON.stringify({ ...result, permitId: "other" })],
    ["not text", Buffer.from([0, 255, 254])],
  ])("sets aside a file that is %s, and deletes nothing", async (_what, content) => {
    const complaints: string[] = [];
    const spool = openSpoolDirectory(directory, {
      ...silentLog,
      error: (_fields, message) => complaints.push(message),
    });
    await writeFile(join(directory, "p1.json"), content);
    expect(await spool.list()).toEqual([]);
    expect(await readdir(directory)).toEqual(["p1.json.unreadable"]);
    expect(complaints.length).toBe(1);
    expect(await spool.list()).toEqual([]);
  });

  it.each(["a pipe", "a link to a result", "a directory", "a result that others may write"])(
    "takes no result from %s, waits for nothing, and says so once",
    async (what) => {
      const path = join(directory, "p1.json");
      const elsewhere = join(directory, "elsewhere");
      await writeFile(elsewhere, JSON.stringify(result), { mode: 0o600 });
      if (what === "a pipe") execFileSync("mkfifo", [path]);
      if (what === "a link to a result") await symlink(elsewhere, path);
      if (what === "a directory") await mkdir(path);
      if (what === "a result that others may write") {
        await copyFile(elsewhere, path);
        await chmod(path, 0o666);
      }
      const complaints: unknown[] = [];
      const log = { ...silentLog, error: (fields: unknown) => complaints.push(fields) };
      const spool = openSpoolDirectory(directory, log);
      expect([await spool.list(), await spool.list()]).toEqual([[], []]);
      expect(complaints).toEqual([{ path, reason: expect.stringContaining(path) }]);
    },
  );

  it("says what is wrong where it cannot be read", async () => {
    const path = join(directory, "file");
    await writeFile(path, "");
    await expect(openSpoolDirectory(path, silentLog).list()).rejects.toMatchObject({
      code: "AC_STORE_UNAVAILABLE",
    });
  });
});
