/**
 * Copies a file or directory into an entry of the cache and back. The list of its parts has the digest of each file, so that a
 * damaged entry is noticed before anything of it is used.
 */
import { openPlacedFile, PlacedFileError, type Masker } from "@agentcore/contract";
import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, open, readdir, readlink, symlink } from "node:fs/promises";
import { join, normalize } from "node:path";
import * as z from "zod";

export const treePart = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("directory"), path: z.string(), mode: z.int() }),
  z.strictObject({ kind: z.literal("link"), path: z.string(), target: z.string() }),
  z.strictObject({
    kind: z.literal("file"),
    path: z.string(),
    mode: z.int(),
    bytes: z.int(),
    sha256: z.string(),
    /** Name of its content in the entry. */
    content: z.string().regex(/^\d+$/),
  }),
]);
export type TreePart = z.output<typeof treePart>;

/** The step's result is not stored. */
export class NotStored extends Error {}
/** The entry is not what was stored. */
export class DamagedEntry extends Error {}

export interface Storing {
  /** Directory of the contents of files. */
  readonly contents: string;
  /** Counts the files and bytes of the whole entry. */
  readonly used: { files: number; bytes: number };
  readonly bytesMax: number;
  /** Of the secrets that no stored file may hold. */
  readonly masker: Masker;
}

/** Parts in an order in which they can be made; the path of the whole is empty. Throws `NotStored`. */
export async function storeTree(root: string, storing: Storing): Promise<TreePart[]> {
  const parts: TreePart[] = [];
  const paths = [""];
  for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
    const place = join(root, path);
    const stats = await lstat(place);
    const mode = stats.mode & 0o777;
    if (stats.isDirectory()) {
      parts.push({ kind: "directory", path, mode });
      for (const name of (await readdir(place)).toSorted()) paths.push(join(path, name));
    } else if (stats.isSymbolicLink()) {
      parts.push({ kind: "link", path, target: await insideTarget(place, path) });
    } else if (stats.isFile()) {
      parts.push({ kind: "file", path, mode, ...(await storeFile(place, storing)) });
    } else throw new NotStored(`${path || "an output"} is neither a file nor a directory`);
  }
  return parts;
}

/** A link out of the output leads to what is not stored with it. */
async function insideTarget(place: string, path: string): Promise<string> {
  const target = await readlink(place);
  const reached = normalize(join(path, "..", target));
  const leaves = path === "" || target.startsWith("/") || reached === ".." || reached.startsWith("../");
  if (leaves) throw new NotStored(`${path || "an output"} is a symbolic link that leads out of the output`);
  return target;
}

async function storeFile(place: string, storing: Storing) {
  const { contents, used, bytesMax, masker } = storing;
  const content = String((used.files += 1));
  const holdsSecret = masker.finder();
  const limited = (chunk: Buffer): void => {
    used.bytes += chunk.length;
    if (used.bytes > bytesMax) throw new NotStored("it is larger than cache.max_bytes");
    if (holdsSecret(chunk)) throw new NotStored("an output holds the value of a secret");
  };
  const { bytes, sha256 } = await copyFile(place, join(contents, content), limited);
  return { bytes, sha256, content };
}

/** Makes the tree at `target`, which must not exist. Throws `DamagedEntry`, and may then leave a part of it. */
export async function restoreTree(
  parts: readonly TreePart[],
  contents: string,
  target: string,
): Promise<void> {
  const directories: { readonly place: string; readonly mode: number }[] = [];
  for (const part of parts) {
    const place = join(target, part.path);
    if (normalize(part.path).startsWith("..")) throw new DamagedEntry("a path leaves the entry");
    if (part.kind === "directory") {
      await mkdir(place);
      directories.push({ place, mode: part.mode });
    } else if (part.kind === "link") await symlink(part.target, place);
    else {
      const { bytes, sha256 } = await copyFile(join(contents, part.content), place, () => {});
      if (bytes !== part.bytes || sha256 !== part.sha256) throw new DamagedEntry("a file has changed");
      await chmod(place, part.mode);
    }
  }
  // Last and innermost first: nothing can be made in a directory without the right to write.
  for (const { place, mode } of directories.toReversed()) await chmod(place, mode);
}

async function copyFile(from: string, to: string, see: (chunk: Buffer) => void) {
  const source = await openPlacedFile(from).catch((error: unknown) => {
    throw error instanceof PlacedFileError ? new DamagedEntry(error.message) : error;
  });
  try {
    const copy = await open(to, "wx", 0o600);
    try {
      const hash = createHash("sha256");
      let bytes = 0;
      for await (const chunk of source.createReadStream({ autoClose: false })) {
        const data = chunk as Buffer;
        see(data);
        hash.update(data);
        bytes += data.length;
        await copy.writeFile(data);
      }
      return { bytes, sha256: hash.digest("hex") };
    } finally {
      await copy.close();
    }
  } finally {
    await source.close();
  }
}
