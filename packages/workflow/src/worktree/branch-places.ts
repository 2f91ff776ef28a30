/**
 * Finds a workspace's repository and branch before each step. Git runs again only if one of the files changed that its
 * result depends on, so a plain step needs no git command.
 */
import { PlacedFileError, readPlacedFile, type Git } from "@agentcore/contract";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { checkoutOf, findRepository, type Checkout } from "./git.ts";
import { unlessMissing } from "../places.ts";

export interface BranchPlace {
  /** Top level of the repository; null outside a repository. */
  readonly root: string | null;
  /** Null for a detached HEAD. */
  readonly branch: string | null;
}

interface Known {
  readonly checkout: Checkout;
  readonly signs: string;
}

/** For one run and its sub-workflows. */
export class BranchPlaces {
  readonly #known = new Map<string, Known>();

  /** Throws `AC_WORKFLOW_GIT` if git cannot read the repository. */
  async of(git: Git, workspace: string): Promise<BranchPlace> {
    const known = this.#known.get(workspace);
    if (known !== undefined && (await signsOf(known.checkout, workspace)) === known.signs)
      return known.checkout;
    return (await this.ask(git, workspace)) ?? { root: null, branch: null };
  }

  /** Asks git and ignores the cache; null outside a repository. Throws as `of` does. */
  async ask(git: Git, workspace: string): Promise<Checkout | null> {
    this.#known.delete(workspace);
    const checkout = await checkoutOf(git, workspace);
    const signs = checkout === null ? null : await signsOf(checkout, workspace);
    if (checkout !== null && signs !== null) this.#known.set(workspace, { checkout, signs });
    return checkout;
  }
}

/** The configuration of a repository is small; larger files are not read. */
const bytesMax = 256 * 1024;

/**
 * The state of the files that determine root and branch of a checkout; null if these files are not sufficient: no branch, a
 * HEAD or a branch that is a symbolic link or points to another one, another kind of ref storage.
 */
async function signsOf(checkout: Checkout, workspace: string): Promise<string | null> {
  const { root, gitDir, ownGitDir, branch } = checkout;
  if (branch === null || (await findRepository(workspace)) !== join(root, ".git")) return null;
  const texts = await Promise.all(
    [
      join(ownGitDir, "HEAD"),
      join(gitDir, "refs/heads", branch),
      join(root, ".git"),
      join(ownGitDir, "commondir"),
      join(ownGitDir, "config.worktree"),
      join(gitDir, "config"),
      join(gitDir, "objects"),
      join(gitDir, "refs"),
    ].map((path) => textOf(path)),
  ).catch(refused);
  if (texts === null) return null;
  const [head, ref, ...others] = texts;
  const isPlain = head === `ref: refs/heads/${branch}\n` && ref?.startsWith("ref:") !== true;
  return isPlain ? JSON.stringify(others) : null;
}

/** Null: it does not exist. A directory has a fixed text. */
async function textOf(path: string): Promise<string | null> {
  const found = await unlessMissing(lstat(path));
  if (found === null) return null;
  return found.isDirectory() ? "a directory" : unlessMissing(readPlacedFile(path, { bytesMax }));
}

function refused(error: unknown): null {
  if (error instanceof PlacedFileError || (error as NodeJS.ErrnoException).code !== undefined) return null;
  throw error;
}
