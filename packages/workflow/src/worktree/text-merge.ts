/**
 * Merges one file that both the step and others changed. Stricter than git's merge: if both made the same change at the
 * same place, git takes it once, and a line that two steps each appended would appear once.
 */
import type { Git } from "@agentcore/contract";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { gitText } from "./git.ts";

export interface TextMergeRequest {
  /** For temporary files; the caller empties it. */
  readonly directory: string;
  /** Absolute path of the directory that all worktrees of the repository share. */
  readonly gitDir: string;
  /** Blob ids. */
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

/** Id of the merged blob; null if the changes touch each other, or the file is not text. */
export async function mergeTexts(git: Git, request: TextMergeRequest): Promise<string | null> {
  const { directory, gitDir } = request;
  await mkdir(directory, { recursive: true });
  const env = { GIT_DIR: gitDir, GIT_WORK_TREE: directory };
  const unpack = async (id: string, name: string): Promise<string> => {
    const file = (await gitText(git, directory, ["unpack-file", id], { env })).trim();
    await rename(join(directory, file), join(directory, name));
    return name;
  };
  const base = await unpack(request.base, "base");
  const ours = await unpack(request.ours, "ours");
  const theirs = await unpack(request.theirs, "theirs");
  const changed = async (name: string): Promise<readonly Range[] | null> => {
    const args = ["--no-index", "-U0", "--no-color", "--no-indent-heuristic", "--diff-algorithm=myers"];
    const { stdout } = await git(directory, ["diff", ...args, "--", base, name], { env });
    return changedRanges(stdout);
  };
  const [byUs, byThem] = [await changed(ours), await changed(theirs)];
  if (byUs === null || byThem === null || doTouch(byUs, byThem)) return null;
  if ((await git(directory, ["merge-file", "--quiet", ours, base, theirs], { env })).exitCode !== 0)
    return null;
  return (await gitText(git, directory, ["hash-object", "-w", "--no-filters", ours], { env })).trim();
}

/** Lines of the base, from 0; empty where something was inserted before the line. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** The ranges of a diff without context; null for files that are not text. Pure. */
function changedRanges(difference: string): readonly Range[] | null {
  if (/^Binary files /m.test(difference)) return null;
  return [...difference.matchAll(/^@@ -(\d+)(?:,(\d+))? /gm)].map(([, first = "0", count = "1"]) => {
    const lines = Number(count);
    const from = lines === 0 ? Number(first) : Number(first) - 1;
    return { from, to: from + lines };
  });
}

/** Whether two changes have no untouched line between them. Pure. */
function doTouch(some: readonly Range[], others: readonly Range[]): boolean {
  return some.some((one) => others.some((other) => one.from <= other.to && other.from <= one.to));
}
