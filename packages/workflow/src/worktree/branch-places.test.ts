/** Where a workspace is in git is always what git says, whatever was done to the repository since it was asked. */
import type { Git } from "@agentcore/contract";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { git } from "../testing/run-rig.ts";
import { BranchPlaces } from "./branch-places.ts";

let home: string;
let root: string;
let workspace: string;
let asked: number;
const shell = (script: string): void =>
  void execFileSync("bash", ["-e", "-c", script], { cwd: workspace, stdio: "pipe" });
const counting: Git = (...command) => {
  asked += 1;
  return git(...command);
};

const commit = "git -c user.name=a -c user.email=a@b commit -qm x --allow-empty";
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-places-")));
  root = join(home, "root");
  workspace = join(root, "sub");
  mkdirSync(workspace, { recursive: true });
  execFileSync("git", ["init", "-qb", "work"], { cwd: root });
  shell(commit);
  asked = 0;
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

async function afterChange(script: string) {
  const places = new BranchPlaces();
  const before = await places.of(counting, workspace);
  expect(before).toMatchObject({ root, branch: "work" });
  const first = asked;
  shell(script);
  const found = await places.of(counting, workspace).then(
    (place) => ({ root: place.root, branch: place.branch }),
    (error: unknown) => String(error),
  );
  return { found, askedAgain: asked > first };
}

it.each<[name: string, script: string, found: unknown]>([
  ["another branch", "git checkout -qb other", { branch: "other" }],
  ["a detached HEAD", "git checkout -q --detach", { branch: null }],
  [
    "a branch that leads on to another one",
    `git branch main; git symbolic-ref refs/heads/work refs/heads/main`,
    { branch: "main" },
  ],
  ["a HEAD that is a link", "cd ../.git; mv HEAD H; ln -s refs/heads/other HEAD", { branch: "other" }],
  ["a work tree elsewhere", "git config core.worktree /", { root: "/" }],
  [
    "a work tree elsewhere, by its own configuration",
    "git config extensions.worktreeConfig true; git config --worktree core.worktree /",
    { root: "/" },
  ],
  ["another repository above it", `git init -qb work .; ${commit}`, { branch: "work", root: "SUB" }],
  ["another repository in its place", "rm -rf ../.git; git init -qb new ..", { branch: "new" }],
  [
    "a file that leads to another repository",
    `rm -rf ../.git; git init -qb new $PWD/../../other; echo "gitdir: $PWD/../../other/.git" > ../.git`,
    { branch: "new" },
  ],
  ["a broken configuration", "echo '[broken' > ../.git/config", /bad config line/],
  ["a repository without objects", "rm -rf ../.git/objects", /cannot be read/],
])("is asked of git again after %s", async (_name, script, wanted) => {
  const { found, askedAgain } = await afterChange(script);
  expect(askedAgain).toBe(true);
  if (wanted instanceof RegExp) expect(found).toMatch(wanted);
  else expect(found).toMatchObject(JSON.parse(JSON.stringify(wanted).replace("SUB", workspace)));
});

it("no repository is seen without asking git", async () => {
  expect(await afterChange("rm -rf ../.git")).toEqual({
    found: { root: null, branch: null },
    askedAgain: false,
  });
});

it.each([
  ["nothing", "true"],
  ["a commit", commit],
  ["work", "echo x > ../x; git add ..; git stash -q || true; git branch other; git pack-refs --all"],
])("is not asked of git again after %s", async (_name, script) => {
  expect(await afterChange(script)).toEqual({ found: { root, branch: "work" }, askedAgain: false });
});

it("is the same in a linked worktree, and where a path holds a newline", async () => {
  const odd = join(home, "odd\n");
  shell(`git worktree add -q -b linked '${odd}'`);
  const places = new BranchPlaces();
  expect(await places.of(counting, odd)).toMatchObject({ root: odd, branch: "linked" });
  const first = asked;
  await places.of(counting, odd);
  expect(asked).toBe(first);
  execFileSync("git", ["checkout", "-qb", "further"], { cwd: odd });
  expect(await places.of(counting, odd)).toMatchObject({ root: odd, branch: "further" });
});

it("is the branch, also where a tag has the same name", async () => {
  shell("git branch main; git tag work; git tag main");
  expect(await new BranchPlaces().of(git, workspace)).toMatchObject({ branch: "work" });
  shell("git symbolic-ref HEAD refs/heads/main");
  expect(await new BranchPlaces().of(git, workspace)).toMatchObject({ branch: "main" });
});
