import { systemClock, type Clock } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import { execFile } from "node:child_process";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { CommandSource } from "../definition.ts";
import { recordedLog, TestHost } from "../testing/sources.ts";
import { CommandSources, type CommandRequest, type CommandResult } from "./command-source.ts";

let folder: string;
const open: CommandSources[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "command-source-"));
});
afterEach(async () => {
  for (const sources of open.splice(0)) await sources.close();
  await rm(folder, { recursive: true });
});

/** A real shell, without containment. */
const runCommand = ({ command, signal }: CommandRequest): Promise<CommandResult> =>
  new Promise((resolve, reject) => {
    execFile("/bin/sh", ["-c", command], { signal, cwd: folder, maxBuffer: 2 ** 24 }, (error, stdout) => {
      const exitCode = error === null ? 0 : error.code;
      if (typeof exitCode === "number") resolve({ stdout, exitCode });
      else reject(error ?? new Error("no error"));
    });
  });

interface Change extends Partial<CommandSource> {
  readonly host?: TestHost;
  readonly clock?: Clock;
  readonly run?: typeof runCommand;
}

async function started({
  host = new TestHost(),
  clock = systemClock,
  run = runCommand,
  ...change
}: Change = {}) {
  const source = {
    type: "command",
    command: "cat value",
    intervalMs: 5,
    triggerOn: "change",
    ...change,
  } as const;
  const { log, lines } = recordedLog();
  const sources = new CommandSources({
    sources: new Map([["poll", source]]),
    host,
    clock,
    log,
    runCommand: run,
  });
  open.push(sources);
  await sources.start();
  const countOf = (kind: string) => sources.counts().find((one) => one.kind === kind)?.count ?? 0;
  return { host, sources, lines, countOf };
}

/** A command that runs meanwhile sees the old text or the new one. */
async function print(text: string): Promise<void> {
  await writeFile(join(folder, "value.new"), text);
  await rename(join(folder, "value.new"), join(folder, "value"));
}
const payloads = (host: TestHost) => host.events.map(({ payload }) => payload);

it("the first run sets the baseline, and each change of output or exit code is one event", async () => {
  await print("a");
  const { host, countOf } = await started({ command: `v=$(cat value); printf %s "$v"; test "$v" != c` });
  await until(() => countOf("unchanged") >= 3);
  expect(host.events).toEqual([]);
  await print("$(touch owned)\u001b[2J");
  await until(() => host.events.length === 1);
  await print("c");
  await until(() => host.events.length === 2);
  expect(payloads(host)).toEqual([
    { type: "command", stdout: "$(touch owned)\u001b[2J", exitCode: 0, changed: true },
    { type: "command", stdout: "c", exitCode: 1, changed: true },
  ]);
});

it("a change while the daemon was away is an event after its start, and once only", async () => {
  await print("a");
  const first = await started();
  await until(() => first.countOf("unchanged") > 0);
  await first.sources.close();
  await print("b");
  const { host } = first;
  const second = await started({ host });
  await until(() => host.events.length === 1);
  await second.sources.close();
  const third = await started({ host });
  await until(() => third.countOf("unchanged") > 1);
  expect(host.events).toHaveLength(1);
});

it("another command begins with a baseline of its own", async () => {
  const { host, sources, countOf } = await started({ command: "echo a" });
  await until(() => countOf("unchanged") > 0);
  await sources.close();
  const next = await started({ host, command: "echo b" });
  await until(() => next.countOf("unchanged") > 1);
  expect(host.events).toEqual([]);
});

it("`always` makes an event of each run, and says whether it changed", async () => {
  await print("a");
  const { host } = await started({ triggerOn: "always" });
  await until(() => host.events.length >= 2);
  expect(payloads(host).slice(0, 2)).toEqual([
    { type: "command", stdout: "a", exitCode: 0, changed: false },
    { type: "command", stdout: "a", exitCode: 0, changed: false },
  ]);
});

it("a run that takes longer than the interval is never joined by a second one", async () => {
  let running = 0;
  let most = 0;
  let runs = 0;
  const run = async (request: CommandRequest) => {
    most = Math.max(most, (running += 1));
    const result = await runCommand(request);
    running -= 1;
    runs += 1;
    return result;
  };
  await started({ command: "sleep 0.02", intervalMs: 1, run });
  await until(() => runs >= 4);
  expect(most).toBe(1);
});

it("a command that cannot run is logged once, counted, and tried again", async () => {
  let fails = true;
  const run = (request: CommandRequest) =>
    fails ? Promise.reject(new Error("no shell \u001b[31m")) : runCommand(request);
  const { countOf, lines } = await started({ command: "echo", run });
  await until(() => countOf("command") >= 3);
  fails = false;
  await until(() => countOf("unchanged") > 0);
  expect(lines).toMatchObject([{ source: "poll", kind: "command", reason: String.raw`no shell \u001b[31m` }]);
});

it("a change that could not be stored is stored when that is possible again, even if it is over by then", async () => {
  const hasty: Clock = { ...systemClock, setTimer: (_delayMs, fire) => systemClock.setTimer(1, fire) };
  const host = new TestHost();
  let commits = 0;
  host.beforeCommit = () => {
    commits += 1;
    return commits === 2 || commits === 3 ? Promise.reject(new Error("disk full")) : Promise.resolve();
  };
  let runs = 0;
  const run = () => Promise.resolve({ stdout: (runs += 1) === 2 ? "b" : "a", exitCode: 0 });
  const { countOf } = await started({ host, clock: hasty, run });
  await until(() => host.events.length === 2);
  expect(payloads(host)).toMatchObject([{ stdout: "b" }, { stdout: "a" }]);
  expect(countOf("not_kept")).toBe(2);
});

it("a restart neither runs the command before its interval is over, nor waits for a clock that was set back", async () => {
  const delays: number[] = [];
  const clockAt = (now: number): Clock => ({
    now: () => now,
    monotonicMs: () => now,
    setTimer: (delayMs, fire) => {
      delays.push(delayMs);
      return systemClock.setTimer(delayMs === 0 ? 0 : 1e9, fire);
    },
  });
  const host = new TestHost();
  for (const now of [10_000, 10_400, 5000]) {
    const { sources, countOf } = await started({
      host,
      command: "echo",
      intervalMs: 1000,
      clock: clockAt(now),
    });
    if (now !== 10_400) await until(() => countOf("unchanged") === 1);
    await sources.close();
  }
  expect(delays.filter((delay) => delay !== 1000)).toEqual([0, 600, 0]);
});

it("a close ends the command that runs", async () => {
  const { sources, lines } = await started({ command: "echo $$ > pid; exec sleep 1000" });
  await until(async () => (await runCommand({ command: "test -s pid" } as CommandRequest)).exitCode === 0);
  await sources.close();
  await sources.close();
  expect(lines).toEqual([]);
});
