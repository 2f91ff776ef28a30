/**
 * Computes the merged state of the workspace as a commit, from the blob ids and modes of the step's worktree before and
 * after, and of the workspace now. It never guesses from file contents, and does not change the workspace.
 */
import { AgentCoreError, type Git } from "@agentcore/contract";
import { rm } from "node:fs/promises";
import { gitText } from "./git.ts";
import { shownPath, type GitPath } from "./git-path.ts";
import { mergeTexts } from "./text-merge.ts";
import {
  indexLine,
  isSameEntry,
  linkMode,
  submoduleMode,
  treeChanges,
  type TreeChange,
  type TreeEntry,
} from "./tree-changes.ts";
import { scratchPath, type WorkTree, type WorktreePlace } from "./worktree-place.ts";
import { withIndex } from "./worktree-snapshot.ts";

/** Why a file cannot be merged, as the message says it. */
export interface Conflict {
  readonly path: GitPath;
  readonly reason: string;
}

const shownMax = 5;

export function conflictError(place: WorktreePlace, conflicts: readonly Conflict[], patchFile: string) {
  const shown = conflicts.slice(0, shownMax).map(({ path, reason }) => `${shownPath(path)}: ${reason}`);
  const rest = conflicts.length - shown.length;
  const what = shown.join("; ") + (rest > 0 ? `; and ${rest} more` : "");
  const ref = `${place.refs}/after`;
  return new AgentCoreError(
    "AC_WORKFLOW_GIT",
    `the step's changes do not apply to the workspace: ${what}; they are kept in ${patchFile} and as ${ref}`,
    { evidence: { patch: patchFile, ref, paths: conflicts.map(({ path }) => shownPath(path)) } },
  );
}

export type Merged =
  | {
      /** A tree, or a commit with that tree. */
      readonly id: string;
      /** From `ours` to the merged tree. */
      readonly changes: readonly TreeChange[];
    }
  | { readonly conflicts: readonly Conflict[]; readonly id?: never };

export interface MergeSnapshots {
  readonly place: WorktreePlace;
  readonly workspace: WorkTree;
  /** Snapshots of the worktree. */
  readonly before: string;
  readonly after: string;
  /** From `before` to `after`. */
  readonly changes: readonly TreeChange[];
  /** A snapshot of the current workspace; `before` if nothing was changed in it. */
  readonly ours: string;
}

export async function mergeSnapshots(git: Git, request: MergeSnapshots): Promise<Merged> {
  const { place, before, after, changes, ours } = request;
  const isAsBefore = ours === before;
  const meanwhile = isAsBefore ? [] : await treeChanges(git, place.root, before, ours);
  const ourChanges = new Map(meanwhile.map((change) => [change.path, change]));
  const conflicts: Conflict[] = [];
  const merged: TreeChange[] = [];
  for (const change of changes) {
    const ourChange = ourChanges.get(change.path);
    const now = ourChange === undefined ? change.from : ourChange.to;
    const entry = await mergeEntry(git, place, change, now);
    if ("reason" in entry) conflicts.push({ path: change.path, reason: entry.reason });
    else merged.push({ path: change.path, from: now, to: entry.entry });
  }
  if (conflicts.length > 0) return { conflicts };
  const toMake = merged.filter(({ from, to }) => !isSameEntry(from, to));
  return isAsBefore ? { id: after, changes: toMake } : mergedTree(git, request, toMake);
}

async function mergedTree(
  git: Git,
  { place: { root, path }, workspace, ours }: MergeSnapshots,
  changes: readonly TreeChange[],
): Promise<Merged> {
  const id = await withIndex(workspace, path, async (env) => {
    await gitText(git, root, ["read-tree", "--no-sparse-checkout", ours], { env });
    const gone = { mode: "0", id: "0".repeat(ours.length) };
    // Entries to remove may be in the way of entries to add.
    const ordered = changes.toSorted((a, b) => Number(a.to !== null) - Number(b.to !== null));
    const input = ordered.map(({ path: name, to }) => indexLine(name, to ?? gone)).join("");
    await gitText(git, root, ["update-index", "--index-info"], { env, input });
    return (await gitText(git, root, ["write-tree"], { env })).trim();
  });
  // A file in the place of a directory, or the reverse, makes git drop the other one from the index.
  const known = new Set(changes.map((one) => one.path));
  const dropped = (await treeChanges(git, root, ours, id)).filter((one) => !known.has(one.path));
  if (dropped.length === 0) return { id, changes };
  return { conflicts: dropped.map((one) => ({ path: one.path, reason: "it is in the way of the changes" })) };
}

type MergedEntry = { readonly entry: TreeEntry | null } | { readonly reason: string };

const inOther = {
  reason: "it is another repository (a submodule, or one made inside), which cannot be merged",
};
const changedToo = { reason: "it was also changed in the workspace meanwhile, in a way that does not fit" };

/** `now`: the file in the workspace. */
async function mergeEntry(
  git: Git,
  place: WorktreePlace,
  { from, to }: TreeChange,
  now: TreeEntry | null,
): Promise<MergedEntry> {
  if ([from, to, now].some((entry) => entry?.mode === submoduleMode)) return inOther;
  if (isSameEntry(now, from)) return { entry: to };
  // Links and removals may be made twice; text that both sides wrote to a file may be meant to add up.
  const isIdempotent = to === null || to.mode === linkMode;
  if (isSameEntry(now, to) && isIdempotent) return { entry: now };
  if (from === null || to === null || now === null) return changedToo;
  if ([from, to, now].some(({ mode }) => mode === linkMode)) return changedToo;
  const mode = now.mode === from.mode ? to.mode : now.mode;
  if (to.id === from.id) return { entry: { mode, id: now.id } };
  if (now.id === from.id) return { entry: { mode, id: to.id } };
  const directory = scratchPath(place, "merge");
  try {
    const request = { directory, gitDir: place.gitDir, base: from.id, ours: now.id, theirs: to.id };
    const id = await mergeTexts(git, request);
    return id === null ? changedToo : { entry: { mode, id } };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
