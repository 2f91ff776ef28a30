/** A repository with one step's worktree, for tests of what becomes of the changes that are made in it. */
import { silentLog, systemClock } from "@agentcore/contract";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mergeWorktree } from "../worktree/merge-worktree.ts";
import { discardWorktree, ensureWorktree } from "../worktree/worktree.ts";
import { worktreePlace, type WorktreePlace } from "../worktree/worktree-place.ts";
import { git } from "./run-rig.ts";

export interface WorktreeRig {
  readonly workspace: string;
  /** Runs git in the workspace, with an identity. */
  git(...args: string[]): string;
  /** Commits everything that exists. */
  commit(): void;
  begin(step?: string): Promise<StepWorktree>;
  close(): Promise<void>;
}

export interface StepWorktree {
  readonly place: WorktreePlace;
  readonly path: string;
  /** Runs a script in it. */
  run(script: string): void;
  merge(): Promise<void>;
  discard(isMerged?: boolean): Promise<string>;
}

const identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=work"];

export function createWorktreeRig(): WorktreeRig {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-worktree-")));
  const workspace = join(home, "workspace");
  const inWorkspace = (...args: string[]): string =>
    execFileSync("git", [...identity, ...args], { cwd: workspace, encoding: "utf8", stdio: "pipe" }).trim();
  execFileSync("git", [...identity, "init", "-q", workspace]);
  inWorkspace("commit", "-q", "--allow-empty", "-m", "first");
  const ports = { git, clock: systemClock, log: silentLog };
  const contextDir = join(workspace, "context");
  return {
    workspace,
    git: inWorkspace,
    commit() {
      inWorkspace("add", "--all");
      inWorkspace("commit", "-q", "--allow-empty", "-m", "more");
    },
    async begin(step = "step") {
      const place = worktreePlace({ root: workspace, gitDir: join(workspace, ".git") }, "run", step);
      const patchFile = join(contextDir, step, "changes.patch");
      await ensureWorktree(ports, place, contextDir);
      return {
        place,
        path: place.path,
        run: (script) => void execFileSync("bash", ["-e", "-c", script], { cwd: place.path, stdio: "pipe" }),
        merge: () => mergeWorktree(ports, { place, patchFile, merge: "apply", exclude: [], contextDir }),
        discard: (isMerged = true) => discardWorktree(ports, place, isMerged),
      };
    },
    close: () => rm(home, { recursive: true, force: true }),
  };
}

/** Mode and content of every file outside of repositories' own directories; names as bytes, one character each. */
export function filesIn(directory: string): Readonly<Record<string, string>> {
  const files: Record<string, string> = {};
  const walk = (way: Buffer): void => {
    const path = Buffer.concat([Buffer.from(`${directory}/`), way]);
    for (const name of readdirSync(path, { encoding: "buffer" })) {
      const below = way.length === 0 ? name : Buffer.concat([way, Buffer.from("/"), name]);
      const key = below.toString("latin1");
      if (key === ".git" || key === "context") continue;
      const file = Buffer.concat([Buffer.from(`${directory}/`), below]);
      const found = lstatSync(file);
      if (found.isDirectory()) walk(below);
      else if (found.isSymbolicLink()) files[key] = `link ${readlinkSync(file, "buffer").toString("latin1")}`;
      else
        files[key] =
          `${(found.mode & 0o100) === 0 ? "file" : "program"} ${readFileSync(file).toString("latin1")}`;
    }
  };
  if (existsSync(directory)) walk(Buffer.alloc(0));
  return Object.fromEntries(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
