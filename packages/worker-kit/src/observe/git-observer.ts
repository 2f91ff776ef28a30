/**
 * Finds the changes of a run with git: the work tree is written to a tree object before and after the run, with a private
 * git directory, and the two trees are compared. So the user's index, objects and refs are not changed. Changes from before
 * the run do not count, even in files that were already dirty. Untracked files count, ignored files do not. It makes no
 * difference whether the worker commits, or what it does to the repository's index, configuration, exclusions and
 * attributes; changes of the last three are reported.
 *
 * Not seen: changes to ignored files. Files in nested repositories and submodules are compared by size and times, and are
 * not in a patch. Filters are off: a file with a filter (Git LFS) that is rewritten with the same content counts as
 * changed.
 *
 * Git runs contained, with limited time and file size.
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
  /** In addition to git's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Directories of the attempt that it needs to see. */
  readonly visible: readonly string[];
  readonly name: "before" | "after";
}

export interface GitStepEnd {
  /** Null: killed by a signal or the time limit. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** Stdout was longer than the limit. */
  readonly overflowed: boolean;
}

export interface GitObserverOptions {
  readonly workspace: string;
  /** Top level of its work tree: see {@link findRepository}. */
  readonly repository: string;
  /** Private directory of the attempt; `git/` and `changes.patch` are made in it. */
  readonly attemptDir: string;
  readonly patchBytesMax: number;
  /** Files and directories compared in all nested repositories together. */
  readonly snapshotEntriesMax: number;
  /** Paths in the workspace, relative to it, that are not compared. */
  readonly unobserved: readonly string[];
  /** Runs one script contained; rejects if it could not be started. */
  readonly run: (step: GitStep) => Promise<GitStepEnd>;
}

/** The nearest work tree that contains the workspace, as far as can be told without git; else null. */
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
  /** The common git directory, and the git directory of this work tree. */
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
  /** The path that git writes, and the final path. */
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

/** The error message, without the advice that git prints after it. */
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
    // Git creates it with the umask's mode.
    await chmod(path, 0o600);
    await rename(path, kept);
    return { path: kept, bytes: size };
  } catch (error) {
    ignore(error, "nothing changed, so no patch was written");
    return null;
  }
}
