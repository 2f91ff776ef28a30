/**
 * Branch safety. The base is resolved once, at the start. Before each step, the repository must be in the expected place,
 * and steps that may edit do not run on a protected branch. Outside a git repository, none of this applies.
 */
import { AgentCoreError, matchesPath, type Git } from "@agentcore/contract";
import type { Step, Workflow } from "../definition.ts";
import type { BranchPlace } from "./branch-places.ts";
import { commitOf, isUnborn, type Checkout } from "./git.ts";
import type { BaseCommit } from "../records/entry-types.ts";

export interface BranchOptions {
  /** Replaces the current branch. */
  readonly baseBranch?: string;
  /** Patterns; default `main`, `master`, `release/*`. */
  readonly protectedBranches?: readonly string[];
  readonly allowProtectedBranch?: boolean;
}

const protectedBranchesDefault: readonly string[] = ["main", "master", "release/*"];

/**
 * Null outside a repository (`checkout` is null there), or in one without a commit. Throws `AC_WORKFLOW_BRANCH` for a detached
 * HEAD without a base, and `AC_WORKFLOW_GIT` for a repository that git cannot read.
 */
export async function resolveBase(
  git: Git,
  workspace: string,
  checkout: Checkout | null,
  { baseBranch }: BranchOptions,
): Promise<BaseCommit | null> {
  if (checkout === null) return null;
  const { root, gitDir, ownGitDir, head } = checkout;
  const branch = baseBranch ?? checkout.branch;
  if (branch === null) {
    throw unsafe(`${root} has a detached HEAD; name the base branch, or check a branch out`);
  }
  const sha = baseBranch === undefined ? head : await commitOf(git, workspace, baseBranch);
  if (sha !== null) return { root, gitDir, ownGitDir, branch, sha };
  if (await isUnborn(git, workspace)) return null;
  throw unsafe(`there is no branch "${branch}" in ${root}`);
}

export interface BranchQuestion {
  readonly workflow: Workflow;
  readonly step: Step;
  readonly base: BaseCommit;
  /** The branch at the start of the run, or the one that the transition step left. */
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
  return `step "${step.id}" may edit, and the branch ${branch} is protected (${pattern}); work on another branch, or allow this one`;
}

/** Checks what would refuse some step later and is known now. Throws before anything is changed. */
export function checkBranchAtStart(
  workflow: Workflow,
  base: BaseCommit,
  found: BranchPlace,
  options: BranchOptions,
): void {
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

export function unsafe(message: string): AgentCoreError {
  return new AgentCoreError("AC_WORKFLOW_BRANCH", message);
}
