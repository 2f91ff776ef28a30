/**
 * Checks that a step changed only what it may change. The base of the comparison is fixed before its first job, and written
 * to the journal, because a worker can move branches and write the file that names a commit.
 */
import { AgentCoreError, PlacedFileError, readPlacedFile } from "@agentcore/contract";
import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Convergence } from "../definition.ts";
import { judgeChanges, unjudgedChanges, type ChangeVerdict, type ObservedChanges } from "./change-rules.ts";
import { commitOf } from "../worktree/git.ts";
import { isWithin, pathInside } from "../places.ts";
import { stepWorkspace, worktreeOf, type StartedPiece, type StepContext } from "./step-context.ts";
import type { StepInstance } from "../plan/step-instance.ts";
import { treeChanges } from "../worktree/tree-changes.ts";
import { readyTree, workspaceTree } from "../worktree/worktree.ts";
import { snapshotTree } from "../worktree/worktree-snapshot.ts";

/** Call before the first job of a step whose rules name a commit. Throws `AC_WORKFLOW_GIT` if the commit does not exist. */
export async function noteDiffBase(context: StepContext, { instance }: StartedPiece): Promise<void> {
  const rules = rulesOf(instance);
  if (rules === null || diffBaseOf(context, instance) !== null) return;
  const workspace = stepWorkspace(context, instance);
  const text = await refText(rules, workspace);
  if (text === null) return;
  const commit = await commitOf(context.ports.git, workspace, text);
  if (commit === null) {
    const source = rules.diffBaseRefFile === null ? "diff_base_ref" : rules.diffBaseRefFile;
    throw noBase(`${source} names ${JSON.stringify(text)}, which is no commit in ${workspace}`);
  }
  await context.note({ type: "noted", at: context.ports.clock.now(), step: instance.id, diffBase: commit });
}

function diffBaseOf(context: StepContext, { id }: StepInstance): string | null {
  return context.record().facts.get(id)?.diffBase ?? null;
}

/** Null: there is nothing to judge. */
function rulesOf({ step }: StepInstance): Convergence | null {
  const rules = step.loop?.convergence ?? null;
  return rules !== null && (rules.allowedPaths.length > 0 || rules.maxChangedFiles !== null) ? rules : null;
}

async function refText(rules: Convergence, workspace: string): Promise<string | null> {
  const { diffBaseRef, diffBaseRefFile } = rules;
  return diffBaseRefFile === null ? diffBaseRef : readRef(workspace, diffBaseRefFile);
}

/** The longest commit name that is read from a file. */
const refBytesMax = 1024;

/** The worker can write this file: only a regular file with one short line is accepted, and reading it never blocks. */
async function readRef(workspace: string, name: string): Promise<string> {
  const path = await pathInside(workspace, name);
  const unusable = (reason: string): AgentCoreError => noBase(`diff_base_ref_file ${path} ${reason}`);
  const read = await readPlacedFile(path, { bytesMax: refBytesMax }).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof PlacedFileError) throw unusable(`cannot be used: ${error.reason}`);
    throw unusable(
      error.code === "ENOENT" ? "is not there when the step begins" : `cannot be read: ${error.code}`,
    );
  });
  const text = read.trim();
  if (text === "" || /[\0-\x20\x7f]/.test(text)) throw unusable("does not hold the name of one commit");
  return text;
}

const noBase = (message: string): AgentCoreError => new AgentCoreError("AC_WORKFLOW_GIT", message);

/** For an iteration that succeeded. Throws if the files cannot be compared. */
export async function judgeStep(
  context: StepContext,
  { instance }: StartedPiece,
  observed: ObservedChanges,
): Promise<ChangeVerdict | { readonly violations: readonly [] }> {
  const rules = rulesOf(instance);
  if (rules === null) return { violations: [] };
  if (observed.unknown !== null) return unjudgedChanges(observed.unknown);
  const { contextDir } = context.record().created;
  const workspace = stepWorkspace(context, instance);
  const commit = diffBaseOf(context, instance);
  const changed = commit === null ? observed.files : await changedSince(context, instance, commit);
  const always = isWithin(workspace, contextDir) ? [relative(workspace, contextDir)] : [];
  return judgeChanges(rules, changed, always);
}

/**
 * Files that differ from the commit, and untracked ones; relative to the step's workspace. Uses a snapshot, because the worker
 * can write the index.
 */
async function changedSince(context: StepContext, instance: StepInstance, commit: string): Promise<string[]> {
  const { git } = context.ports;
  const { base, contextDir } = context.record().created;
  if (base === null) throw noBase("there is no repository to compare changes in");
  const place = worktreeOf(context, instance);
  const tree = place === null ? await workspaceTree(git, base) : await readyTree(place);
  const directory = join(base.gitDir, "agentcore");
  await mkdir(directory, { recursive: true });
  const indexBeside = join(directory, "changes");
  const isShared = place === null;
  const { id: now } = await snapshotTree(git, { tree, indexBeside, exclude: [contextDir], isShared });
  const below = relative(tree.path, stepWorkspace(context, instance));
  const prefix = below === "" ? "" : `${below}/`;
  return (await treeChanges(git, base.root, commit, now))
    .map(({ path }) => Buffer.from(path, "latin1").toString())
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length))
    .toSorted();
}
