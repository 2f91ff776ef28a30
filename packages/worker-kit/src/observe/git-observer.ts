/**
 * What a run changed, as git sees it: the work tree is written to a tree object before and after, by way of a private
 * index and a private object directory, and the two trees are compared. So the user's index, objects and refs stay
 * untouched, changes that were there before are not put down to the run (also inside files that were dirty already),
 * untracked files count and ignored ones do not, and it makes no difference whether the worker commits.
 *
 * Not seen: changes to ignored files, and changes inside nested repositories and submodules.
 *
 * git runs contained and with bounded time and file size, because the repository's own configuration can make it run
 * programs (filters), and a worker may have written that configuration.
 */
import { existsSync, statSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ignore } from "@agentcore/contract";
import { notCompared, type WorkspaceChange, type WorkspaceObserver } from "./workspace-change.ts";

export interface GitStep {
  /** Script for `sh -c`, run in the workspace; `$1…` are `args`. */
  readonly script: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly name: "before" | "after";
}

export interface GitStepEnd {
  /** Null: ended by a signal or the time limit. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Stdout was longer than is kept. */
  readonly overflowed: boolean;
}

export interface GitObserverOptions {
  readonly workspace: string;
  /** Private directory of the attempt; `git/` and `changes.patch` are made in it. */
  readonly attemptDir: string;
  readonly patchBytesMax: number;
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

/**
 * Adds everything below the workspace to the private index and sets `seen`: `part` where git cannot read some of it, such
 * as a nested repository that has no commit yet. A workspace that the repository ignores is none of git's business. The
 * arguments of the script that are left are what is not to be added.
 */
const addEverything = `
seen=whole
git add -A --ignore-errors -- . "$@" || {
  code=$?
  [ "$code" -eq 1 ] || exit "$code"
  if git check-ignore -q .; then echo "the repository ignores the workspace" >&2; exit 1; fi
  seen=part
}
`;

/** `$1`: largest file in 512-byte blocks; then what is left out. Prints what was seen and the tree's id. */
const beforeScript = `
set -eu
ulimit -f "$1"; shift
git rev-parse --path-format=absolute --git-path objects --git-path index > "$AC_GIT/paths"
{ IFS= read -r objects; IFS= read -r index; } < "$AC_GIT/paths"
if [ -f "$index" ]; then cp "$index" "$GIT_INDEX_FILE"; fi
export GIT_ALTERNATE_OBJECT_DIRECTORIES="$objects"
export GIT_OBJECT_DIRECTORY="$AC_GIT/objects"
${addEverything}
echo "$seen $(git write-tree)"
`;

/** `$1`: largest file in 512-byte blocks; `$2`: the tree before; `$3`: the patch; then what is left out. Prints what was seen and names, each with a NUL. */
const afterScript = `
set -eu
ulimit -f "$1"
before=$2; patch=$3; shift 3
{ IFS= read -r objects; IFS= read -r index; } < "$AC_GIT/paths"
export GIT_ALTERNATE_OBJECT_DIRECTORIES="$objects"
export GIT_OBJECT_DIRECTORY="$AC_GIT/objects"
${addEverything}
printf '%s\\0' "$seen"
after=$(git write-tree)
if [ "$after" = "$before" ]; then exit 0; fi
git diff-tree -r -z --name-only --no-renames --relative "$before" "$after"
git diff-tree -r -p --binary --full-index --no-renames --no-color --no-ext-diff --no-textconv --relative \\
  --src-prefix=a/ --dst-prefix=b/ "$before" "$after" > "$patch" || exit 3
`;

const patchFailedCode = 3;

export function createGitObserver(options: GitObserverOptions): WorkspaceObserver {
  const directory = join(options.attemptDir, "git");
  const patch = join(options.attemptDir, "changes.patch");
  const blocksMax = String(Math.ceil(options.patchBytesMax / 512));
  const env = gitEnvironment(directory);
  const leftOut = options.unobserved.map((path) => `:(exclude,literal)${path}`);
  let before: { readonly tree: string; readonly seen: string } | null = null;

  return {
    async before() {
      await mkdir(join(directory, "objects"), { recursive: true, mode: 0o700 });
      const end = await tryStep(options.run, {
        script: beforeScript,
        args: [blocksMax, ...leftOut],
        env,
        name: "before",
      });
      const output = typeof end === "string" || end.exitCode !== 0 ? "" : end.stdout;
      const [, seen, tree] = /^(whole|part) ([0-9a-f]{40,64})\n$/.exec(output) ?? [];
      if (seen !== undefined && tree !== undefined) {
        before = { seen, tree };
        return null;
      }
      await rm(directory, { recursive: true, force: true });
      return typeof end === "string" ? end : reasonOf(end);
    },
    async after(): Promise<WorkspaceChange> {
      if (before === null) return notCompared("git could not read it before the run");
      const args = [blocksMax, before.tree, patch, ...leftOut];
      const end = await tryStep(options.run, { script: afterScript, args, env, name: "after" });
      await rm(directory, { recursive: true, force: true });
      if (typeof end === "string") return notCompared(end);
      if (end.overflowed) return notCompared("more files changed than can be listed");
      if (end.exitCode !== 0 && end.exitCode !== patchFailedCode) return notCompared(reasonOf(end));
      const [seen, ...names] = end.stdout.split("\0").slice(0, -1);
      const files = names.sort();
      const complete = seen === "whole" && before.seen === "whole";
      const partly = complete ? null : `git could not read all of the workspace: ${reasonOf(end)}`;
      if (end.exitCode === 0) return { files, complete, patch: await fileOf(patch), note: partly };
      await rm(patch, { force: true });
      const note = `no patch: it would be larger than ${options.patchBytesMax} bytes, or git failed: ${reasonOf(end)}`;
      return { files, complete, patch: null, note };
    },
  };
}

/** No locks on the user's index, no questions, no pager, no monitor; messages in English. */
function gitEnvironment(directory: string): Record<string, string> {
  const config = { "core.fsmonitor": "false", "core.splitIndex": "false", "core.looseCompression": "0" };
  const entries = Object.entries(config).flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return {
    AC_GIT: directory,
    GIT_INDEX_FILE: join(directory, "index"),
    GIT_OPTIONAL_LOCKS: "0",
    GIT_TERMINAL_PROMPT: "0",
    GIT_PAGER: "cat",
    GIT_CONFIG_COUNT: String(Object.keys(config).length),
    ...(Object.fromEntries(entries) as Record<string, string>),
    LC_ALL: "C",
  };
}

async function tryStep(run: GitObserverOptions["run"], step: GitStep): Promise<GitStepEnd | string> {
  try {
    return await run(step);
  } catch (error) {
    return `git could not be started: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function reasonOf(end: GitStepEnd): string {
  if (end.exitCode === null) return "git took too long";
  return end.stderr.trim().split("\n").at(-1) ?? `git exited with ${end.exitCode}`;
}

async function fileOf(path: string): Promise<{ path: string; bytes: number } | null> {
  try {
    const { size } = await stat(path);
    return size === 0 ? null : { path, bytes: size };
  } catch (error) {
    ignore(error, "nothing changed, so no patch was written");
    return null;
  }
}
