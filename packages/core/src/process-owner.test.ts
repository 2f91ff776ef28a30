import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { ownerIsDead, processOwner } from "./process-owner.ts";

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
