import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, chmodSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { controllersOf, RunCgroup } from "./cgroup.ts";
import type { Implementation } from "./implementations.ts";
import { limitEnforcement, type LimitsEnforced } from "./run-limits.ts";
import { availableImplementations } from "./testing/available.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "agentcore-limits-"));
  chmodSync(directory, 0o777);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Found {
  readonly implementation: string;
  readonly limits: LimitsEnforced;
  readonly exits: Readonly<Record<string, unknown>>;
}

async function limitedRuns(implementations: readonly string[], uid: number | null): Promise<Found[]> {
  const file = fileURLToPath(new URL("./testing/limited-runs.ts", import.meta.url));
  const user = uid === null ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const node = [process.execPath, "--conditions=@agentcore/source", file, directory, ...implementations];
  const [command = "", ...args] = [...user, ...node];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  return JSON.parse(await text(child.stdout)) as Found[];
}

const implementations = (await availableImplementations()).map(({ implementation }) => implementation);

it.each(process.geteuid?.() === 0 ? [null, 12_345] : [null])(
  "what is said to be enforced is, uid %s",
  async (uid) => {
    const found = await limitedRuns(implementations, uid);
    expect(found.map(({ implementation }) => implementation)).toEqual(implementations);
    const within = { processesWithin: 0, memoryWithin: 0, fileWithin: 0, limitStays: 0 };
    for (const { implementation, limits, exits } of found) {
      const isRefused = {
        memory: exits["memoryBeyond"] !== 0,
        processes: exits["processesBeyond"] !== 0,
      };
      expect({ implementation, ...exits, isRefused }).toMatchObject({
        implementation,
        ...within,
        fileBeyond: "SIGXFSZ",
        isRefused: { memory: limits.memory.enforced, processes: limits.processes.enforced },
      });
    }
  },
);

describe("in a cgroup", () => {
  const made = (files: readonly string[]): RunCgroup => {
    mkdirSync(path.join(directory, "agentcore-m"));
    for (const file of ["cgroup.procs", ...files])
      writeFileSync(path.join(directory, "agentcore-m", file), "max");
    return RunCgroup.open(path.join(directory, "agentcore-m")) as RunCgroup;
  };
  const content = (file: string): string => readFileSync(path.join(directory, "agentcore-m", file), "utf8");
  const limits = { processes: 10, memoryBytes: 4096, fileBytes: 1 };

  it("the controllers that are there get the limits, and what ran into them is known by their events", () => {
    const cgroup = made(["pids.max", "pids.events", "memory.max", "memory.swap.max", "memory.oom.group"]);
    expect(controllersOf(cgroup.directory)).toEqual(["pids", "memory"]);
    expect(cgroup.limit(limits, 1)).toEqual(new Set(["processes", "memory"]));
    // Written over the longer "max": the kernel takes each write as a whole.
    expect(content("pids.max")).toMatch(/^11/);
    expect(content("memory.max")).toBe("4096");
    expect(content("memory.swap.max")).toMatch(/^0/);
    expect(content("memory.oom.group")).toMatch(/^1/);
    expect(cgroup.limitsReached()).toEqual([]);
    const events = "low 0\nhigh 0\nmax 8\noom 1\noom_kill 2\noom_group_kill 1\n";
    writeFileSync(path.join(cgroup.directory, "memory.events"), events);
    writeFileSync(path.join(cgroup.directory, "pids.events"), "max 0\n");
    expect(cgroup.limitsReached(), "reclaim at the limit is not its end").toEqual(["memory"]);
    writeFileSync(path.join(cgroup.directory, "pids.events"), "max 3\n");
    expect(cgroup.limitsReached()).toEqual(["processes", "memory"]);
  });

  it("a controller that is not there holds nothing, and no file is made for it", () => {
    const cgroup = made(["memory.max"]);
    expect(controllersOf(cgroup.directory)).toEqual(["memory"]);
    expect(cgroup.limit(limits, 1)).toEqual(new Set(["memory"]));
    expect(() => content("pids.max")).toThrow("ENOENT");
    expect(cgroup.limit({}, 1), "nothing asked for").toEqual(new Set());
  });
});

it("processes are limited only where the run alone is counted", () => {
  const unshare = { name: "unshare", unshare: "", setpriv: "", setsid: "" } as const;
  const enforced = (way: Implementation, controllers: readonly ("pids" | "memory")[] = []): boolean =>
    limitEnforcement(way, controllers).processes.enforced;
  expect(enforced({ ...unshare, userNamespace: true, root: false })).toBe(true);
  expect(enforced({ ...unshare, userNamespace: false, root: true })).toBe(false);
  expect(enforced({ ...unshare, userNamespace: true, root: true }), "root is not counted").toBe(false);
  expect(enforced({ name: "process-group", setpriv: null })).toBe(false);
  expect(enforced({ name: "process-group", setpriv: null }, ["pids"])).toBe(true);
});
