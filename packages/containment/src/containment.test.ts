import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Clock, isAlive, systemClock } from "@agentcore/contract";
import { openContainment, type Contained, type ContainedCommand, type OpenedContainment } from "./index.ts";
import { availableImplementations } from "./testing/available.ts";
import { sightings } from "./testing/outside.ts";

const stateDir = mkdtempSync(path.join(tmpdir(), "agentcore-containment-"));
const workDir = path.join(stateDir, "a b");
mkdirSync(workDir);
afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

let runs = 0;
function command(script: string, more: Partial<ContainedCommand> = {}): ContainedCommand {
  runs += 1;
  return {
    command: "/bin/sh",
    args: ["-c", script, `run-${process.pid}-${runs}-of-the-tests`],
    cwd: workDir,
    env: { PATH: process.env.PATH ?? "" },
    marker: `test-${process.pid}-${runs}`,
    ...more,
  };
}

/** Collects what a run prints; both streams have ended when the promise settles. */
async function outputOf(run: Contained): Promise<{ stdout: string; stderr: string }> {
  const output = { stdout: "", stderr: "" };
  run.stdout.on("data", (chunk) => (output.stdout += String(chunk)));
  run.stderr.on("data", (chunk) => (output.stderr += String(chunk)));
  await Promise.all([once(run.stdout, "close"), once(run.stderr, "close")]);
  return output;
}

/** Waits for a line on stdout and keeps reading. */
async function untilPrinted(run: Contained, line: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  run.stdout.on("data", (chunk) => {
    text += String(chunk);
    if (text.includes(line)) resolve(text);
  });
  return promise;
}

/** The real clock, which a test may set forward: what is due by then fires. */
function skippingClock(): Clock & { skip(durationMs: number): void } {
  let skippedMs = 0;
  const waiting = new Set<{ readonly atMs: number; fire(): void }>();
  const monotonicMs = (): number => systemClock.monotonicMs() + skippedMs;
  return {
    now: () => systemClock.now() + skippedMs,
    monotonicMs,
    setTimer(delayMs, callback) {
      const due = { atMs: monotonicMs() + delayMs, fire: () => waiting.delete(due) && callback() };
      waiting.add(due);
      const timer = systemClock.setTimer(delayMs, due.fire);
      return {
        cancel() {
          waiting.delete(due);
          timer.cancel();
        },
      };
    },
    skip(durationMs) {
      skippedMs += durationMs;
      for (const due of waiting) if (due.atMs <= monotonicMs()) due.fire();
    },
  };
}

const implementations = await availableImplementations();

describe.each(implementations)("$implementation", ({ implementation, level }) => {
  let containment: OpenedContainment;
  beforeAll(async () => {
    containment = await openContainment({ implementation, stateDir });
  });
  afterEach(() => {
    const onRecord = readdirSync(path.join(stateDir, "runs"));
    if (onRecord.length > 0) throw new Error(`left on record: ${onRecord.join(", ")}`);
  });

  it.each([
    ["exit 0", { code: 0, signal: null }],
    ["exit 3", { code: 3, signal: null }],
    ["exit 143", { code: 143, signal: null }],
    ["kill -TERM $$", { code: null, signal: "SIGTERM" }],
    ["kill -SEGV $$", { code: null, signal: "SIGSEGV" }],
    ["kill -KILL $$", { code: null, signal: "SIGKILL" }],
  ])("tells how %s ended, and that nothing is left", async (script, exit) => {
    const run = await containment.start(command(script));
    const output = outputOf(run);
    run.go();
    expect(await run.exited).toEqual(exit);
    expect(await run.finish()).toMatchObject({
      level,
      implementation,
      processesSeen: 1,
      survivors: 0,
      signals: [],
      emptyAfterMs: expect.any(Number),
    });
    expect(await output).toEqual({ stdout: "", stderr: "" });
    expect(run.survivors()).toEqual([]);
  });

  it("hands the payload exactly its arguments, directory and environment", async () => {
    const args = ["", "a b", "$HOME", "*", "it's", "--", "-c", 'q"q', "line\nline", "ü"];
    const script = 'for a in "$@"; do printf "%s|" "$a"; done; pwd; env | sort';
    const run = await containment.start(
      command(script, {
        args: ["-c", script, "sh", ...args],
        env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", A_1: "x=y z" },
      }),
    );
    const output = outputOf(run);
    run.go();
    await run.finish();
    const [listed = "", cwd, ...env] = (await output).stdout.slice(args.join("|").length + 1).split("\n");
    expect((await output).stdout.startsWith(`${args.join("|")}|`)).toBe(true);
    expect(listed).toBe(workDir);
    // Besides these a shell may add what it keeps for itself.
    const shellsOwn = new Set(["", "_", "OLDPWD", "SHLVL"]);
    const names = [cwd, ...env]
      .map((line) => line?.split("=")[0] ?? "")
      .filter((name) => !shellsOwn.has(name));
    expect(new Set(names)).toEqual(new Set(["A_1", "AGENTCORE_RUN_ID", "LANG", "PATH", "PWD"]));
    expect(env.concat(cwd ?? "")).toContain(`AGENTCORE_RUN_ID=${run.identity.marker}`);
  });

  it("carries a megabyte in and out, and both ends close", async () => {
    const run = await containment.start(command("cat"));
    const output = outputOf(run);
    run.go();
    const text = "0123456789abcde\n".repeat(2 ** 16);
    run.stdin.end(text);
    expect((await output).stdout).toBe(text);
    expect((await run.finish()).survivors).toBe(0);
  });

  it("survives a payload that never reads its stdin", async () => {
    const run = await containment.start(command("exec 0<&-; sleep 0.05"));
    run.go();
    run.stdin.write("x".repeat(2 ** 20));
    expect(await run.exited).toEqual({ code: 0, signal: null });
    expect((await run.finish()).survivors).toBe(0);
  });

  it("does not run the payload before go", async () => {
    const run = await containment.start(command("echo ran"));
    const output = outputOf(run);
    expect(isAlive({ pid: run.identity.hostPid, startTicks: run.identity.hostPidStartTicks ?? 0 })).toBe(
      true,
    );
    expect(readdirSync(path.join(stateDir, "runs"))).toEqual([`${run.identity.marker}.json`]);
    const receipt = await run.cancel();
    expect(receipt).toMatchObject({ processesSeen: expect.any(Number), survivors: 0 });
    expect(receipt.signals[0]).toBe("KILL");
    run.go();
    expect(await run.exited).toEqual({ code: null, signal: "SIGKILL" });
    expect((await output).stdout).toBe("");
  });

  it("stops with TERM alone where that is enough", async () => {
    const run = await containment.start(
      command("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.02; done"),
    );
    const printed = untilPrinted(run, "up");
    run.go();
    await printed;
    const bye = untilPrinted(run, "bye");
    const receipt = await run.cancel();
    expect(await run.exited).toEqual({ code: 7, signal: null });
    await bye;
    // The sleep that was running may be there for a moment longer, and is then killed.
    expect(receipt.signals[0]).toBe("TERM");
    expect(receipt.signals.filter((signal) => signal === "TERM")).toHaveLength(1);
    expect(receipt.survivors).toBe(0);
  });

  it("goes on to a second TERM and to KILL where TERM is ignored", async () => {
    const clock = skippingClock();
    const patient = await openContainment({ implementation, stateDir, clock });
    const script = "n=0; trap 'n=$((n + 1)); echo term $n' TERM; echo up; while :; do sleep 0.01; done";
    const run = await patient.start(command(script, { graceMs: 900_000, secondTermAfterMs: 300_000 }));
    const said = ["up", "term 1", "term 2"].map((line) => untilPrinted(run, line));
    run.go();
    await said[0];
    const receipt = run.cancel();
    await said[1];
    clock.skip(300_000);
    await said[2];
    clock.skip(600_000);
    expect((await receipt).signals.slice(0, 3)).toEqual(["TERM", "TERM", "KILL"]);
    expect((await receipt).emptyAfterMs).toBeGreaterThanOrEqual(900_000);
    expect(await run.exited).toEqual({ code: null, signal: "SIGKILL" });
  });

  it("kills at once when asked to, also in the middle of a patient cancel", async () => {
    const script = "trap '' TERM; echo up; while :; do sleep 0.01; done";
    const patience = { graceMs: 600_000, secondTermAfterMs: 300_000 };
    const run = await containment.start(command(script, patience));
    const printed = untilPrinted(run, "up");
    run.go();
    await printed;
    const patient = run.cancel();
    const hasty = run.cancel({ force: true });
    expect(await patient).toBe(await hasty);
    expect((await hasty).signals).toEqual(expect.arrayContaining(["KILL"]));
    expect(await run.finish()).toBe(await patient);
    expect(await run.cancel()).toBe(await patient);
  });

  it("wakes a stopped payload so that it can act on TERM", async () => {
    const script = "trap 'exit 4' TERM; echo up; kill -STOP $$; sleep 5";
    const run = await containment.start(command(script, { graceMs: 10_000, secondTermAfterMs: 9_000 }));
    const printed = untilPrinted(run, "up");
    run.go();
    await printed;
    const receipt = await run.cancel();
    expect(await run.exited).toEqual({ code: 4, signal: null });
    expect(receipt.signals[0]).toBe("TERM");
  });

  it("kills what the payload leaves, which would hold its output for ever", async () => {
    const run = await containment.start(command("sleep 300 & setsid sleep 300 & echo done"));
    const output = outputOf(run);
    run.go();
    const receipt = await run.finish();
    expect(await run.exited).toEqual({ code: 0, signal: null });
    expect(receipt.signals).toContain("KILL");
    expect(receipt).toMatchObject({ processesSeen: 2, survivors: 0 });
    expect((await output).stdout).toBe("done\n");
  });

  it("is not disturbed by a payload that signals its whole process group", async () => {
    const run = await containment.start(
      command("trap '' TERM HUP INT; kill -TERM 0; kill -HUP 0; kill -INT 0; exit 9"),
    );
    run.go();
    expect(await run.exited).toEqual({ code: 9, signal: null });
    expect((await run.finish()).survivors).toBe(0);
  });

  it("keeps its runs apart", async () => {
    const scripts = ["exit 1", "exit 2", "sleep 300", "exit 3"];
    const started = await Promise.all(scripts.map((script) => containment.start(command(script))));
    for (const run of started) run.go();
    const exits = await Promise.all(started.filter((_, index) => index !== 2).map(async (run) => run.exited));
    expect(exits).toEqual([1, 2, 3].map((code) => ({ code, signal: null })));
    const receipt = await started[2]?.cancel();
    expect(receipt).toMatchObject({ survivors: 0 });
    await Promise.all(started.map((run) => run.finish()));
  });

  it("looks a bare name up on the PATH of the payload", async () => {
    symlinkSync("/bin/echo", path.join(workDir, `say-${implementation}`));
    const run = await containment.start(
      command("", { command: `say-${implementation}`, args: ["hello"], env: { PATH: workDir } }),
    );
    const output = outputOf(run);
    run.go();
    await run.finish();
    expect((await output).stdout).toBe("hello\n");
  });

  it.each([
    ["a marker that is no file name", { marker: "../x" }, "AC_JOB_INVALID"],
    ["a variable that a shell would lose", { env: { "a.b": "1" } }, "AC_JOB_INVALID"],
    ["a NUL byte in the environment", { env: { A: "a\0b" } }, "AC_JOB_INVALID"],
    ["a directory that is not there", { cwd: "/proc/nonexistent" }, "AC_WORKSPACE_MISSING"],
    ["a directory that is a file", { cwd: "/etc/passwd" }, "AC_WORKSPACE_MISSING"],
    ["a program that is not there", { command: "/proc/nonexistent" }, "AC_WORKER_MISSING"],
    ["a name that is on no PATH", { command: "nonexistent-program" }, "AC_WORKER_MISSING"],
    ["a program that is a directory", { command: "/etc" }, "AC_WORKER_MISSING"],
  ])("refuses %s and starts nothing", async (_, change, code) => {
    const refused = command("true", change);
    await expect(containment.start(refused)).rejects.toMatchObject({ code });
    expect(sightings(refused.args.at(-1) as string)).toEqual([]);
  });

  it("says what the system said when it refuses to start the box", async () => {
    const tooLong = command("true", { args: ["x".repeat(200_000)] });
    await expect(containment.start(tooLong)).rejects.toMatchObject({
      code: "AC_WORKER_SPAWN",
      message: expect.stringContaining("E2BIG"),
    });
  });

  it("runs a script by its shebang", async () => {
    const file = path.join(workDir, `script-${implementation}`);
    writeFileSync(file, "#!/bin/sh\nexit 8\n");
    chmodSync(file, 0o755);
    const run = await containment.start(command("", { command: file, args: [] }));
    run.go();
    expect(await run.exited).toEqual({ code: 8, signal: null });
    await run.finish();
  });

  it("gives back every descriptor", async () => {
    const openFiles = (): number => readdirSync("/proc/self/fd").length;
    const once20 = async (): Promise<void> => {
      for (let round = 0; round < 20; round += 1) {
        const run = await containment.start(command("echo x; echo y >&2"));
        const output = outputOf(run);
        run.go();
        run.stdin.end();
        await Promise.all([run.finish(), output]);
      }
    };
    await once20();
    const before = openFiles();
    await once20();
    await expect.poll(openFiles).toBeLessThanOrEqual(before + 2);
  });

  it("leaves a stranger alone", async () => {
    const stranger: ChildProcess = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
    onTestFinished(() => void stranger.kill("SIGKILL"));
    const run = await containment.start(command("sleep 300"));
    run.go();
    await run.cancel({ force: true });
    expect(stranger.exitCode === null && stranger.signalCode === null).toBe(true);
  });
});
