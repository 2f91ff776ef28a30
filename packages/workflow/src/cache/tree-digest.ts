/**
 * Digests of files for the key of a cached step: path, content and mode of each. A key must not miss a change, so whatever
 * cannot be read, or is neither a file nor a link to one, leaves the step without a key.
 */
import { errorText, matchesPath, openPlacedFile, PlacedFileError } from "@agentcore/contract";
import { createHash, type Hash } from "node:crypto";
import type { Stats } from "node:fs";
import { lstat, readdir, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { isWithin, isWithinAny, unlessMissing } from "../places.ts";
import { digestOfJson } from "./key-parts.ts";

/** Why a step has no key. */
class NoKey extends Error {}

/** More files take longer to read than most steps to run. */
const filesMax = 100_000;

export interface FilesToDigest {
  /** Real path. */
  readonly root: string;
  /** Relative to `root`. */
  readonly globs: readonly string[];
  /** Relative to `root`; neither they nor what is below them count. */
  readonly without: readonly string[];
}

/** Of path, content and mode, hexadecimal. */
export interface FileDigest {
  readonly path: string;
  readonly digest: string;
}

/** Sorted by path. Throws `NoKey`. A glob that matches no file is such a case: it may be misspelled, and would notice no change. */
export async function digestsOfFiles({
  root,
  globs,
  without,
}: FilesToDigest): Promise<readonly FileDigest[]> {
  const found = new Set<string>();
  for (const glob of globs) {
    const before = found.size;
    const start = literalStart(glob);
    let matches = 0;
    for await (const path of filesBelow(root, start, without)) {
      if (!matchesPath(glob, path)) continue;
      matches += 1;
      found.add(path);
      if (found.size > filesMax) throw new NoKey(`its files are more than ${filesMax}`);
    }
    if (matches === 0 && found.size === before) throw new NoKey(`"${glob}" matches no file`);
  }
  return digestsOf(root, [...found]);
}

/** Of everything in a directory, as `digestsOfFiles`. */
export async function digestsOfDirectory(root: string): Promise<readonly FileDigest[]> {
  const paths: string[] = [];
  for await (const path of filesBelow(root, "", [])) paths.push(path);
  return digestsOf(root, paths);
}

/** The part of the pattern before its first special character, up to a slash: nothing outside it can match. */
function literalStart(glob: string): string {
  const plain = glob.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
  const special = plain.search(/[*?]/);
  return special < 0 ? plain : plain.slice(0, Math.max(0, plain.lastIndexOf("/", special)));
}

/** Paths relative to `root` of all that is no directory, in no order. Git's own directory is left out. */
async function* filesBelow(root: string, start: string, without: readonly string[]): AsyncIterable<string> {
  if (start.split("/").includes("..")) throw new NoKey(`"${start}" leaves the workspace`);
  const stats = await unlessMissing(lstat(join(root, start)));
  if (stats === null) return;
  if (!isWithin(root, await realpath(join(root, start)).catch(() => root)))
    throw new NoKey(`"${start}" leaves the workspace by a symbolic link`);
  const open = [start];
  if (!stats.isDirectory()) {
    if (!isWithinAny(without, start)) yield start;
    return;
  }
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const entry of await readdir(join(root, at), { withFileTypes: true })) {
      const path = at === "" ? entry.name : `${at}/${entry.name}`;
      if (entry.name === ".git" || isWithinAny(without, path)) continue;
      if (entry.isDirectory()) open.push(path);
      else yield path;
    }
  }
}

const atOnce = 32;

async function digestsOf(root: string, paths: readonly string[]): Promise<readonly FileDigest[]> {
  const sorted = paths.toSorted((a, b) => (a < b ? -1 : 1));
  const found: FileDigest[] = [];
  for (let from = 0; from < sorted.length; from += atOnce) {
    const part = sorted.slice(from, from + atOnce);
    const digests = part.map(async (path) => ({ path, digest: digestOfJson(await factsOf(root, path)) }));
    found.push(...(await Promise.all(digests)));
  }
  return found;
}

/** Everything that counts about one file. */
async function factsOf(root: string, path: string): Promise<readonly unknown[]> {
  try {
    const place = join(root, path);
    const stats = await lstat(place);
    if (!stats.isSymbolicLink()) return [path, ...(await contentOf(place, stats))];
    const target = await readlink(place);
    const real = await unlessMissing(realpath(place));
    const content = real === null ? [] : await contentOf(real, await lstat(real));
    return [path, "link", target, ...content];
  } catch (error) {
    if (error instanceof NoKey) throw new NoKey(`${path} ${error.message}`);
    const why = error instanceof PlacedFileError ? error.reason : errorText(error);
    throw new NoKey(`${path} cannot be read: ${why}`);
  }
}

async function contentOf(place: string, stats: Stats): Promise<readonly [number, string]> {
  if (stats.isDirectory()) throw new NoKey("is a link to a directory, whose files would not count");
  if (!stats.isFile()) throw new NoKey("is neither a file nor a directory");
  const hash = createHash("sha256");
  await readThrough(place, hash);
  return [stats.mode & 0o777, hash.digest("hex")];
}

async function readThrough(place: string, hash: Hash): Promise<void> {
  const file = await openPlacedFile(place);
  try {
    for await (const chunk of file.createReadStream({ autoClose: false })) hash.update(chunk as Buffer);
  } finally {
    await file.close();
  }
}
