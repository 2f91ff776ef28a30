import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect, it } from "vitest";
import { isAlive, isDead, readProcess } from "@agentcore/contract";
import {
  childrenOf,
  descendantsOf,
  hasEnvironmentEntry,
  innermostPid,
  listNewestPids,
  listPids,
  signalProcess,
  uidOf,
} from "./proc.ts";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) {
    for (const fact of descendantsOf(child.pid as number)) signalProcess(fact, "SIGKILL");
    child.kill("SIGKILL");
  }
});

function start(command: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  return child;
}

it("names itself as the kernel does", () => {
  const self = readProcess(process.pid);
  expect(self).toMatchObject({ pid: process.pid, ppid: process.ppid });
  expect(uidOf(process.pid)).toBe(process.geteuid?.());
  expect(listPids()).toContain(process.pid);
  expect(innermostPid(process.pid)).toBe(process.pid);
});

it("knows nothing of a process that does not exist", () => {
  expect(readProcess(2 ** 30)).toBeNull();
  expect(isAlive({ pid: 2 ** 30, startTicks: 1 })).toBe(false);
  expect(childrenOf(2 ** 30)).toEqual([]);
  expect(innermostPid(2 ** 30)).toBeNull();
  expect(hasEnvironmentEntry(2 ** 30, "A=1")).toBe(false);
});

it("never signals a process that merely has the pid", async () => {
  const child = start("sleep", ["30"]);
  const fact = readProcess(child.pid as number);
  expect(fact).not.toBeNull();
  const former = { pid: child.pid as number, startTicks: (fact?.startTicks ?? 0) - 1 };
  expect(isAlive(former)).toBe(false);
  expect(signalProcess(former, "SIGKILL")).toBe("gone");
  expect(signalProcess(fact as { pid: number; startTicks: number }, "SIGKILL")).toBe("sent");
  const [, signal] = (await once(child, "exit")) as [number | null, string];
  expect(signal).toBe("SIGKILL");
});

it("counts a zombie as dead", async () => {
  // The shell becomes a sleep, which never reaps the child that the shell has left it.
  const child = start("/bin/sh", ["-c", "sleep 0.01 & echo $!; exec sleep 30"]);
  const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  const pid = Number(String(chunk));
  await expect.poll(() => readProcess(pid)?.state).toBe("Z");
  const zombie = readProcess(pid);
  expect(zombie && isDead(zombie)).toBe(true);
  expect(zombie && isAlive(zombie)).toBe(false);
  expect(zombie && signalProcess(zombie, "SIGTERM")).toBe("gone");
});

it("finds children and children's children", async () => {
  const child = start("/bin/sh", ["-c", "(sleep 31; true) & echo ready; wait"]);
  await once(child.stdout as NodeJS.ReadableStream, "data");
  await expect
    .poll(() => descendantsOf(child.pid as number).map((fact) => fact.name))
    .toEqual(["sh", "sleep"]);
  expect(childrenOf(child.pid as number)).toHaveLength(1);
});

it("sees the environment that a process was started with, by whole entries", () => {
  const child = start("sleep", ["30"], { MARK: "abc", MARKER: "x" });
  const pid = child.pid as number;
  expect(hasEnvironmentEntry(pid, "MARK=abc")).toBe(true);
  expect(hasEnvironmentEntry(pid, "MARK=ab")).toBe(false);
  expect(hasEnvironmentEntry(pid, "ARK=abc")).toBe(false);
});

it("lists the newest processes first", () => {
  const child = start("sleep", ["30"]);
  const pids = listNewestPids();
  expect(pids.indexOf(child.pid as number)).toBeLessThan(pids.indexOf(process.pid));
  expect(pids.indexOf(child.pid as number)).toBeGreaterThanOrEqual(0);
  // Pids descend, and begin again at most once: at the newest of the round before.
  expect(pids.filter((pid, index) => pid > (pids[index - 1] ?? Infinity)).length).toBeLessThanOrEqual(1);
});
