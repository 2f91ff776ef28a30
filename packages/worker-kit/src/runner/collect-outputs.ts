/**
 * Collects declared outputs: checks that they exist inside the workspace, and copies them into the attempt's directory,
 * where later changes of the workspace do not affect them. A path may not leave the workspace, even through a symbolic
 * link.
 */
import { constants, type Stats } from "node:fs";
import { chmod, copyFile, cp, lstat, mkdir, readdir, realpath } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import {
  errorCode,
  errorText,
  isMissingOrBelowFile,
  type Artifact,
  type OutputSpec,
} from "@agentcore/contract";
import { fileNameOf } from "./attempt-directory.ts";

export interface CollectedOutputs {
  readonly artifacts: readonly Artifact[];
  /** Number of outputs that were written during the run, and so by the worker. */
  readonly written: number;
  /** Declared outputs that are missing or unusable, each with the reason. */
  readonly missing: readonly string[];
}

/** `workspace`: its real path from before the run, so that a link in its place counts as leaving it. */
export async function collectOutputs(
  outputs: readonly OutputSpec[],
  workspace: string,
  attemptDir: string,
  limits: { readonly bytesMax: number; /** Of the run, in ms since the epoch. */ readonly startedAt: number },
): Promise<CollectedOutputs> {
  const artifacts: Artifact[] = [];
  let written = 0;
  const missing: string[] = [];
  for (const output of outputs) {
    const source = await resolveInside(workspace, output.path);
    if (typeof source !== "string") {
      if (!source.absent || !output.optional) missing.push(`${titleOf(output)}: ${source.reason}`);
      continue;
    }
    const path = join(attemptDir, "outputs", fileNameOf(output.name));
    const copied = await copyOutput(source, path, limits.bytesMax);
    if (typeof copied === "string") {
      missing.push(`${titleOf(output)}: ${copied}`);
      continue;
    }
    artifacts.push({ name: output.name, kind: "output", path, bytes: copied.bytes });
    if (copied.changedAt >= limits.startedAt - fileClockLagMs) written += 1;
  }
  return { artifacts, written, missing };
}

/** `report (docs/report.md)`; without the name if the path ends with it, as it does by default on the command line. */
const titleOf = ({ name, path }: OutputSpec): string =>
  basename(path) === name ? path : `${name} (${path})`;

/** The real path, or why there is none. */
async function resolveInside(
  workspace: string,
  path: string,
): Promise<string | { readonly absent: boolean; readonly reason: string }> {
  if (leaves(workspace, resolve(workspace, path))) {
    return { absent: false, reason: "the path leaves the workspace" };
  }
  try {
    const target = await realpath(resolve(workspace, path));
    if (!leaves(workspace, target)) return target;
    return { absent: false, reason: "a symbolic link leads out of the workspace" };
  } catch (error) {
    const absent = isMissingOrBelowFile(error);
    return {
      absent,
      reason: absent ? "it is not there" : `it cannot be read: ${errorCode(error) ?? String(error)}`,
    };
  }
}

function leaves(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === ".." || way.startsWith("../") || way.startsWith("/");
}

/** The kernel's clock for file times is up to a tick behind. */
const fileClockLagMs = 10;

interface Copied {
  readonly bytes: number;
  /** Of the file, or of the directory itself, in ms since the epoch. */
  readonly changedAt: number;
}

/** The copied files, or the reason for the failure. Links inside a directory are copied as links. */
async function copyOutput(source: string, target: string, bytesMax: number): Promise<Copied | string> {
  try {
    const found = await lstat(source);
    if (!found.isFile() && !found.isDirectory()) return "it is neither a file nor a directory";
    const bytes = found.isFile() ? found.size : await directoryBytes(source, bytesMax);
    if (bytes > bytesMax) return `it is larger than ${bytesMax} bytes`;
    await mkdir(join(target, ".."), { recursive: true, mode: 0o700 });
    if (found.isFile()) await copyFile(source, target, constants.COPYFILE_FICLONE);
    else await cp(source, target, { recursive: true, verbatimSymlinks: true, filter: isCopied });
    await makePrivate(target);
    return { bytes, changedAt: found.ctimeMs };
  } catch (error) {
    return `it could not be copied: ${errorText(error)}`;
  }
}

/** Copies keep the modes of the worker's files but are readable only by their owner; programs stay executable. */
async function makePrivate(path: string): Promise<void> {
  const found = await lstat(path);
  await chmod(path, privateMode(found));
  if (!found.isDirectory()) return;
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    // A link's own mode means nothing, and changing it would change what it leads to.
    if (!entry.isFile() && !entry.isDirectory()) continue;
    const inner = join(entry.parentPath, entry.name);
    await chmod(inner, privateMode(await lstat(inner)));
  }
}

/** Makes a file readable and removable for its owner, regardless of the worker's mode. */
function privateMode(found: Stats): number {
  return (found.mode & 0o700) | (found.isDirectory() ? 0o700 : 0o600);
}

/** Sockets, pipes and devices are skipped: copying them would fail or block. */
async function isCopied(source: string): Promise<boolean> {
  const found = await lstat(source);
  return found.isFile() || found.isDirectory() || found.isSymbolicLink();
}

/** Sum of the files' sizes; stops counting above the limit. */
async function directoryBytes(directory: string, bytesMax: number): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    bytes += (await lstat(join(entry.parentPath, entry.name))).size;
    if (bytes > bytesMax) break;
  }
  return bytes;
}
