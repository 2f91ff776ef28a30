import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { systemClock } from "../system.ts";
import { backOffMs } from "./back-off.ts";
import { BoundedMap } from "./bounded-map.ts";
import { errorCode, errorText, ifMissing, isMissing, isMissingOrBelowFile } from "./error-facts.ts";
import { omitUndefined } from "./omit-undefined.ts";
import { isAlive, parseStat, pidNamespaceOf, readBootId, readProcess } from "./process-facts.ts";
import { settledWithin, sleep } from "./waiting.ts";

const thrownBy = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

it("a back-off doubles with every failure, from the least wait to the longest", () => {
  const waits = [0, 1, 2, 3, 4, 5, 10_000].map((failures) =>
    backOffMs(failures, { minMs: 100, maxMs: 1000 }),
  );
  expect(waits).toEqual([100, 100, 200, 400, 800, 1000, 1000]);
});

it("a bounded map forgets the key that was set longest ago", () => {
  const map = new BoundedMap<string, number>(2).set("a", 1).set("b", 2).set("a", 3).set("c", 4);
  expect([...map]).toEqual([
    ["a", 3],
    ["c", 4],
  ]);
});

it("whatever was thrown has a text, and a system's error its code", () => {
  const missing = thrownBy(() => readFileSync("/no such file"));
  const belowFile = thrownBy(() => readFileSync("/proc/self/stat/no such file"));
  expect(errorText(missing)).toMatch(/^ENOENT: no such file/);
  expect(["plain text", null, undefined, 7].map(errorText)).toEqual(["plain text", "null", "undefined", "7"]);
  expect([missing, belowFile, new Error("x"), "x", null].map(errorCode)).toEqual([
    "ENOENT",
    "ENOTDIR",
    undefined,
    undefined,
    undefined,
  ]);
  const directory = thrownBy(() => readFileSync("/"));
  expect([missing, belowFile, directory, null].map(isMissing)).toEqual([true, false, false, false]);
  const found = [missing, belowFile, directory, null].map(isMissingOrBelowFile);
  expect(found).toEqual([true, true, false, false]);
});

it("what is missing has the value that stands for it, and other errors stay errors", async () => {
  expect(await readFile("/no such file").catch(ifMissing(null))).toBeNull();
  await expect(readFile("/").catch(ifMissing(null))).rejects.toThrow("EISDIR");
});

it("only what is undefined is left out of an object", () => {
  const kept = omitUndefined({ a: undefined, b: null, c: 0, d: "", e: false });
  expect(Object.keys(kept)).toEqual(["b", "c", "d", "e"]);
});

it("a wait ends when its time is over, or with what it waits for", async () => {
  const never = new Promise(() => {});
  await sleep(systemClock, 1);
  await sleep(systemClock, 60_000, AbortSignal.abort());
  await sleep(systemClock, 60_000, AbortSignal.timeout(1));
  expect(await settledWithin(systemClock, never, 1)).toBe(false);
  expect(await settledWithin(systemClock, Promise.resolve(), 60_000)).toBe(true);
  await expect(settledWithin(systemClock, Promise.reject(new Error("no")), 60_000)).rejects.toThrow("no");
});

it.each([
  [
    "1234 (node) S 1 1234 1234 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 11 0 98765 1 1",
    { pid: 1234, name: "node", state: "S", ppid: 1, session: 1234, startTicks: 98765 },
  ],
  [
    "7 (a) b (c) R 6 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 42 0 0",
    { pid: 7, name: "a) b (c", state: "R", ppid: 6, session: 7, startTicks: 42 },
  ],
  ["", null],
  ["12 (half", null],
  ["12 (short) S 1", null],
])("reads the stat line %j", (line, fact) => {
  expect(parseStat(line)).toEqual(fact);
});

it("a process is named as the kernel names it, and nothing is known of one that does not exist", () => {
  const self = readProcess(process.pid);
  expect(self).toMatchObject({ pid: process.pid, ppid: process.ppid });
  expect(self !== null && isAlive(self)).toBe(true);
  expect(isAlive({ pid: process.pid, startTicks: 1 })).toBe(false);
  expect(readProcess(2 ** 30)).toBeNull();
  expect(pidNamespaceOf(2 ** 30)).toBeNull();
  expect(pidNamespaceOf(process.pid)).toBe(pidNamespaceOf("self"));
  expect(readBootId()).toMatch(/^[0-9a-f-]{36}$/);
});
