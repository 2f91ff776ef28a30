import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { isAlive, pidNamespaceOf, readBootId, readProcess, type RunIdentity } from "@agentcore/contract";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findCgroupParent, RunCgroup } from "./cgroup.ts";
import { markerVariable } from "./port.ts";
import { listRecords, openRegistry, parseRecord, recordFile, type ContainedRunRecord } from "./registry.ts";
import { judgeRecord, lookAtRegistry, sweepRegistry } from "./sweep.ts";
import { availableImplementations } from "./testing/available.ts";
import { isReleased, sightings } from "./testing/outside.ts";

let directory: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "agentcore-sweep-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

const owner = { pid: 2 ** 22, startTicks: 1, pidNamespace: pidNamespaceOf("self") };

function record(marker: string, more: Partial<ContainedRunRecord> = {}): ContainedRunRecord {
  const bootId = readBootId();
  return {
    version: 1,
    marker,
    implementation: "process-group",
    cgroupPath: null,
    bootId,
    owner,
    identity: null,
    ...more,
  };
}

function write(entry: ContainedRunRecord): string {
  const file = recordFile(directory, entry.marker);
  writeFileSync(file, JSON.stringify(entry), { mode: 0o600 });
  return file;
}

/** A process that would run for minutes; with a marker or without. */
function sleeper(marker?: string): ChildProcess {
  const env = { PATH: process.env.PATH, ...(marker !== undefined && { [markerVariable]: marker }) };
  const child = spawn("sleep", ["300"], { env, stdio: "ignore", detached: true });
  children.push(child);
  return child;
}

function identityOf(pid: number, marker: string, more: Partial<RunIdentity> = {}): RunIdentity {
  return {
    marker,
    implementation: "process-group",
    hostPid: pid,
    hostPidStartTicks: readProcess(pid)?.startTicks ?? null,
    pidNamespace: null,
    cgroupPath: null,
    bootId: readBootId(),
    ...more,
  };
}

describe("a record is judged", () => {
  const facts = { bootId: readBootId(), pidNamespace: owner.pidNamespace, ownerAlive: false };
  it.each([
    ["its owner is gone", record("m"), facts, "sweep"],
    ["its owner lives", record("m"), { ...facts, ownerAlive: true }, "owned"],
    ["it is of an earlier boot", record("m", { bootId: "earlier" }), facts, "gone"],
    [
      "it is of an earlier boot and its owner's pid is in use again",
      record("m", { bootId: "earlier" }),
      { ...facts, ownerAlive: true },
      "gone",
    ],
    [
      "it is another container's",
      record("m", { owner: { ...owner, pidNamespace: "pid:[1]" } }),
      facts,
      "foreign",
    ],
    ["there is no /proc to look in", record("m", { bootId: null }), { ...facts, bootId: null }, "foreign"],
  ] as const)("when %s", (_, entry, known, verdict) => {
    expect(judgeRecord(entry, known)).toBe(verdict);
  });
});

it("the registry writes a run down whole, adds who it is, and strikes it out", async () => {
  const registry = openRegistry(path.join(directory, "below", "runs"));
  const handle = registry.add({ marker: "a", implementation: "unshare", cgroupPath: "/c/agentcore-a" });
  const file = recordFile(registry.directory, "a");
  const before = parseRecord(readFileSync(file, "utf8"));
  expect(before).toMatchObject({
    marker: "a",
    cgroupPath: "/c/agentcore-a",
    identity: null,
    owner: { pid: process.pid },
  });
  await handle.identify(identityOf(process.pid, "a"));
  expect(parseRecord(readFileSync(file, "utf8"))?.identity?.hostPid).toBe(process.pid);
  expect(readdirSync(registry.directory)).toEqual(["a.json"]);
  handle.end(0);
  handle.end(0);
  expect(readdirSync(registry.directory)).toEqual([]);
});

it("the registry is made again where its directory was removed while it was open", async () => {
  const place = path.join(directory, "below", "runs");
  const registry = openRegistry(place);
  rmSync(path.dirname(place), { recursive: true });
  registry.add({ marker: "m", implementation: "process-group", cgroupPath: null }).end(1);
  expect(listRecords(place, Date.now())).toMatchObject([{ record: { marker: "m", givenUp: true } }]);
});

it("a marker is one run's only, as long as that is on record", () => {
  const registry = openRegistry(directory);
  const run = { marker: "a", implementation: "unshare", cgroupPath: null };
  const first = registry.add(run);
  expect(() => registry.add(run)).toThrow(expect.objectContaining({ code: "AC_JOB_INVALID" }));
  expect(readdirSync(directory)).toEqual(["a.json"]);
  first.end(0);
  registry.add(run).end(0);
});

it("a registry that cannot be written is a typed error that names it", () => {
  const blocked = path.join(directory, "file");
  writeFileSync(blocked, "");
  expect(() => openRegistry(path.join(blocked, "runs"))).toThrow(
    expect.objectContaining({ code: "AC_STORE_UNAVAILABLE", message: expect.stringContaining(blocked) }),
  );
});

it.each([
  ["", null],
  ["{", null],
  ["null", null],
  ["[]", null],
  ['{"version":1}', null],
  [JSON.stringify({ ...record("m"), version: 2 }), null],
  [JSON.stringify({ ...record("m"), owner: { pid: "1" } }), null],
  [JSON.stringify({ ...record("m"), identity: {} }), null],
  [JSON.stringify(record("m")), record("m")],
])("reads the record %s", (text, expected) => {
  expect(parseRecord(text)).toEqual(expected);
});

it("sweeps nothing where there is nothing", async () => {
  expect(await sweepRegistry(path.join(directory, "missing"))).toEqual({ runs: [] });
});

it("kills the marked processes of a run whose owner is gone, and nobody else's", async () => {
  const [mine, stranger] = [sleeper("run-1"), sleeper("run-2")];
  write(record("run-1"));
  await expect.poll(() => readProcess(mine.pid as number)?.name).toBe("sleep");
  const report = await sweepRegistry(directory);
  expect(report.runs).toMatchObject([{ marker: "run-1", verdict: "emptied", found: 1, survivors: [] }]);
  await expect.poll(() => mine.signalCode).toBe("SIGKILL");
  expect(stranger.signalCode).toBeNull();
  expect(readdirSync(directory)).toEqual([]);
});

it("leaves the runs of a living owner alone, of this process and of others", async () => {
  const child = sleeper("run-3");
  const self = readProcess(process.pid);
  write(record("run-3", { owner: { ...owner, pid: process.pid, startTicks: self?.startTicks ?? 0 } }));
  const report = await sweepRegistry(directory);
  expect(report.runs).toMatchObject([{ marker: "run-3", verdict: "owned", found: 0 }]);
  expect(child.signalCode).toBeNull();
  expect(readdirSync(directory)).toEqual(["run-3.json"]);
});

it("takes an owner whose pid now belongs to somebody else for gone", async () => {
  write(record("run-4", { owner: { ...owner, pid: process.pid, startTicks: 1 } }));
  expect((await sweepRegistry(directory)).runs).toMatchObject([{ verdict: "gone" }]);
  expect(readdirSync(directory)).toEqual([]);
});

it("does not signal a process that merely has the recorded pid", async () => {
  const stranger = sleeper();
  const pid = stranger.pid as number;
  const ticks = readProcess(pid)?.startTicks ?? 0;
  write(record("run-5", { identity: identityOf(pid, "run-5", { hostPidStartTicks: ticks - 1 }) }));
  write(
    record("run-6", {
      identity: identityOf(pid, "run-6", { pidNamespace: "pid:[1]", implementation: "unshare" }),
    }),
  );
  const report = await sweepRegistry(directory);
  expect(report.runs.map((run) => run.verdict)).toEqual(["gone", "gone"]);
  expect(stranger.signalCode).toBeNull();
});

it("does not touch a cgroup that a record points to but that is not the run's", async () => {
  const parent = findCgroupParent();
  // Without cgroups the record below points nowhere, and must be struck out all the same.
  const other = parent.available ? RunCgroup.create(parent.directory, `other-${process.pid}`) : null;
  write(record("run-7", { cgroupPath: other?.directory ?? "/sys/fs/cgroup/agentcore-none" }));
  expect((await sweepRegistry(directory)).runs).toMatchObject([{ verdict: "gone" }]);
  if (other !== null) expect(existsSync(other.directory)).toBe(true);
  other?.remove();
});

it("sets aside a record that says nothing, once nothing of its run is alive, and reports it once", async () => {
  writeFileSync(path.join(directory, "odd.json"), "{");
  writeFileSync(path.join(directory, "notes.txt"), "not ours");
  const report = await sweepRegistry(directory);
  expect(report.runs).toMatchObject([
    {
      file: path.join(directory, "odd.json"),
      marker: "odd",
      verdict: "unreadable",
      damage: expect.any(String),
    },
  ]);
  expect(readdirSync(directory).sort()).toEqual(["notes.txt", "odd.json.unreadable"]);
  expect((await sweepRegistry(directory)).runs).toEqual([]);
});

it("an empty record of a run that is alive is told of by its marker, and nothing is killed", async () => {
  const child = sleeper("run-12");
  writeFileSync(path.join(directory, "run-12.json"), "", { mode: 0o600 });
  await expect.poll(() => readProcess(child.pid as number)?.name).toBe("sleep");
  const left = { marker: "run-12", verdict: "left", damage: "it is empty", survivors: [{ pid: child.pid }] };
  expect(lookAtRegistry(directory)).toMatchObject([left]);
  expect((await sweepRegistry(directory)).runs).toMatchObject([left]);
  expect(child.signalCode).toBeNull();
  child.kill("SIGKILL");
  await once(child, "exit");
  expect((await sweepRegistry(directory)).runs).toMatchObject([{ verdict: "unreadable" }]);
});

describe("a planted record has nobody killed and blocks nothing:", () => {
  const planted = (marker: string, child: ChildProcess, more: Partial<RunIdentity> = {}) =>
    record(marker, { identity: identityOf(child.pid as number, marker, more) });
  it.each<[string, (child: ChildProcess) => ContainedRunRecord]>([
    ["a pid of our own namespace", (child) => planted("p-1", child)],
    [
      "a pid, with our own namespace named",
      (child) => planted("p-2", child, { pidNamespace: owner.pidNamespace }),
    ],
    [
      "a session, as the leader of a process group",
      (child) => planted("p-3", child, { implementation: "process-group" }),
    ],
    [
      "a directory that looks like a cgroup",
      (child) => {
        const cgroupPath = path.join(directory, "agentcore-p-4");
        mkdirSync(cgroupPath);
        writeFileSync(path.join(cgroupPath, "cgroup.procs"), `${child.pid}\n`);
        writeFileSync(path.join(cgroupPath, "cgroup.events"), "populated 1\n");
        return record("p-4", { cgroupPath });
      },
    ],
  ])("%s", async (_, plant) => {
    const stranger = sleeper();
    await expect.poll(() => readProcess(stranger.pid as number)?.name).toBe("sleep");
    write(plant(stranger));
    expect((await sweepRegistry(directory)).runs).toMatchObject([{ verdict: "gone", found: 0 }]);
    expect(stranger.signalCode).toBeNull();
  });

  it("another run's name in a file of its own", async () => {
    const other = sleeper("run-13");
    await expect.poll(() => readProcess(other.pid as number)?.name).toBe("sleep");
    const file = path.join(directory, "p-5.json");
    writeFileSync(file, JSON.stringify(planted("run-13", other)), { mode: 0o600 });
    expect((await sweepRegistry(directory)).runs).toMatchObject([{ marker: "p-5", verdict: "unreadable" }]);
    expect(other.signalCode).toBeNull();
  });

  it.each(["fifo", "link", "directory", "shared"])("a %s in the place of a record", async (kind) => {
    const file = path.join(directory, "p-6.json");
    if (kind === "fifo") execFileSync("mkfifo", [file]);
    if (kind === "link") symlinkSync("/dev/zero", file);
    if (kind === "directory") mkdirSync(file);
    if (kind === "shared") {
      writeFileSync(file, JSON.stringify(record("p-6")));
      chmodSync(file, 0o666);
    }
    expect((await sweepRegistry(directory)).runs).toMatchObject([{ marker: "p-6", verdict: "unreadable" }]);
    expect((await sweepRegistry(directory)).runs).toEqual([]);
  });
});

it("removes a half-written file only when it is old", () => {
  const file = path.join(directory, "x.json.1.tmp");
  writeFileSync(file, "{");
  expect(listRecords(directory, Date.now())).toEqual([]);
  expect(existsSync(file)).toBe(true);
  utimesSync(file, 1, 1);
  expect(listRecords(directory, Date.now())).toEqual([]);
  expect(existsSync(file)).toBe(false);
});

it("a look names what a sweep would end, and ends nothing", async () => {
  const child = sleeper("run-9");
  write(record("run-9", { label: "job#1", cwd: "/w" }));
  write(record("run-10"));
  writeFileSync(path.join(directory, "odd.json"), "{");
  await expect.poll(() => readProcess(child.pid as number)?.name).toBe("sleep");
  expect(lookAtRegistry(directory)).toMatchObject([
    {
      marker: "run-9",
      label: "job#1",
      cwd: "/w",
      verdict: "left",
      survivors: [{ pid: child.pid, name: "sleep" }],
    },
  ]);
  expect(child.signalCode).toBeNull();
  expect(readdirSync(directory).sort()).toEqual(["odd.json", "run-10.json", "run-9.json"]);
  await sweepRegistry(directory);
  expect(lookAtRegistry(directory)).toEqual([]);
});

it("what its owner has given up is swept, also while the owner lives", async () => {
  const registry = openRegistry(directory);
  const handle = registry.add({ marker: "run-11", cwd: "/w", implementation: "unshare", cgroupPath: null });
  await handle.identify(identityOf(1, "run-11", { pidNamespace: "pid:[1]" }));
  expect((await sweepRegistry(directory)).runs).toMatchObject([{ verdict: "owned" }]);
  handle.end(2);
  expect(parseRecord(readFileSync(recordFile(directory, "run-11"), "utf8"))?.identity?.hostPid).toBe(1);
  expect((await sweepRegistry(directory)).runs).toMatchObject([{ verdict: "gone", cwd: "/w" }]);
  expect(readdirSync(directory)).toEqual([]);
});

it("two sweeps at once do no harm", async () => {
  const child = sleeper("run-8");
  write(record("run-8"));
  await expect.poll(() => readProcess(child.pid as number)?.name).toBe("sleep");
  const reports = await Promise.all([sweepRegistry(directory), sweepRegistry(directory)]);
  expect(reports.flatMap((report) => report.runs.map((run) => run.survivors))).toEqual([[], []]);
  await expect.poll(() => child.signalCode).toBe("SIGKILL");
});

describe.each(await availableImplementations())("$implementation", ({ implementation }) => {
  it("after the death of a supervisor, a sweep finds what is left by its record and clears it", async () => {
    const supervisor = spawn(
      process.execPath,
      [
        "--conditions=@agentcore/source",
        fileURLToPath(new URL("./testing/supervisor.ts", import.meta.url)),
        implementation,
        directory,
      ],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    children.push(supervisor);
    const token = `${process.pid}${Date.now()}`;
    const lines = createInterface({ input: supervisor.stdout });
    await once(lines, "line");
    // Kinds a and b keep their environment: those that a best-effort sweep must find.
    supervisor.stdin.write(`${JSON.stringify({ do: "start", token, kinds: "ab" })}\n`);
    await expect.poll(() => sightings(token).filter(isReleased).length).toBeGreaterThanOrEqual(3);
    const [file] = listRecords(path.join(directory, "runs"), Date.now());
    const recorded = file?.record;
    expect(recorded?.identity?.implementation).toBe(implementation);
    supervisor.kill("SIGKILL");
    await once(supervisor, "exit");
    const report = await sweepRegistry(path.join(directory, "runs"));
    expect(report.runs).toHaveLength(1);
    expect(["emptied", "gone"]).toContain(report.runs[0]?.verdict);
    expect(sightings(token)).toEqual([]);
    expect(readdirSync(path.join(directory, "runs"))).toEqual([]);
    const { identity } = recorded as ContainedRunRecord;
    expect(isAlive({ pid: identity?.hostPid ?? 0, startTicks: identity?.hostPidStartTicks ?? 0 })).toBe(
      false,
    );
    if (identity?.cgroupPath) expect(existsSync(identity.cgroupPath)).toBe(false);
  });
});

it("the directory of records is its owner's alone", () => {
  openRegistry(path.join(directory, "runs"));
  expect(statSync(path.join(directory, "runs")).mode & 0o777).toBe(0o700);
});

it("what a run is for is reported with it, also while its owner lives", async () => {
  const me = readProcess(process.pid);
  const living = { ...owner, pid: process.pid, startTicks: me?.startTicks ?? 0 };
  write(record("labelled", { owner: living, label: "job#1" }));
  write(record("unlabelled", { owner: living }));
  const { runs } = await sweepRegistry(directory);
  const labels = Object.fromEntries(runs.map(({ marker, label, verdict }) => [marker, { label, verdict }]));
  expect(labels).toEqual({
    labelled: { label: "job#1", verdict: "owned" },
    unlabelled: { label: null, verdict: "owned" },
  });
});
