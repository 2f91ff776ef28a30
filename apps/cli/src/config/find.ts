/**
 * Finds the configuration of a directory: the nearest `agentcore.yaml` there or above, as long as every directory on the
 * way belongs to the user or root. A file that another user can change is not read.
 */
import { realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { exposureOf, ownExposure, type Identity } from "./exposure.ts";

export const configFileName = "agentcore.yaml";

export interface FoundConfig {
  /** Without symbolic links; null if there is no file that may be read. */
  readonly path: string | null;
  /** The file that was found but may not be read, because another user can change it or it cannot be inspected; null if none. */
  readonly refused: RefusedConfig | null;
}

export interface RefusedConfig {
  readonly path: string;
  readonly reason: string;
}

export interface FindOptions {
  /** The search ends here. */
  readonly home: string | undefined;
  readonly identity: Identity | null;
}

/**
 * Searches from the directory upwards, to the home directory or to where the file system or the owner changes: above that are
 * places of other users, such as `/tmp`.
 */
export function findConfig(directory: string, { home, identity }: FindOptions): FoundConfig {
  const last = home === undefined || home === "" ? null : realPathOf(home);
  for (let at = realpathSync(directory); ; at = dirname(at)) {
    const candidate = join(at, configFileName);
    const unreadable = unreadableReason(candidate);
    if (unreadable !== null) return { path: null, refused: { path: candidate, reason: unreadable } };
    if (isFile(candidate)) {
      const path = realpathSync(candidate);
      const reason = exposureOf(path, identity) ?? exposureOf(at, identity);
      return reason === null ? { path, refused: null } : { path: null, refused: { path: candidate, reason } };
    }
    if (at === last || isBoundary(at, identity)) return { path: null, refused: null };
  }
}

function isBoundary(directory: string, identity: Identity | null): boolean {
  const above = dirname(directory);
  if (above === directory) return true;
  const [here, there] = [statSync(directory), statSync(above)];
  return here.dev !== there.dev || (identity !== null && ownExposure(above, there, identity) !== null);
}

/** Why the file cannot be inspected, such as a link that leads to itself; null if it can, or does not exist. */
function unreadableReason(path: string): string | null {
  try {
    statSync(path, { throwIfNoEntry: false });
    return null;
  } catch (error) {
    return `it cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function realPathOf(path: string): string | null {
  return statSync(path, { throwIfNoEntry: false }) === undefined ? null : realpathSync(path);
}
