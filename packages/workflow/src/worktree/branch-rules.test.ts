import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { git } from "../testing/run-rig.ts";
import { shellStep, shellWork, testWorkflow } from "../testing/test-workflow.ts";
import { branchProblem, resolveBase, type BranchOptions, type BranchQuestion } from "./branch-rules.ts";
import { checkoutOf } from "./git.ts";

describe("a step in a repository", () => {
  const edit = shellStep("edit", "", {
    action: { kind: "worker", work: shellWork("", { capabilities: ["edit"] }) },
  });
  const read = shellStep("read", "", {
    action: { kind: "worker", work: shellWork("", { capabilities: ["read"] }) },
  });
  const rules = (rest: Partial<BranchQuestion["workflow"]["branch"]> = {}) =>
    testWorkflow([edit], {
      branch: { createBranch: false, transitionStep: null, expectedWorkBranch: null, ...rest },
    });
  const question = (rest: Partial<BranchQuestion> & { on?: string | null }): BranchQuestion => ({
    workflow: rules(),
    step: edit,
    base: { root: "/r", gitDir: "/r/.git", branch: "work", sha: "1" },
    expected: "work",
    transitioned: false,
    found: { root: "/r", branch: rest.on === undefined ? "work" : rest.on },
    options: {},
    ...rest,
  });

  it.each<[string, Parameters<typeof question>[0], RegExp | null]>([
    ["runs where it is expected", {}, null],
    [
      "does not run in another repository",
      { found: { root: "/other", branch: "work" } },
      /was \/r and is \/other/,
    ],
    [
      "does not run where there is no repository any more",
      { found: { root: null, branch: null } },
      /is none/,
    ],
    ["does not run on another branch", { on: "else" }, /the branch is else, and work is expected/],
    ["does not run on a detached HEAD", { on: null }, /is a detached HEAD, and work is expected/],
    ["that may edit does not run on main", { on: "main", expected: "main" }, /main is protected \(main\)/],
    ["that may edit does not run on master", { on: "master", expected: "master" }, /master is protected/],
    [
      "that may edit does not run on a release",
      { on: "release/2", expected: "release/2" },
      /\(release\/\*\)/,
    ],
    ["that only reads runs on main", { step: read, on: "main", expected: "main" }, null],
    [
      "runs on main with leave",
      { on: "main", expected: "main", options: { allowProtectedBranch: true } },
      null,
    ],
    [
      "runs on main where others are protected",
      { on: "main", expected: "main", options: { protectedBranches: ["x"] } },
      null,
    ],
    [
      "does not run on those that are named",
      { on: "x", expected: "x", options: { protectedBranches: ["x"] } },
      /\(x\)/,
    ],
    [
      "that leaves the branch alone runs on main",
      { step: { ...edit, isolation: "worktree", merge: "none" }, on: "main", expected: "main" },
      null,
    ],
    [
      "runs anywhere where branches are made without saying when",
      { workflow: rules({ createBranch: true }), on: "new" },
      null,
    ],
    [
      "before the transition does not run elsewhere",
      { workflow: rules({ createBranch: true, transitionStep: "go" }), on: "new" },
      /work is expected/,
    ],
    [
      "after the transition runs where that has gone",
      {
        workflow: rules({ createBranch: true, transitionStep: "go" }),
        transitioned: true,
        expected: "new",
        on: "new",
      },
      null,
    ],
    [
      "after the transition runs on the expected work branch only",
      {
        workflow: rules({ transitionStep: "go", expectedWorkBranch: "feature" }),
        transitioned: true,
        expected: "new",
        on: "new",
      },
      /feature is expected/,
    ],
    [
      "that is the transition runs on main",
      { workflow: rules({ createBranch: true, transitionStep: "edit" }), on: "main", expected: "main" },
      null,
    ],
  ])("%s", (_name, rest, expected) => {
    const problem = branchProblem(question(rest));
    if (expected === null) expect(problem).toBeNull();
    else expect(problem).toMatch(expected);
  });
});

describe("the base of a run", () => {
  let workspace: string;
  const real = (...args: string[]): string =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], {
      cwd: workspace,
      encoding: "utf8",
    }).trim();
  beforeEach(() => {
    workspace = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-base-")));
  });
  afterEach(() => rmSync(workspace, { recursive: true, force: true }));

  const baseOf = async (options: BranchOptions) =>
    resolveBase(git, workspace, await checkoutOf(git, workspace), options);

  it("is the current branch and its commit, or the branch that is named", async () => {
    real("init", "-qb", "work");
    real("commit", "-qm", "one", "--allow-empty");
    real("branch", "other");
    real("commit", "-qm", "two", "--allow-empty");
    const base = { root: workspace, gitDir: join(workspace, ".git"), ownGitDir: join(workspace, ".git") };
    expect(await baseOf({})).toEqual({
      ...base,
      branch: "work",
      sha: real("rev-parse", "HEAD"),
    });
    expect(await baseOf({ baseBranch: "other" })).toEqual({
      ...base,
      branch: "other",
      sha: real("rev-parse", "HEAD~1"),
    });
    await expect(baseOf({ baseBranch: "gone" })).rejects.toMatchObject({
      code: "AC_WORKFLOW_BRANCH",
    });
  });

  it("must be named where HEAD is detached", async () => {
    real("init", "-qb", "work");
    real("commit", "-qm", "one", "--allow-empty");
    real("checkout", "-q", "--detach");
    await expect(baseOf({})).rejects.toMatchObject({
      code: "AC_WORKFLOW_BRANCH",
      message: expect.stringContaining("name the base branch"),
    });
    expect(await baseOf({ baseBranch: "work" })).toMatchObject({ branch: "work" });
  });

  it("is none outside a repository, and in one without a commit", async () => {
    expect(await baseOf({})).toBeNull();
    real("init", "-qb", "work");
    expect(await baseOf({})).toBeNull();
  });
});
