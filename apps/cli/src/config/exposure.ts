/**
 * Checks whether anybody except the user and root can change a path's content, by writing to it or replacing it. Files that
 * decide what this program runs are used only if nobody else can.
 */
import { lstatSync, type Stats } from "node:fs";
import { dirname } from "node:path";

/** The required owner of files; null on systems without owners, where ownership is unknown. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

export function callerIdentity(): Identity | null {
  const { geteuid, getegid } = process;
  return geteuid === undefined || getegid === undefined ? null : { uid: geteuid(), gid: getegid() };
}

/**
 * Why another user can change the path, as a sentence without a subject; null if none can. Every directory above it counts. The
 * path must be real: absolute, existing, and without symbolic links (`realpathSync`).
 */
export function exposureOf(realPath: string, identity: Identity | null): string | null {
  if (identity === null) return null;
  let child = lstatSync(realPath);
  const own = ownExposure(realPath, child, identity);
  if (own !== null) return own;
  for (let at = realPath; at !== dirname(at);) {
    at = dirname(at);
    const directory = lstatSync(at);
    // In a sticky directory others may create names, but not replace those of another user.
    const isSticky = (directory.mode & 0o1000) !== 0 && isOurs(child, identity);
    const exposure = isSticky ? foreignOwner(at, directory, identity) : ownExposure(at, directory, identity);
    if (exposure !== null) return exposure;
    child = directory;
  }
  return null;
}

/** The owner of the real path or a directory above it, if not the user or root; worded as in {@link exposureOf}. */
export function foreignOwnerAbove(realPath: string, identity: Identity | null): string | null {
  if (identity === null) return null;
  for (let at = realPath; ; at = dirname(at)) {
    const foreign = foreignOwner(at, lstatSync(at), identity);
    if (foreign !== null || at === dirname(at)) return foreign;
  }
}

/** As {@link exposureOf}, for the file or directory alone. */
export function ownExposure(path: string, stats: Stats, identity: Identity): string | null {
  const foreign = foreignOwner(path, stats, identity);
  if (foreign !== null) return foreign;
  if ((stats.mode & 0o002) !== 0) return `every user can write to ${path}`;
  if ((stats.mode & 0o020) !== 0 && !isPrivateGroup(stats, identity))
    return `group ${stats.gid} can write to ${path}`;
  return null;
}

function foreignOwner(path: string, stats: Stats, identity: Identity): string | null {
  return isOurs(stats, identity) ? null : `${path} belongs to user ${stats.uid}`;
}

function isOurs({ uid }: Stats, identity: Identity): boolean {
  return uid === identity.uid || uid === 0;
}

/** Systems that give each user a group with the same number let that group write files: it has no other member. */
function isPrivateGroup({ gid }: Stats, identity: Identity): boolean {
  return gid === identity.gid && (gid === identity.uid || gid === 0);
}
