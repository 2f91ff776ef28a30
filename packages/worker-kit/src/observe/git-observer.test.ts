import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { gitEnvironment } from "../git/hardening.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";
import { createGitObserver, findRepository, type GitStep, type GitStepEnd } from "./git-observer.ts";
import { observeWorkspace } from "./observe-workspace.ts";

const gitEnv = { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" };

/** Runs a step as the runner would, without the container. */
function runStep(workspace: string): (step: GitStep) => Promise<GitStepEnd> {
  return (step) => {
    const end = spawnSync("/bin/sh", ["-c", step.script, "git", ...step.args], {
      cwd: workspace,
      env: { ...gitEnvironment(gitEnv), ...step.env },
      encoding: "utf8",
    });
    return Promise.resolve({
      exitCode: end.status,
      timedOut: false,
      stdout: end.stdout,
      stderr: end.stderr,
      overflowed: false,
    });
  };
}

function git(cwd: string, ...args: string[]): string {
  return execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args], {
    cwd,
    env: gitEnv,
    encoding: "utf8",
  });
}

/** A repository with one commit, a dirty file, an untracked one and an ignored one. */
function repository(): string {
  const root = makeTemporaryDirectory("git");
  git(root, "init", "-q");
  writeFileSync(join(root, "clean"), "one\n");
  writeFileSync(join(root, "dirty"), "one\n");
  writeFileSync(join(root, ".gitignore"), "ignored\n");
  git(root, "add", ".");
  git(root, "commit", "-q", "-m", "first");
  writeFileSync(join(root, "dirty"), "one\nbefore\n");
  writeFileSync(join(root, "untracked"), "before\n");
  writeFileSync(join(root, "ignored"), "before\n");
  return root;
}

function observer(workspace: string, patchBytesMax = 1024 * 1024) {
  const attemptDir = makeTemporaryDirectory("attempt");
  const unobserved = ["records", "a*"];
  const repository = findRepository(workspace) ?? "";
  return createGitObserver({
    workspace,
    repository,
    attemptDir,
    patchBytesMax,
    snapshotEntriesMax: 1000,
    unobserved,
    run: runStep(workspace),
  });
}

/** What the observer says about a change made between its two looks. */
async function observe(workspace: string, change: () => void) {
  const looks = observer(workspace);
  expect(await looks.before()).toBeNull();
  change();
  const found = await looks.after();
  return { ...found, patchText: found.patch === null ? "" : readFileSync(found.patch.path, "utf8") };
}

describe("a workspace in a git repository", () => {
  it("is unchanged by a run that changes nothing, whatever was dirty before", async () => {
    const found = await observe(repository(), () => undefined);
    expect(found).toMatchObject({ files: [], complete: true, patch: null, note: null });
  });

  it("shows changes in clean, dirty and untracked files, and no ignored ones", async () => {
    const root = repository();
    const found = await observe(root, () => {
      writeFileSync(join(root, "clean"), "two\n");
      writeFileSync(join(root, "dirty"), "one\nbefore\nduring\n");
      writeFileSync(join(root, "untracked"), "before\nduring\n");
      writeFileSync(join(root, "new"), "new\n");
      writeFileSync(join(root, "ignored"), "during\n");
    });
    expect(found.files).toEqual(["clean", "dirty", "new", "untracked"]);
    expect(found.patchText).toContain("+during");
    expect(found.patchText).not.toContain("+before");
  });

  it("shows nothing of what is not to be observed", async () => {
    const root = repository();
    mkdirSync(join(root, "records"));
    writeFileSync(join(root, "records/tracked"), "one\n");
    git(root, "add", "records");
    const found = await observe(root, () => {
      writeFileSync(join(root, "records/tracked"), "two\n");
      writeFileSync(join(root, "records/new"), "new\n");
      mkdirSync(join(root, "a*"));
      writeFileSync(join(root, "a*/new"), "new\n");
      writeFileSync(join(root, "ab"), "seen\n");
    });
    expect(found).toMatchObject({ files: ["ab"], complete: true });
    expect(found.patchText).not.toContain("records");
  });

  it("is seen whole where what is not to be observed is ignored besides", async () => {
    const root = repository();
    writeFileSync(join(root, ".gitignore"), "ignored\nrecords/\na*/\n");
    mkdirSync(join(root, "records"));
    writeFileSync(join(root, "records/old"), "one\n");
    const found = await observe(root, () => {
      writeFileSync(join(root, "records/new"), "new\n");
      mkdirSync(join(root, "a*"));
      writeFileSync(join(root, "a*/new"), "new\n");
      writeFileSync(join(root, "ab"), "seen\n");
    });
    expect(found).toMatchObject({ files: ["ab"], complete: true, note: null });
  });

  it("gives a patch that applies to the state before the run", async () => {
    const root = repository();
    const copy = makeTemporaryDirectory("copy");
    execFileSync("cp", ["-a", `${root}/.`, copy]);
    const found = await observe(root, () => {
      rmSync(join(root, "clean"));
      writeFileSync(join(root, "dirty"), "other\n");
      writeFileSync(join(root, "binary"), Buffer.from([0, 1, 2, 255, 0]));
      writeFileSync(join(root, "name with space"), "x\n");
    });
    execFileSync("git", ["apply", found.patch?.path ?? ""], { cwd: copy, env: gitEnv });
    expect(
      execFileSync("sh", ["-c", `diff -r --exclude=.git '${root}' '${copy}' && echo same`]).toString(),
    ).toBe("same\n");
  });

  it("leaves the index, the objects and the status as they were", async () => {
    const root = repository();
    git(root, "add", "untracked");
    const look = () => [
      readFileSync(join(root, ".git/index")),
      execFileSync("find", [".git/objects", "-type", "f"], { cwd: root }).toString().split("\n").sort(),
    ];
    const before = look();
    await observe(root, () => writeFileSync(join(root, "new"), "new\n"));
    expect(look()).toEqual(before);
  });

  it("shows the same whether or not the worker commits", async () => {
    const root = repository();
    const found = await observe(root, () => {
      writeFileSync(join(root, "clean"), "two\n");
      git(root, "commit", "-q", "-am", "second");
    });
    expect(found.files).toEqual(["clean"]);
  });

  it("is looked at below the workspace only, with paths relative to it", async () => {
    const root = repository();
    mkdirSync(join(root, "sub"));
    writeFileSync(join(root, "sub/file"), "one\n");
    git(root, "add", ".");
    const found = await observe(join(root, "sub"), () => {
      writeFileSync(join(root, "sub/file"), "two\n");
      writeFileSync(join(root, "clean"), "outside\n");
    });
    expect(found.files).toEqual(["file"]);
    expect(found.patchText).toContain("--- a/file");
  });

  it("may have no commit yet, and nothing in it", async () => {
    const root = makeTemporaryDirectory("git");
    git(root, "init", "-q");
    const found = await observe(root, () => writeFileSync(join(root, "first"), "x"));
    expect(found.files).toEqual(["first"]);
  });

  it("may be a linked work tree", async () => {
    const root = repository();
    const linked = join(makeTemporaryDirectory("linked"), "tree");
    git(root, "worktree", "add", "-q", linked);
    const found = await observe(linked, () => writeFileSync(join(linked, "clean"), "two\n"));
    expect(found.files).toEqual(["clean"]);
  });

  it("sees a change that was made within the same tick of the clock and keeps the size", async () => {
    const root = repository();
    for (let round = 0; round < 5; round += 1) {
      const found = await observe(root, () => writeFileSync(join(root, "clean"), `${round}ne\n`));
      expect(found.files).toEqual(["clean"]);
    }
  });

  it("runs no diff program that the repository's configuration names", async () => {
    const root = repository();
    git(root, "config", "diff.external", "false");
    git(root, "config", "core.fsmonitor", "/nonexistent");
    git(root, "config", "color.ui", "always");
    git(root, "config", "diff.noprefix", "true");
    const found = await observe(root, () => writeFileSync(join(root, "clean"), "two\n"));
    expect(found.patchText).toContain("diff --git a/clean b/clean\n");
    expect(found.patchText).not.toContain("\u001b");
  });

  it("lists the files and says why there is no patch where it would be too large", async () => {
    const root = repository();
    const looks = observer(root, 64 * 1024);
    await looks.before();
    for (let index = 0; index < 4; index += 1) {
      writeFileSync(join(root, `big${index}`), `${index} of the big files\n`.repeat(2500));
    }
    const found = await looks.after();
    expect(found).toMatchObject({ files: ["big0", "big1", "big2", "big3"], complete: true, patch: null });
    expect(found.note).toContain("larger than 65536 bytes");
  });

  it("goes on without what git cannot read, such as a repository that the worker has just made, and says so", async () => {
    const root = repository();
    const found = await observe(root, () => {
      writeFileSync(join(root, "new"), "x");
      mkdirSync(join(root, "nested"));
      git(join(root, "nested"), "init", "-q");
      writeFileSync(join(root, "nested/file"), "x");
    });
    expect(found).toMatchObject({ files: ["new"], complete: false });
    expect(found.patchText).toContain("b/new");
    expect(found.note).toContain("'nested/' does not have a commit checked out");
  });

  it("is said to be seen in part where git cannot list a directory", async () => {
    const root = repository();
    // Too long a path: permissions would stop no test that runs as root.
    const deep = `for (let n = 0; n < 30; n++) { fs.mkdirSync("d".repeat(200)); process.chdir("d".repeat(200)); } fs.writeFileSync("hidden", "")`;
    const found = await observe(root, () => {
      execFileSync(process.execPath, ["-e", deep], { cwd: root });
      writeFileSync(join(root, "seen"), "");
    });
    // Node's own removal cannot reach so deep.
    execFileSync("rm", ["-rf", join(root, "d".repeat(200))]);
    expect(found).toMatchObject({ files: ["seen"], complete: false });
    expect(found.note).toContain("could not open directory");
  });
});

describe("the choice of how to look", () => {
  const choose = (workspace: string, gitAvailable = true) =>
    observeWorkspace({
      workspace,
      attemptDir: makeTemporaryDirectory("attempt"),
      patchBytesMax: 1024 * 1024,
      unobserved: ["records"],
      snapshotEntriesMax: 1000,
      gitAvailable,
      run: runStep(workspace),
    });

  it("falls on file times where there is no repository, or no git", async () => {
    const plain = makeTemporaryDirectory("plain");
    mkdirSync(join(plain, ".git")); // a directory of that name alone makes no repository
    expect(findRepository(plain)).toBeNull();
    for (const [workspace, gitAvailable] of [
      [plain, true],
      [repository(), false],
    ] as const) {
      const looks = choose(workspace, gitAvailable);
      await looks.before();
      writeFileSync(join(workspace, "new"), "x");
      mkdirSync(join(workspace, "records"));
      writeFileSync(join(workspace, "records/new"), "x");
      expect(await looks.after()).toEqual({ files: ["new"], complete: true, patch: null, note: null });
    }
  });

  it("falls on file times, and says so, where git refuses the repository", async () => {
    const root = repository();
    writeFileSync(join(root, ".git/HEAD"), "garbage");
    const looks = choose(root);
    await looks.before();
    writeFileSync(join(root, "new"), "x");
    const found = await looks.after();
    expect(found).toMatchObject({ files: ["new"], complete: true, patch: null });
    expect(found.note).toContain("git could not be used, so there is no patch");
  });

  it("falls on file times in a directory that the repository ignores", async () => {
    const root = repository();
    mkdirSync(join(root, "ignored-dir"));
    writeFileSync(join(root, ".gitignore"), "ignored-dir/\n");
    const workspace = join(root, "ignored-dir");
    symlinkSync("/etc", join(workspace, "link"));
    const looks = choose(workspace);
    await looks.before();
    writeFileSync(join(workspace, "new"), "x");
    expect((await looks.after()).files).toEqual(["new"]);
  });
});
