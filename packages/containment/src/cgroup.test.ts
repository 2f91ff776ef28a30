import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { cgroupDirectory, findCgroupParent, parseCgroupMount, parseOwnCgroup, RunCgroup } from "./cgroup.ts";

describe("the hierarchy is found", () => {
  it.each([
    [
      "alone",
      "25 1 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n",
      { root: "/", mountPoint: "/sys/fs/cgroup" },
    ],
    [
      "beside version 1",
      "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n41 31 0:38 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 none rw\n",
      { root: "/", mountPoint: "/sys/fs/cgroup/unified" },
    ],
    [
      "in a container, with a blank in its name",
      "9 8 0:26 /docker/ab\\040c /mnt/a\\040b ro - cgroup2 cgroup rw\n",
      { root: "/docker/ab c", mountPoint: "/mnt/a b" },
    ],
    ["not at all", "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", null],
  ])("%s", (_, mountinfo, mount) => {
    expect(parseCgroupMount(mountinfo)).toEqual(mount);
  });

  it.each([
    ["9:name=systemd:/x\n0::/user.slice/a.scope\n", "/user.slice/a.scope"],
    ["0::/\n", "/"],
    ["9:name=systemd:/x\n", null],
  ])("our place in %j", (text, own) => {
    expect(parseOwnCgroup(text)).toBe(own);
  });

  it.each([
    [{ root: "/", mountPoint: "/c" }, "/", "/c"],
    [{ root: "/", mountPoint: "/c" }, "/a/b", "/c/a/b"],
    [{ root: "/docker/1", mountPoint: "/c" }, "/docker/1/x", "/c/x"],
    [{ root: "/docker/1", mountPoint: "/c" }, "/docker/2", null],
  ])("the directory of %j %s", (mount, own, directory) => {
    expect(cgroupDirectory(mount, own)).toBe(directory);
  });
});

it("a cgroup counts, kills and goes, or there is a reason why there is none", async () => {
  const parent = findCgroupParent();
  if (!parent.available) {
    expect(parent.reason).not.toBe("");
    expect(RunCgroup.create(parent.directory ?? "/nonexistent", "test")).toBeNull();
    return;
  }
  const marker = `test-${process.pid}`;
  const cgroup = RunCgroup.create(parent.directory, marker) as RunCgroup;
  onTestFinished(async () => {
    cgroup.kill();
    await expect.poll(() => cgroup.remove()).toBe(true);
  });
  expect(RunCgroup.create(parent.directory, marker), "a marker is used once").toBeNull();
  expect(cgroup.isPopulated()).toBe(false);
  const script = 'mkdir "$1/below"; echo $$ >"$1/below/cgroup.procs"; sleep 30 & echo in; wait';
  const child = spawn("/bin/sh", ["-c", script, "sh", cgroup.directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  expect(cgroup.isPopulated()).toBe(true);
  await expect.poll(() => cgroup.pids().length).toBe(2);
  expect(cgroup.pids()).toContain(child.pid);
  expect(cgroup.remove(), "not while somebody is in it").toBe(false);
  expect(RunCgroup.open(cgroup.directory)?.kill()).toBe(true);
  await expect.poll(() => cgroup.isPopulated()).toBe(false);
  expect(cgroup.remove()).toBe(true);
  expect(existsSync(cgroup.directory)).toBe(false);
  expect(cgroup.remove(), "again").toBe(true);
  expect(cgroup.pids()).toEqual([]);
  expect(RunCgroup.open(path.join(parent.directory, "agentcore-none"))).toBeNull();
});
