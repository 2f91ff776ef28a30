/** Lists the differences between two trees, file by file, by blob ids and modes. A rename is a removal and an addition. */
import { openPlacedFile, type Git } from "@agentcore/contract";
import { rm, type FileHandle } from "node:fs/promises";
import { gitText } from "./git.ts";
import { quotePath, unquotePath, type GitPath } from "./git-path.ts";
import { replaceFile } from "../own-place.ts";

export interface TreeEntry {
  /** `100644`, `100755`, `120000` (symbolic link) or `160000` (commit of another repository). */
  readonly mode: string;
  readonly id: string;
}

export interface TreeChange {
  readonly path: GitPath;
  /** Null: it did not exist. */
  readonly from: TreeEntry | null;
  /** Null: it no longer exists. */
  readonly to: TreeEntry | null;
}

export const submoduleMode = "160000";
export const linkMode = "120000";

const rawForm = ["diff-tree", "-r", "--raw", "--no-renames", "--full-index"];

/** Ignore replacement objects: they differ from what the commit names. */
const asNamed = { GIT_NO_REPLACE_OBJECTS: "1" };

/** `from` and `to`: commits or trees. */
export async function treeChanges(
  git: Git,
  root: string,
  from: string,
  to: string,
): Promise<readonly TreeChange[]> {
  const args = ["-c", "core.quotePath=true", ...rawForm, "--end-of-options", from, to];
  return parseChanges(await gitText(git, root, args, { env: asNamed }));
}

const chunkBytes = 64 * 1024;

export interface PatchRequest {
  readonly root: string;
  readonly from: string;
  readonly to: string;
  /** Absolute path of the patch. */
  readonly file: string;
  /** Absolute path for git's temporary output. */
  readonly scratch: string;
}

/** Returns the changes and writes them as a patch. Git writes the list, an empty line and the patch into one file. */
export async function writePatch(git: Git, request: PatchRequest): Promise<readonly TreeChange[]> {
  const { root, from, to, file, scratch } = request;
  const form = [...rawForm, "-p", "--binary", "--no-ext-diff", "--no-textconv", `--output=${scratch}`];
  await gitText(git, root, ["-c", "core.quotePath=true", ...form, from, to], { env: asNamed });
  const written = await openPlacedFile(scratch);
  try {
    const { list, patchAt } = await readList(written);
    await replaceFile(file, chunksOf(written, patchAt));
    return parseChanges(list);
  } finally {
    await written.close();
    await rm(scratch, { force: true });
  }
}

/** Reads up to the first empty line; the patch may be large, and in no encoding. */
async function readList(file: FileHandle): Promise<{ list: string; patchAt: number }> {
  let text = "";
  for await (const chunk of chunksOf(file, 0)) {
    const from = Math.max(0, text.length - 1);
    text += chunk.toString("latin1");
    const end = text.indexOf("\n\n", from);
    if (end >= 0) return { list: text.slice(0, end + 1), patchAt: end + 2 };
  }
  return { list: text, patchAt: text.length };
}

async function* chunksOf(file: FileHandle, start: number): AsyncGenerator<Buffer> {
  for (let at = start; ;) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(chunkBytes), position: at });
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Parses the output of `--raw` without `-z`. */
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

/** As `git update-index --index-info` reads it. */
export function indexLine(path: GitPath, { mode, id }: TreeEntry): string {
  return `${mode} ${id}\t${quotePath(path)}\n`;
}

export function isSameEntry(one: TreeEntry | null, other: TreeEntry | null): boolean {
  return one?.mode === other?.mode && one?.id === other?.id;
}
