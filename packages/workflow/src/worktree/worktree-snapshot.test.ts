/** What is left out of a snapshot, and whether a work tree is still as one was taken. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { git } from "../testing/run-rig.ts";
import { createWorktreeRig, type WorktreeRig } from "../testing/worktree-rig.ts";
import { isUnchanged, snapshot, snapshotTree } from "./worktree-snapshot.ts";

let rig: WorktreeRig;
beforeEach(() => {
  rig = createWorktreeRig();
});
afterEach(() => rig.close());

const at = (...path: string[]): string => join(rig.workspace, ...path);
const write = (name: string, text: string): void => {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), text);
};
const tree = () => ({ path: rig.workspace, gitDir: at(".git") });
const request = (...exclude: string[]) => ({
  tree: tree(),
  indexBeside: at(".git/snapshot"),
  exclude: exclude.map((name) => at(name)),
});
const namesIn = (id: string): readonly string[] =>
  rig.git("ls-tree", "-r", "-z", "--name-only", id).split("\0").filter(Boolean).toSorted();

describe("what is excluded", () => {
  it.each([
    "context",
    "a/b c",
    "!x",
    "^x",
    ":(top)x",
    "*",
    "[a]?",
    String.raw`\back\\slash`,
    "caf\u00e9",
    "\u00e9",
    '"quoted"',
    "-dash",
    "new\nline",
  ])("is left out by its name alone, ignored or not: %s", async (name) => {
    for (const file of [`${name}/f`, `${name}/deep/f`, `${name}2/f`, "ab", "b/c"]) write(file, "x\n");
    const kept = [`${name}2/f`, "ab", "b/c"].toSorted();
    expect(namesIn((await snapshotTree(git, request(name))).id)).toEqual(kept);
    writeFileSync(at(".git/info/exclude"), "/*\n!/ab\n!/b\n");
    expect(namesIn((await snapshotTree(git, request(name))).id)).toEqual(["ab", "b/c"]);
  });

  it("may be a file", async () => {
    write("input", "x\n");
    write("input2", "x\n");
    expect(namesIn((await snapshotTree(git, request("input"))).id)).toEqual(["input2"]);
  });
});

describe("a work tree", () => {
  const kept = (): string => at(".git/kept");
  const begin = async (): Promise<void> => {
    write("a.txt", "one\n");
    write("dir/f", "f\n");
    rig.commit();
    write("untracked", "x\n");
    write("context/f", "x\n");
    writeFileSync(at(".git/info/exclude"), "*.o\n");
    await snapshot(git, { ...request("context"), keepIndexAs: kept() });
  };
  const unchanged = (): Promise<boolean> => isUnchanged(git, tree(), kept(), [at("context")]);

  it("is unchanged where nothing that counts was changed", async () => {
    await begin();
    write("context/g", "x\n");
    write("ignored.o", "x\n");
    execFileSync("touch", ["a.txt"], { cwd: rig.workspace });
    rig.git("add", "untracked");
    expect(await unchanged()).toBe(true);
  });

  it.each<[name: string, change: () => void]>([
    ["a file", () => write("a.txt", "two\n")],
    ["a mode", () => chmodSync(at("a.txt"), 0o755)],
    ["an untracked file", () => write("untracked", "y\n")],
    ["a new file", () => write("new", "")],
    ["a removal", () => rmSync(at("dir"), { recursive: true })],
    [
      "a link",
      () => {
        rmSync(at("a.txt"));
        symlinkSync("untracked", at("a.txt"));
      },
    ],
    [
      "a file that git is told to overlook",
      () => {
        rig.git("config", "core.fileMode", "false");
        rig.git("update-index", "--assume-unchanged", "a.txt");
        rig.git("update-index", "--skip-worktree", "dir/f");
        chmodSync(at("dir/f"), 0o755);
      },
    ],
    ["what is kept of it", () => writeFileSync(kept(), "no index")],
  ])("is changed by %s", async (_name, change) => {
    await begin();
    change();
    expect(await unchanged()).toBe(false);
  });

  it("that is left out in part is never said to be unchanged", async () => {
    write("in/f", "f\n");
    write("out/f", "f\n");
    rig.commit();
    rig.git("sparse-checkout", "set", "in");
    await snapshot(git, { ...request(), keepIndexAs: kept() });
    expect(existsSync(kept())).toBe(false);
    expect(await isUnchanged(git, tree(), kept(), [])).toBe(false);
  });
});

it("does not wait for a pipe in the place of the index", async () => {
  rmSync(at(".git/index"), { force: true });
  execFileSync("mkfifo", [at(".git/index")]);
  const refusal = { code: "AC_WORKFLOW_GIT", message: expect.stringContaining("not a regular file") };
  await expect(snapshotTree(git, request())).rejects.toMatchObject(refusal);
});
