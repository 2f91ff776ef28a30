/**
 * Checks before an output is copied that the copy can be the same. Names are texts here, so a name of other bytes leads to no
 * file, and a link's target of other bytes would silently become another one.
 */
import { AgentCoreError } from "@agentcore/contract";
import { isUtf8 } from "node:buffer";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";

export interface OutputToKeep {
  readonly name: string;
  /** Relative to the workspace. */
  readonly path: string;
  /** The same, absolute. */
  readonly from: string;
}

/** Throws `AC_WORKFLOW_OUTPUT`, which names the first file that cannot be kept. */
export async function requireKeepable({ name, path, from }: OutputToKeep): Promise<void> {
  const refuse = (why: string): never => {
    throw new AgentCoreError("AC_WORKFLOW_OUTPUT", `output "${name}" cannot be kept: ${why}`, {
      evidence: { output: name, path },
    });
  };
  const open = [""];
  for (let below = open.pop(); below !== undefined; below = open.pop()) {
    const shown = join(path, below);
    const stats = await lstat(join(from, below));
    if (stats.isSymbolicLink()) {
      if (!isUtf8(await readlink(join(from, below), "buffer")))
        refuse(`the target of the link ${shown} is not UTF-8`);
    } else if (stats.isDirectory()) {
      for (const entry of await readdir(join(from, below), "buffer")) {
        if (!isUtf8(entry)) refuse(`the name of ${join(shown, shownBytes(entry))} is not UTF-8`);
        open.push(join(below, entry.toString()));
      }
    } else if (!stats.isFile()) refuse(`${shown} is neither a file, a directory nor a link`);
  }
}

/** The bytes that are not UTF-8 as `\xHH`. */
function shownBytes(name: Buffer): string {
  let shown = "";
  for (let at = 0; at < name.length;) {
    const length = [1, 2, 3, 4].find((count) => isUtf8(name.subarray(at, at + count))) ?? 0;
    const part = name.subarray(at, at + Math.max(1, length));
    shown += length === 0 ? `\\x${part.toString("hex")}` : part.toString();
    at += part.length;
  }
  return shown;
}
