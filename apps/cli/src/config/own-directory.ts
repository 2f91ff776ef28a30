/** Makes directories of the user: never in another user's place, where that user could not use what root left. */
import { mkdirSync, realpathSync, statSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { callerIdentity, foreignOwnerAbove } from "./exposure.ts";

export interface Existing {
  readonly path: string;
  readonly stats: Stats;
  /** Whether it is a directory that we may not search: its content is unknown. */
  readonly isClosed: boolean;
}

/** The path, or the part of it that exists. */
export function nearestExisting(path: string): Existing {
  let isClosed = false;
  for (let at = path; ; at = dirname(at)) {
    try {
      const stats = statSync(at, { throwIfNoEntry: false });
      if (stats !== undefined) return { path: at, stats, isClosed };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EACCES" && code !== "ENOTDIR") throw error;
      isClosed = code === "EACCES";
    }
  }
}

/** Creates it and all above it, readable by the user alone. Throws if a directory above belongs to neither user nor root. */
export function makeOwnDirectory(path: string): void {
  const existing = nearestExisting(path);
  const foreign = existing.isClosed ? null : foreignOwnerAbove(realpathSync(existing.path), callerIdentity());
  if (foreign !== null) throw new Error(`${foreign}, and this is user ${process.geteuid?.()}`);
  makeDirectory(path);
}

/** Does not use Node's recursive mode, which never returns below /proc, where creation is refused as "not found". */
function makeDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(path) !== path) makeDirectory(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have created it meanwhile.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !statSync(path).isDirectory()) throw error;
  }
}
