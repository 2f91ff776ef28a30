import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Cancellation, type CancelSignal, systemClock } from "@agentcore/contract";
import { expect, it, onTestFinished } from "vitest";
import { until } from "@agentcore/contract/testing";
import { createContainment } from "./containment.ts";
import { createLaunchLine } from "./launch-line.ts";
import { openRegistry, type RunRegistry } from "./registry.ts";

it("lets a few in at once, in the order in which they came, and passes over those who gave up", async () => {
  const line = createLaunchLine(2);
  const order: string[] = [];
  const leave = new Map<string, () => void>();
  const enter = (name: string, signal?: CancelSignal): Promise<void> =>
    line.inTurn(() => {
      order.push(name);
      return new Promise((resolve) => void leave.set(name, resolve));
    }, signal);
  const hasEntered = (name: string) => until(() => order.includes(name));
  const stop = new Cancellation();
  const [a, b, c] = [enter("a"), enter("b"), enter("c")];
  const [givenUp, d] = [enter("given up", stop), enter("d")];
  stop.cancel({ reason: "not wanted" });
  await expect(givenUp).rejects.toMatchObject({ code: "AC_CANCELLED" });
  await expect(enter("too late", stop)).rejects.toMatchObject({ code: "AC_CANCELLED" });
  await hasEntered("b");
  expect(order).toEqual(["a", "b"]);
  leave.get("a")?.();
  await hasEntered("c");
  expect(order).toEqual(["a", "b", "c"]);
  leave.get("b")?.();
  await hasEntered("d");
  for (const name of ["c", "d"]) leave.get(name)?.();
  await Promise.all([a, b, c, d]);
  expect(order).toEqual(["a", "b", "c", "d"]);
});

it("begins each in a round of the event loop of its own, and gives the place of one that fails to the next", async () => {
  const line = createLaunchLine(4);
  let round = 0;
  let isOver = false;
  const turn = (): void => {
    round += 1;
    if (!isOver) setImmediate(turn);
  };
  turn();
  const rounds: number[] = [];
  const failed = await Promise.allSettled(
    Array.from({ length: 12 }, () =>
      line.inTurn(async () => {
        rounds.push(round);
        throw new Error("no box");
      }),
    ),
  );
  isOver = true;
  expect(failed.map(({ status }) => status)).toEqual(failed.map(() => "rejected"));
  expect(new Set(rounds).size).toBe(12);
});

/** Counts launches between the note that one begins and the note of who it became. */
function countLaunches(registry: RunRegistry) {
  const seen = { inFlight: 0, most: 0, turns: 0, turnsAtLaunch: new Set<number>() };
  const turning = setInterval(() => (seen.turns += 1), 0);
  onTestFinished(() => clearInterval(turning));
  const counting: RunRegistry = {
    ...registry,
    add(run) {
      seen.inFlight += 1;
      seen.most = Math.max(seen.most, seen.inFlight);
      seen.turnsAtLaunch.add(seen.turns);
      const record = registry.add(run);
      return {
        ...record,
        identify(identity) {
          seen.inFlight -= 1;
          return record.identify(identity);
        },
      };
    },
  };
  return { seen, counting };
}

it("two dozen runs that come at once all begin, few launches overlap, and timers fire between them", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "agentcore-burst-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const { seen, counting } = countLaunches(openRegistry(directory));
  const containment = createContainment({
    implementation: { name: "process-group", setpriv: null },
    clock: systemClock,
    cgroupParent: null,
    registry: counting,
    hidden: [],
  });
  const command = { command: "/bin/sleep", args: ["600"], cwd: "/", env: { PATH: process.env.PATH ?? "" } };
  const runs = await Promise.all(
    Array.from({ length: 24 }, (_, n) =>
      containment.start({ ...command, marker: `burst-${process.pid}-${n}` }),
    ),
  );
  for (const run of runs) run.go();
  expect(seen.most).toBeLessThanOrEqual(4);
  expect(seen.turnsAtLaunch.size).toBeGreaterThan(10);
  const receipts = await Promise.all(runs.map((run) => run.cancel({ force: true })));
  expect(receipts.map(({ survivors }) => survivors)).toEqual(runs.map(() => 0));
});
