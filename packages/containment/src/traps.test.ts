/** One test, or more, for each trap that was seen in experiments and that a rewrite would fall into again. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openContainment, type Contained, type OpenedContainment } from "./index.ts";
import { availableImplementations } from "./testing/available.ts";
import { isReleased, sightings } from "./testing/outside.ts";

const stateDir = mkdtempSync(path.join(tmpdir(), "agentcore-traps-"));
chmodSync(stateDir, 0o777);
afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

const uids = process.geteuid?.() === 0 ? [null, 12_345] : [null];
let runs = 0;

function newToken(): string {
  runs += 1;
  return `${process.pid}${String(runs).padStart(6, "0")}`;
}

/** A program of this package's testing folder, in a process of its own, perhaps as another user. */
function program(name: string, args: string[], uid: number | null = null): ChildProcess {
  const file = fileURLToPath(new URL(`./testing/${name}.ts`, import.meta.url));
  const node = [process.execPath, "--conditions=@agentcore/source", file, ...args];
  const user = uid === null ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const [command = "", ...rest] = [...user, ...node];
  return endedWithTest(spawn(command, rest, { stdio: ["pipe", "pipe", "inherit"] }));
}

/** Also where the test fails before it ends it. */
function endedWithTest(child: ChildProcess): ChildProcess {
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

const implementations = await availableImplementations();

describe.each(implementations)("$implementation", ({ implementation, level }) => {
  let containment: OpenedContainment;
  beforeAll(async () => {
    containment = await openContainment({ implementation, stateDir });
  });

  async function start(script: string, token = newToken()): Promise<Contained> {
    const run = await containment.start({
      command: "/bin/sh",
      args: ["-c", script, token],
      cwd: "/",
      env: { PATH: process.env.PATH ?? "" },
      marker: `trap-${token}`,
    });
    onTestFinished(async () => void (await run.cancel({ force: true })));
    return run;
  }

  it.each(uids)("trap 1: a supervisor that dies before go has started no payload (uid %s)", async (uid) => {
    const directory = mkdtempSync(path.join(stateDir, "trap-1-"));
    chmodSync(directory, 0o777);
    const supervisor = program("supervisor", [implementation, directory], uid);
    const token = newToken();
    const lines = createInterface({ input: supervisor.stdout as NodeJS.ReadableStream })[
      Symbol.asyncIterator
    ]();
    await lines.next();
    supervisor.stdin?.write(`${JSON.stringify({ do: "hold", token, kinds: "a" })}\n`);
    await lines.next();
    expect(sightings(token).length, "the box is there and waits").toBeGreaterThan(0);
    expect(sightings(token).filter(isReleased)).toEqual([]);
    supervisor.kill("SIGKILL");
    await once(supervisor, "exit");
    await expect
      .poll(() => {
        const seen = sightings(token);
        expect(seen.filter(isReleased), "never released").toEqual([]);
        return seen.length;
      })
      .toBe(0);
  });

  it("trap 3: a payload is not PID 1, and dies of signals as anywhere", async () => {
    const own = await start("echo $$; kill -SEGV $$; exit 0");
    own.go();
    expect(Number(await text(own.stdout))).toBeGreaterThan(1);
    expect(await own.exited).toEqual({ code: null, signal: "SIGSEGV" });
  });

  it("no TERM is lost on a payload that has only just been released", async () => {
    for (let round = 0; round < 25; round += 1) {
      const run = await start("exec sleep 300");
      run.go();
      expect((await run.cancel()).signals).toEqual(["TERM"]);
      expect(await run.exited).toEqual({ code: null, signal: "SIGTERM" });
    }
  });

  it("trap 3: whatever is PID 1 reaps what the payload abandons", async () => {
    const zombies = "grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null";
    const script = `for i in 1 2 3 4 5 6 7 8; do (sleep 0.01 &) ; done; sleep 0.2; for f in $(${zombies}); do grep -q "^Name:.sleep" $f && cat $f; done; exit 0`;
    const run = await start(script);
    const printed = text(run.stdout);
    run.go();
    await run.finish();
    // Where there is no namespace, PID 1 is the machine's own and its habits are not ours.
    if (level === "sealed") expect(await printed).toBe("");
    expect(await run.exited).toEqual({ code: 0, signal: null });
  });

  it("trap 4: TERM reaches the payload and not the wrapper, which would take all with it", async () => {
    const run = await start(
      "trap 'sleep 0.1; echo flushed; exit 7' TERM; echo up; while :; do sleep 0.01; done",
    );
    let printed = "";
    const up = Promise.withResolvers<void>();
    run.stdout.on("data", (chunk) => {
      printed += String(chunk);
      if (printed.includes("up")) up.resolve();
    });
    run.go();
    await up.promise;
    void run.cancel();
    expect(await run.exited).toEqual({ code: 7, signal: null });
    await run.finish();
    await expect.poll(() => printed).toBe("up\nflushed\n");
  });

  it("trap 5: the pid that a payload believes to have is not the one that we use", async () => {
    const run = await start("echo $$; exec sleep 300");
    const first = once(run.stdout, "data");
    run.go();
    const told = Number(String((await first)[0]));
    if (level === "sealed") expect(told).toBeLessThan(100);
    else expect(told).toBe(run.identity.hostPid);
    expect((await run.cancel({ force: true })).survivors).toBe(0);
  });

  it("trap 6: a payload that leaves its cgroup is still killed", async () => {
    const token = newToken();
    const parent = cgroupParent(containment);
    const leave = `echo 0 2>/dev/null >"${parent}/cgroup.procs"`;
    const run = await start(
      `{ ${leave}; } 2>/dev/null; setsid sleep 300.${token} & sleep 300.${token} & echo out; wait`,
      token,
    );
    const out = once(run.stdout, "data");
    run.go();
    await out;
    const receipt = await run.cancel({ force: true });
    expect(receipt.survivors).toBe(0);
    expect(sightings(token)).toEqual([]);
  });

  it("a supervisor that is PID 1 of a container is not left with zombies", async () => {
    const runs = 25;
    const file = fileURLToPath(new URL("./testing/short-runs.ts", import.meta.url));
    const node = [process.execPath, "--conditions=@agentcore/source", file, implementation, String(runs)];
    const user = process.geteuid?.() === 0 ? [] : ["--user", "--map-current-user"];
    const args = [...user, "--pid", "--fork", "--kill-child", "--mount-proc", ...node];
    const container = endedWithTest(
      spawn("/usr/bin/unshare", args, { stdio: ["ignore", "pipe", "inherit"] }),
    );
    const told = JSON.parse(await text(container.stdout as NodeJS.ReadableStream)) as {
      pid: number;
      zombies: number;
    };
    expect(told.pid).toBe(1);
    // A few may be of the probe, whose last processes end when they will. Without a namespace around them, the children
    // that a payload abandons become this process's own.
    expect(told.zombies).toBeLessThanOrEqual(level === "sealed" ? 4 : 2 * runs + 4);
  });

  it.each(uids)("trap 7: sandboxes work inside, also this one (uid %s)", async (uid) => {
    const directory = mkdtempSync(path.join(stateDir, "trap-7-"));
    chmodSync(directory, 0o777);
    const nested = program("nested", [implementation, directory], uid);
    const lines = (await text(nested.stdout as NodeJS.ReadableStream)).trim().split("\n");
    const outcomes = lines.map((line) => JSON.parse(line) as { what: string; outcome: string });
    expect(outcomes.filter(({ outcome }) => outcome !== "ok")).toEqual([]);
    expect(outcomes.map(({ what }) => what)).toEqual(expect.arrayContaining(["inner", "outer"]));
  });
});

/** Where a run's cgroup lies, or a directory in which the attempt to leave fails. */
function cgroupParent({ probe }: OpenedContainment): string {
  return probe.cgroup.available ? probe.cgroup.directory : "/nonexistent";
}

it("trap 2: nothing is started from a worker thread, whose end would kill it", async () => {
  const index = new URL("./index.ts", import.meta.url).href;
  const code = `
    const { parentPort } = require("node:worker_threads");
    import(${JSON.stringify(index)}).then(async ({ openContainment }) => {
      const containment = await openContainment({ implementation: "process-group" });
      const command = { command: "/bin/true", args: [], cwd: "/", env: {}, marker: "thread" };
      await containment.start(command).then(
        () => parentPort.postMessage({ code: "started" }),
        (error) => parentPort.postMessage({ code: error.code, message: error.message }));
    });`;
  const worker = new Worker(code, { eval: true, execArgv: ["--conditions=@agentcore/source"] });
  onTestFinished(async () => void (await worker.terminate()));
  const [answer] = (await once(worker, "message")) as [{ code: string; message: string }];
  expect(answer.code).toBe("AC_WORKER_SPAWN");
  expect(answer.message).toContain("main thread");
});
