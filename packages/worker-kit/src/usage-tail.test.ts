import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unknownUsage, type UsageFiles } from "@agentcore/contract";
import { expect, it } from "vitest";
import { makeTemporaryDirectory } from "./testing/temporary-directories.ts";
import { UsageTail } from "./usage-tail.ts";

/** Each line is a number of output tokens. */
const numbers: UsageFiles = {
  directory: ({ HOME = "" }) => join(HOME, "usage"),
  depth: 1,
  belongs: (name) => name.endsWith(".log"),
  createReader: () => {
    let outputTokens = 0;
    return {
      line: (_file, text) => void (outputTokens += Number(text)),
      usage: () => ({ ...unknownUsage, outputTokens }),
      model: () => null,
    };
  },
};

async function rigOf(prepare: (day: string, home: string) => void = () => {}) {
  const home = makeTemporaryDirectory("usage-tail");
  const day = join(home, "usage", "day");
  mkdirSync(day, { recursive: true });
  prepare(day, home);
  const told: (number | null | undefined)[] = [];
  const tail = new UsageTail({
    files: numbers,
    env: { HOME: home },
    home: "own",
    session: () => null,
    onLines: (reader) => told.push(reader.usage()?.outputTokens),
  });
  await tail.skipWhatIsThere();
  return { day, home, tail, told };
}

it("lines are read as they come, in whole ones, also from files that come later", async () => {
  const { day, tail, told } = await rigOf();
  writeFileSync(join(day, "a.log"), "1\n2\n3");
  await tail.look();
  appendFileSync(join(day, "a.log"), "0\n");
  writeFileSync(join(day, "b.log"), "100\n");
  writeFileSync(join(day, "c.txt"), "7\n");
  await tail.look();
  await tail.look();
  expect(told).toEqual([3, 133]);
});

it("what was there before the run is not the run's", async () => {
  const { day, tail, told } = await rigOf((directory) => writeFileSync(join(directory, "a.log"), "5\n"));
  await tail.look();
  appendFileSync(join(day, "a.log"), "6\n");
  await tail.end();
  expect(told).toEqual([6]);
});

it("pipes, links, and directories that lead elsewhere are not opened, and hold nobody up", async () => {
  const { day, home, tail, told } = await rigOf();
  const elsewhere = makeTemporaryDirectory("usage-elsewhere");
  writeFileSync(join(elsewhere, "x.log"), "1000\n");
  execFileSync("mkfifo", [join(day, "pipe.log")]);
  symlinkSync(join(elsewhere, "x.log"), join(day, "link.log"));
  symlinkSync(elsewhere, join(home, "usage", "other"));
  symlinkSync("/proc/self/fd", join(home, "usage", "fds"));
  writeFileSync(join(day, "a.log"), "1\n");
  await tail.look();
  renameSync(join(home, "usage"), join(home, "moved"));
  mkdirSync(join(elsewhere, "usage", "day"), { recursive: true });
  writeFileSync(join(elsewhere, "usage", "day", "y.log"), "2000\n");
  symlinkSync(join(elsewhere, "usage"), join(home, "usage"));
  await tail.end();
  expect(told).toEqual([1]);
});

it("a file that shrinks or is replaced takes nothing back, and is not counted again", async () => {
  const { day, tail, told } = await rigOf();
  const [shrunk, replaced] = [join(day, "a.log"), join(day, "b.log")];
  writeFileSync(shrunk, "10\n10\n");
  writeFileSync(replaced, "5\n");
  await tail.look();
  truncateSync(shrunk, 0);
  writeFileSync(join(day, "new"), "5\n5\n");
  renameSync(join(day, "new"), replaced);
  await tail.look();
  appendFileSync(shrunk, "10\n10\n10\n");
  await tail.end();
  expect(told).toEqual([25]);
});

it("a directory that is not there, or goes, says nothing", async () => {
  const home = makeTemporaryDirectory("usage-none");
  const options = {
    files: numbers,
    env: { HOME: join(home, "none") },
    home: "own",
    session: () => null,
  } as const;
  const tail = new UsageTail({ ...options, onLines: () => expect.unreachable() });
  await tail.skipWhatIsThere();
  await tail.end();
});
