/** What differs between two trees, file by file, by blob ids and modes. Renames are a removal and an addition. */
import { gitText, type Git } from "./git.ts";
import { unquotePath, type GitPath } from "./git-path.ts";

export interface TreeEntry {
  /** `100644`, `100755`, `120000` (symbolic link) or `160000` (commit of another repository). */
  readonly mode: string;
  readonly id: string;
}

export interface TreeChange {
  readonly path: GitPath;
  /** Null: it was not there. */
  readonly from: TreeEntry | null;
  /** Null: it is not there any more. */
  readonly to: TreeEntry | null;
}

export const submoduleMode = "160000";
export const linkMode = "120000";

/** `from` and `to`: commits or trees. */
export async function treeChanges(
  git: Git,
  root: string,
  from: string,
  to: string,
): Promise<readonly TreeChange[]> {
  const args = ["-c", "core.quotePath=true", "diff-tree", "-r", "--raw", "--no-renames", "--full-index"];
  // A replaced object is another one than the commit names.
  const env = { GIT_NO_REPLACE_OBJECTS: "1" };
  return parseChanges(await gitText(git, root, [...args, "--end-of-options", from, to], { env }));
}

/** Of `--raw` without `-z`. */
function parseChanges(text: string): readonly TreeChange[] {
  return [...text.matchAll(/^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) [A-Z]\d*\t(.*)$/gm)].map(
    ([, fromMode = "", toMode = "", fromId = "", toId = "", name = ""]) => ({
      path: unquotePath(name),
      from: entry(fromMode, fromId),
      to: entry(toMode, toId),
    }),
  );
}

function entry(mode: string, id: string): TreeEntry | null {
  return mode === "000000" ? null : { mode, id };
}

export function isSameEntry(one: TreeEntry | null, other: TreeEntry | null): boolean {
  return one?.mode === other?.mode && one?.id === other?.id;
}
