import { processOwner } from "@agentcore/core";
import type { OwnerRecord } from "@agentcore/scheduler";
import { createVirtualClock } from "@agentcore/scheduler/testing";
import { hostname } from "node:os";
import { expect, it } from "vitest";
import { watchOwners } from "../state/registered-owners.ts";
import { liveOwner, runStateOf } from "./run-owner.ts";

const process = { host: "another-machine", pid: 1, startTicks: 7, bootId: "b", pidNamespace: null };
const record = (over: object = {}): OwnerRecord => ({
  owner: "o",
  process: { ...process, ...over },
  leaseMs: 1000,
  at: 0,
  beat: 0,
});

it("a run of another machine is worked on while a scheduler of its process is registered", async () => {
  const clock = createVirtualClock();
  let owners = [record({ pid: 2 })];
  const stop = await watchOwners({ owners: async () => owners }, clock);
  expect(runStateOf({ owner: process })).toBe("INTERRUPTED");
  owners = [record()];
  await clock.advance(1000);
  expect(runStateOf({ owner: process })).toBe("RUNNING");
  expect(runStateOf({ owner: process, outcome: "FAILED" })).toBe("FAILED");
  owners = [];
  await clock.advance(1000);
  expect(liveOwner(process)).toBeNull();
  owners = [record()];
  await clock.advance(1000);
  stop();
  expect(liveOwner(process)).toBeNull();
  expect(clock.pending).toBe(0);
});

it("a run of this machine is judged by its process, whatever a store says", () => {
  expect(liveOwner({ ...processOwner(), host: hostname() })).not.toBeNull();
  expect(liveOwner({ ...process, host: hostname(), bootId: processOwner().bootId })).toBeNull();
});
