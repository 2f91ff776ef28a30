import { PassThrough } from "node:stream";
import { Cancellation, type ContainmentReceipt, type RunIdentity } from "@agentcore/contract";
import { expect, it } from "vitest";
import type { Box } from "./box.ts";
import { ContainedRun, type ContainedRunOptions } from "./contained-run.ts";
import type { Launched } from "./launch.ts";
import { stopTiming } from "./contained-run-states.ts";
import { VirtualClock } from "./testing/virtual-clock.ts";

const identity: RunIdentity = {
  marker: "m",
  implementation: "unshare",
  hostPid: 4_000_000,
  hostPidStartTicks: 1,
  pidNamespace: null,
  cgroupPath: null,
  bootId: null,
};

const patient = { graceMs: 60_000, secondTermAfterMs: 30_000 };

/** A box in which one process can be made to outlive everything. */
class StubbornBox implements Box {
  readonly identity = identity;
  readonly provedBy = "pid-namespace";
  readonly passes: number[] = [];
  alive: { pid: number; startTicks: number; name: string }[] = [{ pid: 7, startTicks: 9, name: "worker" }];
  diesOnPass = Number.POSITIVE_INFINITY;
  disposed = 0;
  onDeath: () => void = () => undefined;

  processes() {
    return this.alive;
  }
  signalPayload() {
    return "sent" as const;
  }
  killAll(pass: number) {
    this.passes.push(pass);
    if (pass >= this.diesOnPass) {
      this.alive = [];
      this.onDeath();
    }
    return pass === 0 ? ["KILL"] : [];
  }
  isEmpty() {
    return this.alive.length === 0;
  }
  limitsReached() {
    return ["memory" as const];
  }
  dispose() {
    this.disposed += 1;
  }
}

function start(box: StubbornBox, options: Partial<ContainedRunOptions> = {}) {
  const { level = "sealed" } = options;
  const clock = new VirtualClock();
  const receipts: ContainmentReceipt[] = [];
  const ended = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>();
  const reported = Promise.withResolvers<{ status: number; bySignal: boolean }>();
  const launched: Launched = {
    pid: 1,
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    payloadInnermostPid: 2,
    release: () => undefined,
    hangUp: () => undefined,
    killOutermost: () => undefined,
    reported: reported.promise,
    ended: ended.promise,
  };
  box.onDeath = () => ended.resolve({ code: null, signal: "SIGKILL" });
  const run = new ContainedRun({
    level,
    implementation: level === "sealed" ? "unshare" : "process-group",
    box,
    launched,
    clock,
    timing: stopTiming({ graceMs: 0 }),
    onEnded: (receipt) => receipts.push(receipt),
    ...options,
  });
  return { run, clock, receipts, launched, reported, ended };
}

it("reports who is left after ten seconds, and gives nothing back", async () => {
  const box = new StubbornBox();
  const { run, clock, receipts } = start(box);
  run.go();
  const stopping = run.cancel();
  await clock.runUntilSettled(stopping);
  const receipt = await stopping;
  expect(receipt).toEqual({
    level: "sealed",
    implementation: "unshare",
    processesSeen: 1,
    survivors: 1,
    signals: ["KILL"],
    emptyAfterMs: null,
    provedBy: "pid-namespace",
  });
  expect(clock.monotonicMs()).toBeGreaterThanOrEqual(10_000);
  expect(run.survivors()).toEqual([{ pid: 7, startTicks: 9, name: "worker" }]);
  expect(receipts).toEqual([receipt]);
  expect(box.disposed).toBe(0);
  expect(box.passes.length).toBeGreaterThan(100);
});

it("reads what is ready before it believes that ten seconds were not enough", async () => {
  const box = new StubbornBox();
  const { run, clock } = start(box);
  // The event loop was held up: the end of the box is read only when the loop goes round after the deadline.
  box.isEmpty = () => {
    if (clock.monotonicMs() >= 10_000) setImmediate(() => (box.alive = []));
    return box.alive.length === 0;
  };
  run.go();
  const stopping = run.cancel();
  await clock.runUntilSettled(stopping);
  expect(await stopping).toMatchObject({ survivors: 0 });
  expect(box.disposed).toBe(1);
});

it("counts a box that cannot be emptied as a survivor even if nobody in it has a name", async () => {
  const box = new StubbornBox();
  box.processes = () => [];
  const { run, clock } = start(box);
  run.go();
  const stopping = run.cancel();
  await clock.runUntilSettled(stopping);
  expect(await stopping).toMatchObject({ survivors: 1, emptyAfterMs: null });
});

it("keeps killing until it works, and measures from the first signal", async () => {
  const box = new StubbornBox();
  box.diesOnPass = 4;
  const { run, clock } = start(box, { timing: { graceMs: 1_000, secondTermAfterMs: 400 } });
  run.go();
  const stopping = run.cancel();
  await clock.runUntilSettled(stopping);
  expect(await stopping).toMatchObject({ survivors: 0, signals: ["TERM", "TERM", "KILL"] });
  expect((await stopping).emptyAfterMs).toBeGreaterThanOrEqual(1_000);
  expect(box.passes).toEqual([0, 1, 2, 3, 4]);
  expect(box.disposed).toBe(1);
});

it("a system that cannot be looked at for a while delays the receipt and does not falsify it", async () => {
  const box = new StubbornBox();
  let refusals = 5;
  const refuse = (): never => {
    throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
  };
  const [kill, isEmpty] = [box.killAll.bind(box), box.isEmpty.bind(box)];
  box.processes = refuse;
  box.killAll = (pass) => (refusals-- > 0 ? refuse() : kill(pass));
  box.isEmpty = () => (refusals > 0 ? refuse() : isEmpty());
  box.diesOnPass = 1;
  const { run, clock } = start(box);
  run.go();
  const stopping = run.cancel();
  await clock.runUntilSettled(stopping);
  expect(await stopping).toMatchObject({ survivors: 0, emptyAfterMs: expect.any(Number) });

  const blind = new StubbornBox();
  blind.isEmpty = refuse;
  const other = start(blind);
  other.run.go();
  const never = other.run.cancel();
  await other.clock.runUntilSettled(never);
  expect(await never).toMatchObject({ survivors: 1, emptyAfterMs: null });
});

it("a payload that ends during the grace cuts it short", async () => {
  const box = new StubbornBox();
  box.diesOnPass = 0;
  const { run, clock, reported } = start(box, { timing: patient });
  run.go();
  const stopping = run.cancel();
  await clock.advance(500);
  reported.resolve({ status: 143, bySignal: true });
  await clock.runUntilSettled(stopping);
  expect(await run.exited).toEqual({ code: null, signal: "SIGTERM" });
  expect(await stopping).toMatchObject({ signals: ["TERM", "KILL"], survivors: 0 });
  expect(clock.monotonicMs()).toBeLessThan(1_000);
});

it("a signal cancels the run as `cancel` does, and with force cuts the grace short", async () => {
  const box = new StubbornBox();
  box.diesOnPass = 0;
  const signal = new Cancellation<string>();
  const { run, clock } = start(box, { timing: patient, signal });
  run.go();
  signal.cancel({ reason: "enough" });
  await clock.advance(500);
  expect(box.passes).toEqual([]);
  signal.cancel({ reason: "now", force: true });
  await clock.runUntilSettled(run.finish());
  expect(await run.finish()).toMatchObject({ signals: ["TERM", "KILL"], survivors: 0 });
  expect(clock.monotonicMs()).toBeLessThan(1_000);
});

it("a signal that was there before holds the payload back and empties the box at once", async () => {
  const box = new StubbornBox();
  box.diesOnPass = 0;
  const signal = new Cancellation<string>();
  signal.cancel({ reason: "too late" });
  const { run, clock } = start(box, { timing: patient, signal });
  run.go();
  await clock.runUntilSettled(run.finish());
  expect(await run.finish()).toMatchObject({ signals: ["KILL"], survivors: 0 });
});

it("a box that dies before it was let go is an end like any other", async () => {
  const box = new StubbornBox();
  box.alive = [];
  const { run, clock, ended } = start(box);
  ended.resolve({ code: 125, signal: null });
  await clock.runUntilSettled(run.finish());
  expect(await run.exited).toEqual({ code: 125, signal: null });
  expect(await run.finish()).toMatchObject({ survivors: 0, processesSeen: 0 });
});

it("a best-effort run gives up an output that somebody escaped with, after it has gone quiet", async () => {
  const box = new StubbornBox();
  box.alive = [];
  const { run, clock, launched, ended } = start(box, { level: "best-effort" });
  const stdout = launched.stdout as PassThrough;
  let read = "";
  stdout.on("data", (chunk) => (read += String(chunk)));
  run.go();
  stdout.write("still ");
  ended.resolve({ code: 0, signal: null });
  await clock.runUntilSettled(run.finish());
  stdout.write("talking");
  await clock.advance(1_000);
  expect(stdout.closed).toBe(true);
  expect(read).toBe("still talking");
});
