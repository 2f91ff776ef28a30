import { until } from "@agentcore/contract/testing";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ownerIsDead, processOwner, processState } from "./process-owner.ts";

it("this process owns its holds and is not dead", () => {
  const owner = processOwner();
  expect(owner.pid).toBe(process.pid);
  expect(ownerIsDead(owner)).toBe(false);
});

it("an owner is dead when its process has ended", async () => {
  const child = spawn(process.execPath, ["-e", "0"], { stdio: "ignore" });
  const { pid = 0 } = child;
  await once(child, "exit");
  expect(ownerIsDead({ pid, startTicks: null, bootId: null })).toBe(true);
});

it.runIf(process.platform === "linux")(
  "an owner is dead when its pid belongs to a later process, or the machine was restarted",
  () => {
    const owner = processOwner();
    expect(ownerIsDead({ ...owner, startTicks: (owner.startTicks ?? 0) - 1 })).toBe(true);
    expect(ownerIsDead({ ...owner, bootId: "another boot" })).toBe(true);
  },
);

it("a process that is dead and not reaped yet is dead", async () => {
  // The shell becomes a program that does not wait for the child that it inherits.
  const parent = spawn("sh", ["-c", "sh -c 'read line' <&3 & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "inherit", "pipe"],
  });
  const [printed] = (await once(parent.stdout!, "data")) as [Buffer];
  const owner = { pid: Number(printed.toString()), startTicks: null, bootId: null };
  // Until then, the shell would reap it.
  await until(() => readFileSync(`/proc/${parent.pid}/comm`, "utf8") === "sleep\n");
  expect(ownerIsDead(owner)).toBe(false);
  process.kill(owner.pid, "SIGKILL");
  await expect.poll(() => ownerIsDead(owner)).toBe(true);
  // It still exists, because nobody has reaped it.
  expect(process.kill(owner.pid, 0)).toBe(true);
  parent.kill("SIGKILL");
  await once(parent, "close");
});

it.runIf(process.platform === "linux")(
  "a process is provably alive by pid, start time and boot, also while it is stopped",
  async () => {
    expect(processState(processOwner())).toBe("alive");
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    const { pid = 0 } = child;
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const startTicks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
    const owner = { ...processOwner(), pid, startTicks };
    child.kill("SIGSTOP");
    await expect.poll(() => readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(") T ");
    expect(processState(owner)).toBe("alive");
    // Without the start time, another process may have the pid now.
    expect(processState({ ...owner, startTicks: null })).toBe("unknown");
    child.kill("SIGKILL");
    await expect.poll(() => processState(owner)).toBe("gone");
  },
);

it.runIf(process.platform === "linux")(
  "a pid of another namespace says nothing, whether or not there is such a process here",
  () => {
    const elsewhere = { ...processOwner(), pidNamespace: "pid:[1]" };
    expect(processState(elsewhere)).toBe("unknown");
    expect(processState({ ...elsewhere, pid: 2 ** 22 + 1 })).toBe("unknown");
    expect(processState({ ...elsewhere, bootId: "another boot" })).toBe("gone");
  },
);
