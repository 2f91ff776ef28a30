/**
 * What a run changed, as git sees it: the work tree is written to a tree object before and after, by way of a private
 * git directory, and the two trees are compared. So the user's index, objects and refs stay untouched, changes that were
 * there before are not put down to the run (also inside files that were dirty already), untracked files count and ignored
 * ones do not, and it makes no difference whether the worker commits, or what it does to the repository's index,
 * configuration, exclusions and attributes. That it did something to the last three is said.
 *
 * Not seen: changes to ignored files. Inside nested repositories and submodules files are compared by size and times, and are in
 * no patch. Filters are off: a file that passes through one (Git LFS) and is written anew with the same content counts as
 * changed.
 *
 * git runs contained and with bounded time and file size.
 */
import { existsSync, statSync } from "node:fs";
import { chmod, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorText, ignore } from "@agentcore/contract";
import { afterScript, beforeScript, patchFailedCode } from "./git-scripts.ts";
import { nestedRepositories, type NestedChange, type NestedRepositories } from "./nested-repositories.ts";
import { digestOfGitDir, makePrivateGitDir } from "./private-git-dir.ts";
import { notCompared, type WorkspaceChange, type WorkspaceObserver } from "./workspace-change.ts";

export interface GitStep {
  /** Script for `sh -c`, run in the workspace; `$1…` are `args`. */
  readonly script: string;
  readonly args: readonly string[];
  /** Besides the environment of git. */
  readonly env: Readonly<Record<string, string>>;
  /** Directories of the attempt that it needs to see. */
  readonly visible: readonly string[];
  readonly name: "before" | "after";
}

export interface GitStepEnd {
  /** Null: ended by a signal or the time limit. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** Stdout was longer than is kept. */
  readonly overflowed: boolean;
}

export interface GitObserverOptions {
  readonly workspace: string;
  /** Top level of the work tree that it is in: see {@link findRepository}. */
  readonly repository: string;
  /** Private directory of the attempt; `git/` and `changes.patch` are made in it. */
  readonly attemptDir: string;
  readonly patchBytesMax: number;
  /** Files and directories compared in all nested repositories together. */
  readonly snapshotEntriesMax: number;
  /** Paths in the workspace, relative to it, in which nothing is looked at. */
  readonly unobserved: readonly string[];
  /** Runs one script contained; rejects where it could not be started. */
  readonly run: (step: GitStep) => Promise<GitStepEnd>;
}

/** The nearest directory from the workspace upwards that is a work tree, as far as can be told without git; else null. */
export function findRepository(workspace: string): string | null {
  for (let directory = workspace; ; directory = dirname(directory)) {
    // A file in a linked work tree; a directory elsewhere, which is a repository only if it has a HEAD.
    const dotGit = join(directory, ".git");
    if (existsSync(join(dotGit, "HEAD")) || (existsSync(dotGit) && statSync(dotGit).isFile()))
      return directory;
    if (dirname(directory) === directory) return null;
  }
}

interface StateBefore {
  readonly seen: string;
  readonly tree: string;
  /** Of the repository; see the scripts. */
  readonly repositoryDigest: string;
  /** What its work trees share, and the git directory of this one. */
  readonly places: readonly [common: string, own: string];
  readonly privateDigest: string;
  readonly nested: NestedRepositories;
}

export function createGitObserver(options: GitObserverOptions): WorkspaceObserver {
  const directory = join(options.attemptDir, "git");
  const patch = join(directory, "changes.patch");
  const blocksMax = String(Math.ceil(options.patchBytesMax / 512));
  const env = { AC_GIT: directory, GIT_WORK_TREE: options.repository };
  const common = { visible: [directory] };
  const nestedIn = (names: readonly string[]): NestedRepositories =>
    nestedRepositories(options.workspace, names, options.snapshotEntriesMax, options.unobserved);
  let before: StateBefore | null = null;

  return {
    async before() {
      await makePrivateGitDir(directory);
      const end = await tryStep(options.run, {
        ...common,
        script: beforeScript,
        args: [blocksMax, ...options.unobserved],
        env: { ...env, GIT_DIR: join(options.repository, ".git") },
        name: "before",
      });
      if (typeof end !== "string" && end.exitCode === 0) {
        const [seen = "", tree = "", repositoryDigest = "", shared = "", own = "", ...names] = end.stdout
          .split("\0")
          .slice(0, -1);
        const privateDigest = await digestOfGitDir(directory);
        before = {
          seen,
          tree,
          repositoryDigest,
          places: [shared, own],
          privateDigest,
          nested: nestedIn(names),
        };
        await before.nested.before();
        return null;
      }
      await rm(directory, { recursive: true, force: true });
      return typeof end === "string" ? end : reasonOf(end);
    },
    async after(): Promise<WorkspaceChange> {
      if (before === null) return notCompared("git could not read it before the run");
      if ((await digestOfGitDir(directory)) !== before.privateDigest) {
        await rm(directory, { recursive: true, force: true });
        return notCompared("the run changed what git compares with");
      }
      const args = [blocksMax, before.tree, patch, ...before.places, ...options.unobserved];
      const step = { ...common, script: afterScript, args, env, name: "after" } as const;
      const end = await tryStep(options.run, step);
      const nested = await before.nested.after();
      const change = await changeOf(
        end,
        { ...before, inside: nested },
        {
          patch,
          kept: join(options.attemptDir, "changes.patch"),
          bytesMax: options.patchBytesMax,
        },
      );
      await rm(directory, { recursive: true, force: true });
      return change;
    },
  };
}

async function tryStep(run: GitObserverOptions["run"], step: GitStep): Promise<GitStepEnd | string> {
  try {
    return await run(step);
  } catch (error) {
    return `git could not be started: ${errorText(error)}`;
  }
}

interface PatchPlaces {
  /** Where git writes it, and where it stays. */
  readonly patch: string;
  readonly kept: string;
  readonly bytesMax: number;
}

async function changeOf(
  end: GitStepEnd | string,
  before: StateBefore & { readonly inside: NestedChange },
  { patch, kept, bytesMax }: PatchPlaces,
): Promise<WorkspaceChange> {
  if (typeof end === "string") return notCompared(end);
  if (end.overflowed) return notCompared("more files changed than can be listed");
  if (end.exitCode !== 0 && end.exitCode !== patchFailedCode) return notCompared(reasonOf(end));
  const [seen, digest, ...names] = end.stdout.split("\0").slice(0, -1);
  const unseen = [
    ...(seen === "whole" && before.seen === "whole"
      ? []
      : [`git could not read all of the workspace: ${reasonOf(end)}`]),
    ...(digest === before.repositoryDigest
      ? []
      : ["the configuration, exclusions, attributes or hooks of the repository changed meanwhile"]),
    ...before.inside.unseen,
  ];
  const files = [...new Set([...names, ...before.inside.files])].sort();
  const seenPart = { files, complete: unseen.length === 0 };
  const unpatched =
    before.inside.files.length === 0 ? [] : ["what changed inside nested repositories is in no patch"];
  const notes = [...unseen, ...unpatched];
  if (end.exitCode === 0) {
    const note = notes.length === 0 ? null : notes.join("; ");
    return { ...seenPart, patch: await keepPatch(patch, kept), note };
  }
  const note = `no patch: it would be larger than ${bytesMax} bytes, or git failed: ${reasonOf(end)}`;
  return { ...seenPart, patch: null, note: [...notes, note].join("; ") };
}

/** The complaint, not the advice that git gives after it. */
function reasonOf(end: GitStepEnd): string {
  if (end.exitCode === null) return end.timedOut ? "git took too long" : "git was ended by a signal";
  const lines = end.stderr.trim().split("\n");
  const complaints = lines.filter((line) => /^(fatal|error): /.test(line));
  const reason = (complaints.length > 0 ? complaints : lines).join("; ").slice(0, reasonCharsMax);
  return reason === "" ? `git exited with code ${end.exitCode}` : reason;
}

const reasonCharsMax = 500;

async function keepPatch(path: string, kept: string): Promise<{ path: string; bytes: number } | null> {
  try {
    const { size } = await stat(path);
    if (size === 0) return null;
    // Git makes it as the umask says.
    await chmod(path, 0o600);
    await rename(path, kept);
    return { path: kept, bytes: size };
  } catch (error) {
    ignore(error, "nothing changed, so no patch was written");
    return null;
  }
}
