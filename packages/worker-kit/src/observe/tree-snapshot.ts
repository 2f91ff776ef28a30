/**
 * Records the files of a directory by size, times and inode, to find created, changed and deleted files without reading
 * them. Bounded: stops at `entriesMax` files and directories and reports that. Does not follow symbolic links, and does not
 * enter `.git`, `.hg`, `.svn` and `node_modules`.
 */
import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, isMissingOrBelowFile } from "@agentcore/contract";
import { notCompared, type WorkspaceChange, type WorkspaceObserver } from "./workspace-change.ts";

/** Directory names that are not entered. */
const unseenDirectories: ReadonlySet<string> = new Set([".git", ".hg", ".svn", "node_modules"]);

/** Whether the path, relative to the workspace, is below a directory that is not entered. */
export function isUnseen(path: string): boolean {
  return path.split("/").some((part) => unseenDirectories.has(part));
}

export interface TreeSnapshot {
  /** Path relative to the root → fingerprint. */
  readonly files: ReadonlyMap<string, string>;
  /** Null: the snapshot is complete. */
  readonly incomplete: string | null;
}

/** `unobserved`: paths of directories, relative to the root, that are not entered either. */
export async function takeSnapshot(
  root: string,
  entriesMax: number,
  unobserved: readonly string[] = [],
): Promise<TreeSnapshot> {
  const left = new Set(unobserved);
  const files = new Map<string, string>();
  const pending = [""];
  let entriesSeen = 0;
  let incomplete: string | null = null;
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const entries = await readDirectory(join(root, directory));
    if (typeof entries === "string") {
      incomplete = `${directory === "" ? "." : directory} could not be read: ${entries}`;
      continue;
    }
    entriesSeen += entries.length;
    if (entriesSeen > entriesMax) {
      return { files, incomplete: `it holds more than ${entriesMax} files` };
    }
    const prefix = directory === "" ? "" : `${directory}/`;
    const names: string[] = [];
    for (const entry of entries) {
      if (!entry.isDirectory()) names.push(prefix + entry.name);
      else if (!unseenDirectories.has(entry.name) && !left.has(prefix + entry.name))
        pending.push(prefix + entry.name);
    }
    await Promise.all(names.map((name) => addFingerprint(files, root, name)));
  }
  return { files, incomplete };
}

/** The entries; a reason if the directory is unreadable; nothing if it has disappeared. */
async function readDirectory(path: string): Promise<Dirent[] | string> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    return isMissingOrBelowFile(error) ? [] : (errorCode(error) ?? String(error));
  }
}

async function addFingerprint(files: Map<string, string>, root: string, name: string): Promise<void> {
  // A file that disappears after the listing counts as not listed.
  const found = await lstat(join(root, name)).catch(() => null);
  if (found === null) return;
  files.set(name, `${found.ino}:${found.size}:${found.mode}:${found.mtimeMs}:${found.ctimeMs}`);
}

/** Paths that are in one only, or differ, sorted. */
export function changedFiles(before: TreeSnapshot, after: TreeSnapshot): string[] {
  const changed: string[] = [];
  for (const [path, fingerprint] of after.files) {
    if (before.files.get(path) !== fingerprint) changed.push(path);
  }
  for (const path of before.files.keys()) {
    if (!after.files.has(path)) changed.push(path);
  }
  return changed.sort();
}

export function createSnapshotObserver(
  workspace: string,
  entriesMax: number,
  unobserved: readonly string[] = [],
): WorkspaceObserver {
  let before: TreeSnapshot | null = null;
  return {
    async before() {
      before = await takeSnapshot(workspace, entriesMax, unobserved);
      return null;
    },
    async after(): Promise<WorkspaceChange> {
      // An incomplete snapshot would report unvisited files as deleted or created.
      if (before === null) return notCompared("it was not looked at before the run");
      if (before.incomplete !== null) return notCompared(before.incomplete);
      const after = await takeSnapshot(workspace, entriesMax, unobserved);
      if (after.incomplete !== null) return notCompared(after.incomplete);
      return { files: changedFiles(before, after), complete: true, patch: null, note: null };
    },
  };
}
