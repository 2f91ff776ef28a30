/**
 * How many git commands a run needs. Each one is contained, which takes far longer than git itself: the numbers must not
 * creep up.
 */
import type { Git } from "@agentcore/contract";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Step } from "../definition.ts";
import { createRunRig, git, type RunRig } from "../testing/run-rig.ts";
import { shellLoop, shellStep, testConvergence, testWorkflow } from "../testing/test-workflow.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
  const real = (...args: string[]) => execFileSync("git", args, { cwd: rig.workspace });
  real("init", "-qb", "work");
  writeFileSync(join(rig.workspace, "a.txt"), "one\n");
  real("add", ".");
  real("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x");
});
afterEach(() => rig.close());

/** The commands at the start of a run, and those of its steps. */
async function commandsOf(steps: readonly Step[]) {
  const commands: string[] = [];
  const counting: Git = (cwd, args, options) => {
    commands.push(args.filter((arg) => !/^-c$|^[\w.]+=/.test(arg)).join(" "));
    return git(cwd, args, options);
  };
  const handle = await rig.start(testWorkflow(steps), { git: counting });
  const start = commands.splice(0);
  const { outcome, reason } = await handle.result();
  expect({ outcome, reason }).toEqual({ outcome: "SUCCEEDED", reason: null });
  return { start, ofSteps: commands };
}

const apart = { isolation: "worktree", merge: "apply" } as const;

it("a run asks one question at its start, and a plain step none, also after a commit", async () => {
  const commit = "git -c user.name=a -c user.email=a@b commit -qm y --allow-empty";
  const { start, ofSteps } = await commandsOf([
    shellStep("a", commit),
    shellStep("b", "true", { dependsOn: ["a"] }),
  ]);
  expect(start).toHaveLength(1);
  expect(ofSteps).toEqual([]);
});

it("a step in a worktree needs 15, and two steps twice as many", async () => {
  const script = "echo two >> a.txt; echo b > b.txt";
  expect((await commandsOf([shellStep("a", script, apart)])).ofSteps).toHaveLength(15);
  const two = [shellStep("a", script, apart), shellStep("b", script, { ...apart, dependsOn: ["a"] })];
  expect((await commandsOf(two)).ofSteps).toHaveLength(30);
});

it("a step in a worktree that changes nothing needs 14", async () => {
  expect((await commandsOf([shellStep("a", "true", apart)])).ofSteps).toHaveLength(14);
});

it("a step in a worktree needs 23 where the workspace was changed meanwhile", async () => {
  const script = `echo two >> a.txt; echo other > ${rig.workspace}/other.txt`;
  expect((await commandsOf([shellStep("a", script, apart)])).ofSteps).toHaveLength(23);
});

it("a step with change rules needs 5 where they name a commit, and none where they do not", async () => {
  const rules = (diffBaseRef: string | null) => {
    const convergence = testConvergence({ allowedPaths: ["a.txt"], diffBaseRef });
    return shellStep("a", "echo two >> a.txt", {
      loop: shellLoop("true", { maxIterations: 1, convergence }),
    });
  };
  expect((await commandsOf([rules("HEAD")])).ofSteps).toHaveLength(5);
  expect((await commandsOf([rules(null)])).ofSteps).toEqual([]);
});
