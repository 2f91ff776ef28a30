/** The lock of a repository among processes: real ones, one of them killed. */
import { systemClock } from "@agentcore/contract";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withRepositoryLock } from "./repository-lock.ts";

let gitDir: string;
beforeEach(() => {
  gitDir = mkdtempSync(join(tmpdir(), "agentcore-lock-"));
});
afterEach(() => rmSync(gitDir, { recursive: true, force: true }));

const clock = systemClock;

/** A process that takes the lock, logs `in` and `out` of every turn, and works for a moment in between. */
function startOther(turns: number, workMs: number) {
  const program = `
    import { systemClock as clock } from "@agentcore/contract";
    import { withRepositoryLock } from ${JSON.stringify(new URL("./repository-lock.ts", import.meta.url).href)};
    import { appendFileSync } from "node:fs";
    import { setTimeout as pause } from "node:timers/promises";
    const [gitDir, turns, workMs] = process.argv.slice(1);
    for (let turn = 0; turn < Number(turns); turn++) {
      await withRepositoryLock({ clock, gitDir }, async () => {
        appendFileSync(gitDir + "/log", "in " + process.pid + "\\n");
        console.log("in");
        await pause(Number(workMs));
        appendFileSync(gitDir + "/log", "out " + process.pid + "\\n");
      });
    }
  `;
  const args = ["--conditions=@agentcore/source", "--input-type=module", "-e", program];
  const stdio: ["ignore", "pipe", "inherit"] = ["ignore", "pipe", "inherit"];
  return spawn(process.execPath, [...args, gitDir, String(turns), String(workMs)], {
    cwd: import.meta.dirname,
    stdio,
  });
}

it("only one process at a time has the lock of a repository", async () => {
  const others = [startOther(20, 2), startOther(20, 2)];
  await Promise.all(others.map((child) => once(child, "exit")));
  expect(others.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  const lines = readFileSync(join(gitDir, "log"), "utf8").trim().split("\n");
  expect(lines.length).toBe(80);
  for (let index = 0; index < lines.length; index += 2) {
    expect(lines[index + 1]).toBe(lines[index]?.replace("in", "out"));
  }
});

it("the lock of a process that is killed is free at once", async () => {
  const other = startOther(1, 3_600_000);
  await once(other.stdout, "data");
  await expect(withRepositoryLock({ clock, gitDir, waitMsMax: 30 }, async () => "in")).rejects.toMatchObject({
    code: "AC_WORKFLOW_GIT",
  });
  const stop = new AbortController();
  const waiting = withRepositoryLock({ clock, gitDir, signal: stop.signal }, async () => "in");
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: "AC_CANCELLED" });
  other.kill("SIGKILL");
  await once(other, "exit");
  expect(await withRepositoryLock({ clock, gitDir, waitMsMax: 5000 }, async () => "in")).toBe("in");
});

it("in one process turns come in their order, and a failed one does not hold up the next", async () => {
  const log = join(gitDir, "log");
  const turns = ["a", "b", "c"].map((name) =>
    withRepositoryLock({ clock, gitDir }, async () => {
      appendFileSync(log, name);
      if (name === "b") throw new TypeError("failed");
    }),
  );
  expect((await Promise.allSettled(turns)).map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  expect(readFileSync(log, "utf8")).toBe("abc");
});

it("what a worker put in the place of the lock, or of its directory, is neither followed nor waited for", async () => {
  const lock = () => withRepositoryLock({ clock, gitDir, waitMsMax: 30 }, async () => "in");
  const refusal = { code: "AC_WORKFLOW_GIT", message: expect.stringContaining("was replaced") };
  const other = join(gitDir, "other");
  mkdirSync(other);
  symlinkSync(other, join(gitDir, "agentcore"));
  await expect(lock()).rejects.toMatchObject(refusal);
  rmSync(join(gitDir, "agentcore"));
  mkdirSync(join(gitDir, "agentcore"));
  symlinkSync(join(other, "state.db"), join(gitDir, "agentcore", "lock"));
  await expect(lock()).rejects.toMatchObject(refusal);
  rmSync(join(gitDir, "agentcore", "lock"));
  execFileSync("mkfifo", [join(gitDir, "agentcore", "lock")]);
  await expect(lock()).rejects.toMatchObject(refusal);
  expect(readdirSync(other)).toEqual([]);
});
