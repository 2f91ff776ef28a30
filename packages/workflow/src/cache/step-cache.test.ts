import { silentLog, systemClock, systemIds } from "@agentcore/contract";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { StepCache, type StepCacheOptions } from "./step-cache.ts";

let root: string;
let warnings: unknown[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "agentcore-cache-"));
  warnings = [];
});
afterEach(() => rmSync(root, { recursive: true }));

const directory = (): string => join(root, "cache");
const cacheWith = (rest: Partial<StepCacheOptions> = {}): StepCache =>
  new StepCache({
    directory: directory(),
    bytesMax: 1e6,
    keepMs: 1e9,
    clock: systemClock,
    ids: systemIds,
    log: { ...silentLog, warn: (fields: object) => void warnings.push(fields) },
    ...rest,
  });

const sought = (key: string) => ({ key, origin: "s", parts: [] });

/** A result with one output that is a directory with one file. */
function result(text: string, secrets: readonly string[] = []) {
  const place = join(root, `made-${systemIds.next()}`);
  mkdirSync(place);
  writeFileSync(join(place, "file"), text);
  return { step: "s", outputs: [{ name: "out", place }], values: { v: text.slice(0, 9) }, secrets };
}
async function textIn(cache: StepCache, key: string): Promise<string | null> {
  const found = await cache.find(sought(key));
  if ("missed" in found) return null;
  const place = join(root, `restored-${systemIds.next()}`);
  await found.restore("out", place);
  return readFileSync(join(place, "file"), "utf8");
}
const names = (): string[] => readdirSync(directory()).toSorted();

it("runs that store the same key at once leave one whole entry", async () => {
  await Promise.all(
    Array.from({ length: 8 }, () => cacheWith().store(sought("k"), result("same".repeat(1000)))),
  );
  expect(names()).toEqual(["k"]);
  expect(await textIn(cacheWith(), "k")).toBe("same".repeat(1000));
  expect(warnings).toEqual([]);
});

it("what a killed process left half written is no entry, and is removed after an hour", async () => {
  const half = join(directory(), ".new-of-the-dead");
  mkdirSync(join(half, "contents"), { recursive: true });
  writeFileSync(join(half, "contents/1"), "half");
  await cacheWith().store(sought("k"), result("one"));
  expect(names()).toEqual([".new-of-the-dead", "k"]);
  utimesSync(half, 0, systemClock.now() / 1000 - 7200);
  await cacheWith().store(sought("l"), result("two"));
  expect(names()).toEqual(["k", "l"]);
});

it("the entries that were not used for longest go first when they are too many bytes", async () => {
  const cache = cacheWith({ bytesMax: 3800 });
  for (const [age, key] of ["old", "used", "new"].entries()) {
    await cache.store(sought(key), result(key.padEnd(700)));
    const at = systemClock.now() / 1000 - 100 + age;
    utimesSync(join(directory(), key, "entry.json"), at, at);
  }
  expect(await textIn(cache, "old")).toContain("old");
  await cache.store(sought("last"), result("last".padEnd(700)));
  expect(names()).toEqual(["last", "new", "old"]);
  await cache.store(sought("huge"), result("x".repeat(5000)));
  expect(await cache.find(sought("huge"))).toHaveProperty("missed");
  expect(warnings).toMatchObject([{ why: "it is larger than cache.max_bytes" }]);
  expect(names()).toEqual(["last", "new", "old"]);
});

it("entries that were not used for keep_ended are removed", async () => {
  const cache = cacheWith({ keepMs: 60_000 });
  await cache.store(sought("old"), result("one"));
  utimesSync(join(directory(), "old", "entry.json"), 0, systemClock.now() / 1000 - 61);
  await cache.store(sought("new"), result("two"));
  expect(names()).toEqual(["new"]);
});

it("nothing that holds the value of a secret is stored, even across the parts in which a file is read", async () => {
  const secret = "hunter2-hunter2";
  const longer = `${"x".repeat(65_530)}${secret}`;
  for (const text of [`a ${secret} b`, longer]) await cacheWith().store(sought("k"), result(text, [secret]));
  await cacheWith().store(sought("k"), { ...result("x"), values: { v: secret }, secrets: [secret] });
  expect(names()).toEqual([]);
  expect(warnings).toHaveLength(3);
  expect(JSON.stringify(warnings)).not.toContain(secret);
  await cacheWith().store(sought("k"), result("harmless", [secret]));
  expect(names()).toEqual(["k"]);
});

it("nor is what has a secret in the name of a file, in a link, or as JSON and addresses write it", async () => {
  const secret = 'pa"ss wörd-1';
  const forms = [JSON.stringify({ secret }), `http://h/?t=${encodeURIComponent(secret)}`];
  for (const text of forms) await cacheWith().store(sought("k"), result(text, [secret]));
  const made = (make: (place: string) => void) => {
    const stored = result("x", [secret]);
    for (const { place } of stored.outputs) make(place);
    return stored;
  };
  await cacheWith().store(
    sought("k"),
    made((place) => mkdirSync(join(place, secret))),
  );
  await cacheWith().store(
    sought("k"),
    made((place) => symlinkSync(secret, join(place, "link"))),
  );
  await cacheWith().store(
    sought("k"),
    made((place) => execFileSync("mkfifo", [join(place, secret)])),
  );
  expect(names()).toEqual([]);
  expect(warnings).toHaveLength(5);
  expect(JSON.stringify(warnings)).not.toContain("wörd");
});

/** Whether a small file system can be made here. */
function canMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), "agentcore-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", place], { stdio: "ignore" });
    execFileSync("umount", [place]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place, { recursive: true });
  }
}

it.runIf(canMount())("on a full disk nothing is stored, and nothing fails", async () => {
  mkdirSync(directory());
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", directory()]);
  try {
    await cacheWith().store(sought("k"), result("x".repeat(200_000)));
    expect(warnings).toMatchObject([{ why: expect.stringContaining("ENOSPC") as string }]);
    expect(names()).toEqual([]);
    await cacheWith().store(sought("k"), result("fits"));
    expect(await textIn(cacheWith(), "k")).toBe("fits");
  } finally {
    execFileSync("umount", [directory()]);
  }
});

it("an entry that another process removes while it is read is a failed restore, not a part of one", async () => {
  const cache = cacheWith();
  await cache.store(sought("k"), result("one"));
  const found = await cache.find(sought("k"));
  await cacheWith().drop("k");
  if ("missed" in found) throw new Error(found.missed);
  await expect(found.restore("out", join(root, "gone"))).rejects.toThrow("ENOENT");
  expect(await cache.find(sought("k"))).toHaveProperty("missed");
  expect(existsSync(join(root, "gone/file"))).toBe(false);
});
