import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { createIds, ownerIsDead, processOwner, systemClock, systemIds } from "./system.ts";

test("ids are UUIDv7, strictly increasing and without repeats", () => {
  const ids = Array.from({ length: 20_000 }, () => systemIds.next());
  expect(
    ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
  ).toBe(true);
  expect(ids).toEqual(ids.toSorted());
  expect(new Set(ids).size).toBe(ids.length);
});

test("an id begins with the milliseconds of its clock, and keeps growing when the clock goes back", () => {
  const times = [0x0192_3456_789a, 0x0192_3456_789a, 5];
  const ids = createIds({ now: () => times.shift() ?? 5 });
  const made = [ids.next(), ids.next(), ids.next()];
  expect(made.map((id) => id.slice(0, 18))).toEqual([
    "01923456-789a-7000",
    "01923456-789a-7001",
    "01923456-789a-7002",
  ]);
});

test("more ids than a millisecond can count run into the next one", () => {
  const ids = createIds({ now: () => 0xffff });
  const made = Array.from({ length: 5000 }, () => ids.next());
  expect(made[4095]?.slice(0, 18)).toBe("00000000-ffff-7fff");
  expect(made[4096]?.slice(0, 18)).toBe("00000001-0000-7000");
  expect(made).toEqual(made.toSorted());
});

test("a timer fires once after its delay, and a cancelled one never", async () => {
  const fired: string[] = [];
  const cancelled = systemClock.setTimer(1, () => fired.push("cancelled"));
  cancelled.cancel();
  const startedMs = systemClock.monotonicMs();
  await new Promise<void>((resolve) => {
    systemClock.setTimer(15, () => {
      fired.push("kept");
      resolve();
    });
  });
  expect(systemClock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(14);
  expect(fired).toEqual(["kept"]);
});

test("a timer longer than setTimeout can hold does not fire at once", async () => {
  let fired = false;
  const timer = systemClock.setTimer(2 ** 40, () => {
    fired = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  timer.cancel();
  expect(fired).toBe(false);
});

test("this process owns its holds and is not dead", () => {
  const owner = processOwner();
  expect(owner.pid).toBe(process.pid);
  expect(ownerIsDead(owner)).toBe(false);
});

test("an owner is dead when its process has ended", async () => {
  const child = spawn(process.execPath, ["-e", "0"], { stdio: "ignore" });
  const { pid = 0 } = child;
  await once(child, "exit");
  expect(ownerIsDead({ pid, startTicks: null, bootId: null })).toBe(true);
});

test.runIf(process.platform === "linux")(
  "an owner is dead when its pid belongs to a later process, or the machine was restarted",
  () => {
    const owner = processOwner();
    expect(ownerIsDead({ ...owner, startTicks: (owner.startTicks ?? 0) - 1 })).toBe(true);
    expect(ownerIsDead({ ...owner, bootId: "another boot" })).toBe(true);
  },
);

test("a process that is dead and not reaped yet is dead", async () => {
  // The shell becomes a program that does not wait for the child it was left with.
  const parent = spawn("sh", ["-c", "sh -c 'read line' <&3 & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "inherit", "pipe"],
  });
  const [printed] = (await once(parent.stdout!, "data")) as [Buffer];
  const owner = { pid: Number(printed.toString()), startTicks: null, bootId: null };
  expect(ownerIsDead(owner)).toBe(false);
  process.kill(owner.pid, "SIGKILL");
  await expect.poll(() => ownerIsDead(owner)).toBe(true);
  // It is still there: nobody has reaped it.
  expect(process.kill(owner.pid, 0)).toBe(true);
  parent.kill("SIGKILL");
  await once(parent, "close");
});
