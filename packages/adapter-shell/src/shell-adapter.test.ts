import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PlanContext, WorkerTask } from "@agentcore/contract";
import {
  adapterConformanceChecks,
  drive,
  driveToEnd,
  findSurvivors,
  makeTemporaryDirectory,
} from "@agentcore/worker-kit/testing";
import { describe, expect, it } from "vitest";
import { shellAdapter } from "./shell-adapter.ts";

const run = (instructions: string, task: Partial<WorkerTask> = {}) =>
  driveToEnd({ adapter: shellAdapter, task: { instructions, ...task } });

describe("the shell worker conforms:", () => {
  const checks = adapterConformanceChecks({
    adapter: shellAdapter,
    beginning: ["working"],
    success: { stdout: ["working", "done"] },
    failures: [{ name: "an exit code", errorClass: "task_failed", stdout: ["oops"], exitCode: 3 }],
  });
  it.each(checks.map((check) => [check.name, check.run] as const))("%s", async (_name, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe("a script", () => {
  it("works in the workspace, and its output becomes events and its last line the summary", async () => {
    const { ended, events, workspace } = await run("echo hi > a.txt; echo one; echo two >&2; echo three");
    expect(readFileSync(join(workspace, "a.txt"), "utf8")).toBe("hi\n");
    expect(ended).toMatchObject({ outcome: "succeeded", summary: "three", exitCode: 0, costBasis: "none" });
    expect(ended.observations.filesChanged).toEqual(["a.txt"]);
    expect(events).toEqual(
      expect.arrayContaining([
        { type: "stdout", text: "one" },
        { type: "stderr", text: "two" },
        { type: "stdout", text: "three" },
      ]),
    );
  });

  it.each([
    ["an option of the shell", "-x 2>/dev/null || true\necho done"],
    ["a comment of Lua", "--- 2>/dev/null || echo done"],
    ["a line of its own", "\n\necho done\n"],
    ["a document and a syntax that only bash has", "cat <<<hidden >/dev/null; cat <<EOF\ndone\nEOF"],
    ["more text than the system takes as an argument", `: ${"x".repeat(300_000)}\necho done`],
  ])("may begin like %s", async (_what, script) => {
    expect((await run(script)).ended).toMatchObject({ outcome: "succeeded", summary: "done" });
  });

  it("is in no command line, where every user of the machine could read it", async () => {
    const secret = `secret-${process.pid}-${Date.now()}`;
    const driven = await drive({
      adapter: shellAdapter,
      task: { instructions: `: ${secret}\necho ready; sleep 3600; true` },
    });
    await driven.seen((event) => event.type === "stdout" && event.text === "ready");
    expect(findSurvivors([secret])).toEqual([]);
    driven.cancel();
    await driven.result;
  });

  it("begins without the start-up files of a login, which bash reads when its stdin is a socket", async () => {
    const home = makeTemporaryDirectory("home");
    writeFileSync(join(home, ".bashrc"), "echo read\n");
    const { events } = await run("echo $HOME", { env: { HOME: home } });
    expect(events.filter(({ type }) => type === "stdout")).toEqual([{ type: "stdout", text: home }]);
  });

  it("stops at its first failing command", async () => {
    const { ended } = await run("false; echo not reached > a.txt");
    expect(ended).toMatchObject({
      outcome: "failed",
      errorClass: "task_failed",
      code: "AC_WORKER_EXIT",
      exitCode: 1,
    });
    expect(ended.observations.filesChanged).toEqual([]);
  });

  it.each([
    ["exit 3", "task_failed", 3, "exited with code 3"],
    [
      "no-such-command",
      "task_failed",
      127,
      "exited with code 127 (a command was not found): script: line 1: no-such-command",
    ],
    ["/etc/passwd", "task_failed", 126, "exited with code 126 (a command could not be executed)"],
    ["kill -TERM $$", "worker_crashed", null, "ended by SIGTERM"],
    ["kill -KILL $$", "worker_crashed", null, "ended by SIGKILL"],
    ["sh -c 'kill -SEGV $$'", "worker_crashed", null, "ended by SIGSEGV"],
  ])("that ends by %j is %s", async (script, errorClass, exitCode, summary) => {
    const { ended } = await run(script);
    expect(ended).toMatchObject({ outcome: "failed", errorClass, exitCode });
    expect(ended.summary).toContain(summary);
  });

  it("may use what only bash has, and gets the task's arguments, environment and an empty input", async () => {
    const { ended } = await run('a=(x y); echo "${a[1]} $1 $2 $KEY $(cat | wc -c)"', {
      args: ["first", "second arg"],
      env: { KEY: "value" },
    });
    expect(ended.summary).toBe("y first second arg value 0");
  });

  it("runs in sh where there is no bash", () => {
    const attemptDir = makeTemporaryDirectory("empty");
    const context = { hostEnv: { PATH: attemptDir }, program: "/bin/sh", settings: {}, attemptDir };
    const task: WorkerTask = {
      worker: "shell",
      workspace: "/",
      instructions: "true",
      capabilities: ["read"],
    };
    expect(shellAdapter.plan(task, context as unknown as PlanContext)).toMatchObject({ command: "/bin/sh" });
  });

  it("runs in the shell of the configuration", async () => {
    const { ended } = await driveToEnd({
      adapter: shellAdapter,
      program: "/bin/sh",
      task: { instructions: 'echo "${BASH_VERSION:-no bash}"' },
    });
    expect(ended.summary).toBe("no bash");
  });

  it("has no sessions", async () => {
    const { ended } = await run("true", { session: "s" });
    expect(ended).toMatchObject({ outcome: "failed", code: "AC_JOB_INVALID" });
  });

  it("is asked for nothing that it would refuse: every capability is accepted", async () => {
    const { ended } = await run("true", { capabilities: ["read", "edit", "run_tests", "run_commands"] });
    expect(ended.outcome).toBe("succeeded");
  });

  it("takes what it left in the background with it", async () => {
    const tag = `shell-${Date.now()}-${process.pid}`;
    const { ended } = await run(
      `setsid bash -c 'exec -a ${tag} sleep 3600' & nohup bash -c 'exec -a ${tag} sleep 3600' & sleep 0.1`,
    );
    expect(ended).toMatchObject({ outcome: "succeeded", containment: { survivors: 0 } });
    expect(findSurvivors([tag])).toEqual([]);
  });

  it("can be cancelled, and cleans up as its trap says", async () => {
    const driven = await drive({
      adapter: shellAdapter,
      task: { instructions: "trap 'echo cleaned > cleaned; exit 1' TERM; echo ready; sleep 3600 & wait" },
    });
    await driven.seen((event) => event.type === "stdout" && event.text === "ready");
    driven.cancel();
    expect(await driven.result).toMatchObject({
      outcome: "cancelled",
      observations: { filesChanged: ["cleaned"] },
    });
  });

  it.each(["", "/bin/sh"])("leaves its grace to a program that it waits for (shell: %j)", async (program) => {
    const polite =
      "trap 'sleep 0.2; echo cleaned > cleaned; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    const driven = await drive({
      adapter: shellAdapter,
      task: { instructions: `bash -c "$POLITE"\ntouch went-on`, env: { POLITE: polite } },
      ...(program === "" ? {} : { program }),
    });
    await driven.seen((event) => event.type === "stdout" && event.text === "ready");
    driven.cancel();
    expect(await driven.result).toMatchObject({
      outcome: "cancelled",
      observations: { filesChanged: ["cleaned"] },
      containment: { signals: ["TERM"] },
    });
  });

  it("that makes a failing test pass is verified", async () => {
    const workspace = makeTemporaryDirectory("workspace");
    writeFileSync(join(workspace, "test.sh"), 'test "$(cat answer)" = 42');
    const task = { instructions: "echo 42 > answer", verify: "sh test.sh" };
    const { ended } = await driveToEnd({ adapter: shellAdapter, workspace, task });
    expect(ended.outcome).toBe("succeeded");
  });
});
