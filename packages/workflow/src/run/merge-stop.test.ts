/** A run that is to end while git works on a step's worktree: it waits for a while, and no longer. */
import { AgentCoreError, systemClock, type Clock, type Git } from "@agentcore/contract";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRunRig, git, type RunRig } from "../testing/run-rig.ts";
import { shellStep, testWorkflow } from "../testing/test-workflow.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
  const run = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args], { cwd: rig.workspace });
  run("init", "-q", "-b", "work");
  writeFileSync(join(rig.workspace, "a"), "one\n");
  run("add", "a");
  run("commit", "-q", "-m", "first");
});
afterEach(() => rig.close());

const hourMs = 3_600_000;

/** The minute for a merge passes in a moment; the hour of the run passes when the test says so. */
function testClock(): Clock & { endHour(): void } {
  const ends: (() => void)[] = [];
  return {
    ...systemClock,
    setTimer(ms, run) {
      if (ms > hourMs / 2 && ms <= hourMs) ends.push(run);
      return systemClock.setTimer(ms === 60_000 ? 100 : ms, run);
    },
    endHour: () => ends.forEach((end) => end()),
  };
}

/** A git that hangs once the step's job is done, and ends only with its signal. */
function stuckGit(): { git: Git; reached: Promise<void> } {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const stuck: Git = (cwd, args, options) => {
    if (!existsSync(join(rig.workspace, ".git/done"))) return git(cwd, args, options);
    resolve();
    return new Promise((_resolve, reject) => {
      const end = () => reject(new AgentCoreError("AC_CANCELLED", "git was no longer wanted"));
      if (options?.signal?.aborted === true) end();
      options?.signal?.addEventListener("abort", end, { once: true });
    });
  };
  return { git: stuck, reached };
}

const script = (workspace: string): string => `echo two >> a; touch ${workspace}/.git/done; echo cost=0.25`;
const merging = { isolation: "worktree", merge: "apply" } as const;

describe("a merge that takes too long", () => {
  it("ends with the time limit of its run", async () => {
    const steps = [shellStep("a", script(rig.workspace), merging)];
    const stuck = stuckGit();
    const clock = testClock();
    const run = await rig.start(testWorkflow(steps, { timeoutMs: hourMs }), { git: stuck.git, clock });
    await stuck.reached;
    clock.endHour();
    expect(await run.result()).toMatchObject({
      outcome: "TIMED_OUT",
      spent: { costUsd: 0.25 },
      steps: [{ status: "CANCELLED", reason: "stopped before its changes were merged" }],
    });
    expect(readFileSync(join(rig.workspace, "a"), "utf8")).toBe("one\n");
  });

  it("ends with a run that is cancelled", async () => {
    const steps = [shellStep("a", script(rig.workspace), merging)];
    const stuck = stuckGit();
    const run = await rig.start(testWorkflow(steps), { git: stuck.git, clock: testClock() });
    await stuck.reached;
    run.cancel({ reason: "enough" });
    expect(await run.result()).toMatchObject({ outcome: "CANCELLED", spent: { costUsd: 0.25 } });
  });

  it("is left to a resume by a run that is interrupted, and what was spent counts", async () => {
    const workflow = testWorkflow([shellStep("a", script(rig.workspace), merging)]);
    const stuck = stuckGit();
    const run = await rig.start(workflow, { git: stuck.git, clock: testClock() });
    await stuck.reached;
    run.interrupt({ reason: "stopped by hand" });
    expect(await run.result()).toMatchObject({ outcome: "INTERRUPTED", spent: { costUsd: 0.25 } });
    const resumed = await rig.resume(run.id, workflow);
    expect(await resumed.result()).toMatchObject({ outcome: "SUCCEEDED", spent: { costUsd: 0.5 } });
    expect(readFileSync(join(rig.workspace, "a"), "utf8")).toBe("one\ntwo\n");
  });
});

it("a step whose merge fails is charged what its job cost", async () => {
  const clash = `echo other > ${rig.workspace}/a; ${script(rig.workspace)}`;
  const result = await rig.run(testWorkflow([shellStep("a", clash, merging)]));
  expect(result).toMatchObject({ outcome: "FAILED", code: "AC_WORKFLOW_GIT", spent: { costUsd: 0.25 } });
});
