import { silentLog, systemClock } from "@agentcore/contract";
import { createManualClock } from "@agentcore/core/testing";
import { existsSync, mkdirSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createAgentCore } from "../create-agent-core.ts";
import { pruneAttempts, pruneAttemptsRegularly } from "./prune-attempts.ts";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
let attemptsDir: string;
beforeEach(() => {
  scratch = makeScratch();
  attemptsDir = join(scratch.stateDir, "attempts");
});
afterEach(() => scratch.remove());

const keepMs = 60_000;
const emptyStore = { get: async () => undefined };

function makeOld(name: string): void {
  const path = join(attemptsDir, name);
  mkdirSync(path, { recursive: true });
  const longAgo = (Date.now() - keepMs - 1000) / 1000;
  utimesSync(path, longAgo, longAgo);
}

it("the files of a job go once it is not in the store and nothing was added for as long as jobs are kept", async () => {
  const core = await createAgentCore({ stateDir: scratch.stateDir });
  const ids = ["plain", "no/file name"];
  for (const id of ids) {
    const task = { worker: "shell", workspace: scratch.workspace, instructions: "true" };
    await (await core.submit({ id, task })).result();
  }
  for (const name of readdirSync(attemptsDir)) makeOld(name);
  makeOld("gone");
  makeOld(".sessions");
  mkdirSync(join(attemptsDir, "recent"));
  const options = { attemptsDir, keepMs, clock: systemClock, log: silentLog };
  const store = { get: async (id: string) => (ids.includes(id) ? ({} as never) : undefined) };
  expect(await pruneAttempts({ ...options, store })).toBe(1);
  expect(existsSync(join(attemptsDir, "gone"))).toBe(false);
  expect(await pruneAttempts({ ...options, store: emptyStore })).toBe(2);
  expect(readdirSync(attemptsDir).toSorted()).toEqual([".sessions", "recent"]);
  await core.close();
});

it("a pass that fails is not the last", async () => {
  const clock = createManualClock(Date.now());
  makeOld("gone");
  let fails = true;
  let asked = 0;
  const get = async (): Promise<undefined> => {
    asked += 1;
    if (fails) throw new RangeError("the store is away");
    return undefined;
  };
  const stop = pruneAttemptsRegularly({ attemptsDir, keepMs, clock, log: silentLog, store: { get } });
  clock.advance(0);
  await expect.poll(() => clock.pendingTimers).toBe(1);
  expect(asked).toBe(1);
  fails = false;
  clock.advance(3_600_000);
  await expect.poll(() => existsSync(join(attemptsDir, "gone"))).toBe(false);
  await expect.poll(() => clock.pendingTimers).toBe(1);
  stop();
  expect(clock.pendingTimers).toBe(0);
});
