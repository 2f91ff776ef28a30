import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openContainment } from "./open.ts";
import { implementationNames } from "./port.ts";
import { probeKey, readProbe, writeProbe } from "./probe-cache.ts";
import { findSystemProgram } from "./programs.ts";
import { probeContainment, type ImplementationReport } from "./probe.ts";

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(path.join(tmpdir(), "agentcore-open-"));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

const probe = await probeContainment();
const best = probe.implementations.find((report) => report.available);

it("the probe reports every implementation, with its level and a reason either way", () => {
  expect(probe.implementations.map((report) => report.implementation)).toEqual([...implementationNames]);
  for (const report of probe.implementations) {
    expect(report.level).toBe(report.implementation === "process-group" ? "best-effort" : "sealed");
    expect(report.reason).not.toBe("");
    expect(report.way === null).toBe(!report.available);
  }
  expect(probe.implementations.at(-1)).toMatchObject({ implementation: "process-group", available: true });
});

it("the best that is available is taken", async () => {
  const containment = await openContainment();
  expect(containment.implementation).toBe(best?.implementation);
  expect(containment.level).toBe(best?.level);
  expect(await containment.sweep()).toEqual({ runs: [] });
});

it("a particular one can be demanded", async () => {
  expect((await openContainment({ implementation: "process-group" })).implementation).toBe("process-group");
});

it("what is demanded and not there is refused, with the reason", async () => {
  await expect(
    openContainment({ implementation: "process-group", requireSealed: true }),
  ).rejects.toMatchObject({
    code: "AC_CONTAINMENT_UNAVAILABLE",
  });
});

it("cgroups can be declined, and the proof is then another", async () => {
  const containment = await openContainment({ cgroups: false });
  const run = await containment.start({
    command: "/bin/true",
    args: [],
    cwd: "/",
    env: {},
    marker: `no-cgroup-${process.pid}`,
  });
  run.go();
  expect(run.identity.cgroupPath).toBeNull();
  const provedBy = containment.level === "sealed" ? "pid-namespace" : "process-group";
  expect(await run.finish()).toMatchObject({ provedBy, survivors: 0 });
});

describe("where user namespaces are forbidden", () => {
  /** Runs a program without privileges in a user namespace that allows no further one. */
  const forbid =
    'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps -all --inh-caps -all --bounding-set -all -- "$@"';

  it("best-effort is what is left, and the reason is said", async () => {
    const program = fileURLToPath(new URL("./testing/print-probe.ts", import.meta.url));
    const node = [process.execPath, "--conditions=@agentcore/source", program];
    const outer = ["--user", "--map-current-user", "--keep-caps", "/bin/sh", "-c", forbid, "sh", ...node];
    const child = spawn(findSystemProgram("unshare") ?? "unshare-is-missing", outer, {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const printed = JSON.parse(await text(child.stdout)) as {
      implementation: string;
      level: string;
      reports: ImplementationReport[];
    };
    expect(printed).toMatchObject({ implementation: "process-group", level: "best-effort" });
    const unshare = printed.reports.find((report) => report.implementation === "unshare");
    expect(unshare).toMatchObject({
      available: false,
      reason: expect.stringContaining("user.max_user_namespaces"),
    });
  });
});

describe("the outcome of the probe is kept", () => {
  const key = probeKey();
  const marked = probe.implementations.map((report) => ({ ...report, reason: "from the cache" }));
  const hasSealed = probe.implementations.some((report) => report.available && report.level === "sealed");
  const cacheFile = (): string => path.join(stateDir, "containment-probe.json");

  it("and used by the next start", async () => {
    await openContainment({ stateDir });
    expect(existsSync(cacheFile())).toBe(hasSealed);
    writeProbe(cacheFile(), key, marked);
    const reasons = (await openContainment({ stateDir })).probe.implementations.map(
      (report) => report.reason,
    );
    expect(reasons.includes("from the cache")).toBe(hasSealed);
  });

  it.each([
    ["something it depends on has changed", () => JSON.stringify({ key: "other", implementations: marked })],
    ["it is damaged", () => "{"],
    ["it is something else", () => JSON.stringify({ key, implementations: "none" })],
  ])("but not used if %s", async (_, content) => {
    writeFileSync(cacheFile(), content());
    expect(readProbe(cacheFile(), key)).toBeNull();
    const { implementations } = (await openContainment({ stateDir })).probe;
    expect(implementations.map((report) => report.reason)).not.toContain("from the cache");
    if (hasSealed) expect(readProbe(cacheFile(), key)).toEqual(implementations);
  });

  it("but not if it found nothing sealed: the machine may only have been busy", () => {
    writeProbe(
      cacheFile(),
      key,
      probe.implementations.map((report) => ({ ...report, available: false })),
    );
    expect(existsSync(cacheFile())).toBe(false);
  });

  it("and asked again if it lacks what is demanded now", async () => {
    const without = marked.map((report) =>
      report.implementation === "process-group" ? { ...report, way: null } : report,
    );
    writeFileSync(cacheFile(), JSON.stringify({ key, implementations: without }));
    const containment = await openContainment({ stateDir, implementation: "process-group" });
    expect(containment.probe.implementations.map((report) => report.reason)).not.toContain("from the cache");
  });

  it("until a box cannot be built after all", async () => {
    const broken = marked.map((report) => ({
      ...report,
      available: true,
      way: {
        name: "unshare",
        unshare: "/nonexistent",
        setpriv: "/nonexistent",
        setsid: "/nonexistent",
        userNamespace: true,
      },
    }));
    writeFileSync(cacheFile(), JSON.stringify({ key, implementations: broken }));
    const containment = await openContainment({ stateDir });
    const refused = containment.start({
      command: "/bin/true",
      args: [],
      cwd: "/",
      env: {},
      marker: "broken",
    });
    await expect(refused).rejects.toMatchObject({
      code: "AC_WORKER_SPAWN",
      message: expect.stringContaining("/nonexistent"),
    });
    expect(existsSync(cacheFile())).toBe(false);
  });
});
