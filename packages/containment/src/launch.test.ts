import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Clock, systemClock } from "@agentcore/contract";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findCgroupParent } from "./cgroup.ts";
import { createContainment } from "./containment.ts";
import { launch } from "./launch.ts";
import { openRegistry } from "./registry.ts";
import { sightings } from "./testing/outside.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "agentcore-launch-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A box whose outermost program is something else altogether. */
function oddBox(file: string, clock: Clock = systemClock) {
  const parent = findCgroupParent();
  return createContainment({
    implementation: {
      name: "unshare",
      setpriv: file,
      unshare: "u",
      setsid: "s",
      userNamespace: false,
      root: false,
    },
    clock,
    cgroupParent: parent.available ? parent.directory : null,
    registry: openRegistry(directory),
    hidden: [],
  });
}

let runs = 0;
function command() {
  runs += 1;
  const marker = `launch-${process.pid}-${runs}`;
  return { command: "/bin/true", args: [marker], cwd: "/", env: {}, marker };
}

/** Nothing on record, no cgroup, no process. */
function expectNothingLeft(marker: string): void {
  expect(readdirSync(directory)).toEqual([]);
  expect(sightings(marker)).toEqual([]);
  const parent = findCgroupParent();
  if (parent.available) expect(readdirSync(parent.directory)).not.toContain(`agentcore-${marker}`);
}

it("a box that complains and dies is an error with its own words", async () => {
  const failing = command();
  // cat takes the options for the names of files that it does not know.
  await expect(oddBox("/bin/cat").start(failing)).rejects.toMatchObject({
    code: "AC_WORKER_SPAWN",
    message: expect.stringMatching(/ended before it was ready \(exit code 1.*pdeathsig/),
    evidence: { program: "/bin/cat", exitCode: 1 },
  });
  expectNothingLeft(failing.marker);
});

it("a box that dies without a word is an error too", async () => {
  const failing = command();
  await expect(oddBox("/bin/false").start(failing)).rejects.toMatchObject({
    code: "AC_WORKER_SPAWN",
    message: expect.stringContaining("no message"),
  });
  expectNothingLeft(failing.marker);
});

it("a program that is not there is an error that says so", async () => {
  const failing = command();
  await expect(oddBox("/nonexistent/setpriv").start(failing)).rejects.toMatchObject({
    code: "AC_WORKER_SPAWN",
    message: expect.stringContaining("/nonexistent/setpriv"),
  });
  expectNothingLeft(failing.marker);
});

it("a box that never becomes ready is given up and killed", async () => {
  const failing = command();
  // Every wait is over at once: fifteen seconds pass in no time.
  const hasty: Clock = { ...systemClock, setTimer: (_, fire) => systemClock.setTimer(20, fire) };
  const silent = path.join(directory, "silent");
  writeFileSync(silent, `#!/bin/sh\nexec sleep 300.${process.pid}\n`);
  chmodSync(silent, 0o755);
  await expect(oddBox(silent, hasty).start(failing)).rejects.toMatchObject({
    code: "AC_WORKER_SPAWN",
    message: expect.stringContaining("was not ready within"),
  });
  rmSync(silent);
  expectNothingLeft(failing.marker);
  expect(sightings(`300.${process.pid}`)).toEqual([]);
});

it("the word of a box that lies in the pipe is read before a timer that fires late is believed", async () => {
  const said = path.join(directory, "said");
  const box = path.join(directory, "box");
  writeFileSync(box, `#!/bin/sh\necho "ready 7" >&3\n: >${said}\nread -r word <&3\n`);
  chmodSync(box, 0o755);
  // The event loop is held up until the word is there, and goes on with the timers.
  const late: Clock = {
    ...systemClock,
    setTimer: (_, fire) =>
      systemClock.setTimer(0, () => {
        while (!existsSync(said));
        fire();
      }),
  };
  const launched = await launch({ file: box, args: [] }, command(), late);
  expect(launched.payloadInnermostPid).toBe(8);
  launched.release();
  expect(await launched.ended).toEqual({ code: 0, signal: null });
});

it("without setpriv, cgroup and registry a process group is still a box", async () => {
  const first = command();
  const containment = createContainment({
    implementation: { name: "process-group", setpriv: null },
    clock: systemClock,
    cgroupParent: null,
    registry: null,
    hidden: [],
  });
  const run = await containment.start(first);
  run.go();
  expect(await run.finish()).toMatchObject({ provedBy: "process-group", survivors: 0 });
});

it("a process without descriptors left for a box refuses that start, and goes on", async () => {
  // Whatever lifts the limit again must have been started before.
  const limit = (soft: string): string => `prlimit --pid ${process.pid} --nofile=${soft}:`;
  const open = readdirSync("/proc/self/fd").length;
  const before = /Max open files\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? "";
  const script = `${limit(String(open + 4))}; echo lowered; read -r line; ${limit(before)}; echo lifted`;
  const helper = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  await once(helper.stdout, "data");
  try {
    await expect(
      launch({ file: "/bin/sh", args: ["-c", "exit 0"] }, command(), systemClock),
    ).rejects.toMatchObject({
      code: "AC_WORKER_SPAWN",
      message: expect.stringContaining("EMFILE"),
    });
  } finally {
    helper.stdin.end("\n");
    await once(helper, "close");
  }
});
