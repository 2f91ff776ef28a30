/**
 * Branch safety. The base is resolved once, at the start; before each step the repository must be where it is expected, and
 * steps that may edit do not run on a protected branch. Outside a git repository none of it applies.
 */
import { AgentCoreError } from "@agentcore/contract";
import { resolve } from "node:path";
import type { Step, Workflow } from "../definition.ts";
import { commitOf, currentBranch, gitText, isUnborn, repositoryRoot, type Git } from "./git.ts";
import { matchesPath } from "./path-glob.ts";
import type { BaseCommit } from "./run-record.ts";

export interface BranchOptions {
  /** Instead of the current branch. */
  readonly baseBranch?: string;
  /** Patterns; default `main`, `master`, `release/*`. */
  readonly protectedBranches?: readonly string[];
  readonly allowProtectedBranch?: boolean;
}

const protectedBranchesDefault: readonly string[] = ["main", "master", "release/*"];

/**
 * Null outside a repository, or in one without a commit. Throws `AC_WORKFLOW_BRANCH` for a detached HEAD without a base, and
 * `AC_WORKFLOW_GIT` for a repository that git does not read.
 */
export async function resolveBase(
  git: Git,
  workspace: string,
  options: BranchOptions,
): Promise<BaseCommit | null> {
  const root = await repositoryRoot(git, workspace);
  if (root === null) return null;
  const branch = options.baseBranch ?? (await currentBranch(git, workspace));
  if (branch === null) {
    throw unsafe(`${root} has a detached HEAD; name the base with --base-branch, or check a branch out`);
  }
  const sha = await commitOf(git, workspace, branch);
  if (sha !== null) return { root, gitDir: await commonGitDirOf(git, root), branch, sha };
  if (await isUnborn(git, workspace)) return null;
  throw unsafe(`there is no branch "${branch}" in ${root}`);
}

export interface BranchPlace {
  readonly root: string | null;
  readonly branch: string | null;
}

export async function placeOf(git: Git, workspace: string): Promise<BranchPlace> {
  const root = await repositoryRoot(git, workspace);
  return { root, branch: root === null ? null : await currentBranch(git, workspace) };
}

export interface BranchQuestion {
  readonly workflow: Workflow;
  readonly step: Step;
  readonly base: BaseCommit;
  /** Branch at the start of the run, or that which the transition step left. */
  readonly expected: string | null;
  /** The step that changes the branch has ended. */
  readonly transitioned: boolean;
  readonly found: BranchPlace;
  readonly options: BranchOptions;
}

/** Why the step must not run, or null. Pure. */
export function branchProblem(question: BranchQuestion): string | null {
  const { workflow, step, base, expected, transitioned, found, options } = question;
  if (found.root !== base.root)
    return `the workspace's repository was ${base.root} and is ${found.root ?? "none"}`;
  const { branch: rules } = workflow;
  const waits = rules.transitionStep !== null && !transitioned;
  const wanted = waits ? expected : (rules.expectedWorkBranch ?? expected);
  const mayDiffer = rules.createBranch && rules.transitionStep === null;
  if (!mayDiffer && wanted !== null && found.branch !== wanted) {
    return `the branch is ${found.branch ?? "a detached HEAD"}, and ${wanted} is expected`;
  }
  return step.id === rules.transitionStep ? null : protectionProblem(step, found.branch, options);
}

function protectionProblem(step: Step, branch: string | null, options: BranchOptions): string | null {
  const edits = step.action.kind === "worker" && step.action.work.capabilities.includes("edit");
  const leavesBranchAlone = step.isolation === "worktree" && step.merge === "none";
  if (!edits || branch === null || options.allowProtectedBranch === true || leavesBranchAlone) return null;
  const patterns = options.protectedBranches ?? protectedBranchesDefault;
  const pattern = patterns.find((one) => matchesPath(one, branch));
  if (pattern === undefined) return null;
  return `step "${step.id}" may edit, and the branch ${branch} is protected (${pattern}); work on another branch, or allow it with --allow-protected-branch`;
}

/** What would refuse some step later for a reason that is known now; throws before anything is touched. */
export async function checkBranchAtStart(
  git: Git,
  workflow: Workflow,
  workspace: string,
  base: BaseCommit,
  options: BranchOptions,
): Promise<void> {
  const found = await placeOf(git, workspace);
  const { transitionStep, createBranch } = workflow.branch;
  const steps = transitionStep === null && !createBranch ? workflow.steps : [];
  for (const step of steps) {
    const problem = branchProblem({
      workflow,
      step,
      base,
      expected: found.branch,
      transitioned: false,
      found,
      options,
    });
    if (problem !== null) throw unsafe(problem);
  }
}

async function commonGitDirOf(git: Git, root: string): Promise<string> {
  return resolve(root, (await gitText(git, root, ["rev-parse", "--git-common-dir"])).trim());
}

export function unsafe(message: string): AgentCoreError {
  return new AgentCoreError("AC_WORKFLOW_BRANCH", message);
}
