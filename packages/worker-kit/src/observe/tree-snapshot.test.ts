import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";
import { changedFiles, createSnapshotObserver, isUnseen, takeSnapshot } from "./tree-snapshot.ts";

function tree(): string {
  const root = makeTemporaryDirectory("tree");
  mkdirSync(join(root, "a/b"), { recursive: true });
  mkdirSync(join(root, "node_modules"));
  for (const name of ["one", "a/two", "a/b/three", "node_modules/dep"]) writeFileSync(join(root, name), name);
  return root;
}

describe("a look at the files of a workspace", () => {
  it("finds what was created, changed, replaced and deleted, and nothing else", async () => {
    const root = tree();
    symlinkSync("/etc", join(root, "link"));
    const before = await takeSnapshot(root, 100);
    writeFileSync(join(root, "new"), "x");
    writeFileSync(join(root, "a/two"), "changed");
    rmSync(join(root, "a/b/three"));
    writeFileSync(join(root, "node_modules/dep"), "not looked at");
    const after = await takeSnapshot(root, 100);
    expect(changedFiles(before, after)).toEqual(["a/b/three", "a/two", "new"]);
  });

  it("sees a change that keeps size and modification time", async () => {
    const root = tree();
    const past = new Date(Date.now() - 60_000);
    utimesSync(join(root, "one"), past, past);
    const before = await takeSnapshot(root, 100);
    writeFileSync(join(root, "one.new"), "eno");
    utimesSync(join(root, "one.new"), past, past);
    renameSync(join(root, "one.new"), join(root, "one"));
    expect(changedFiles(before, await takeSnapshot(root, 100))).toEqual(["one"]);
  });

  it("sees nothing where nothing changed", async () => {
    const root = tree();
    expect(changedFiles(await takeSnapshot(root, 100), await takeSnapshot(root, 100))).toEqual([]);
  });

  it("says that it does not know where there are too many files, rather than guessing", async () => {
    const root = tree();
    const observer = createSnapshotObserver(root, 3);
    await observer.before();
    writeFileSync(join(root, "new"), "x");
    expect(await observer.after()).toEqual({
      files: null,
      complete: false,
      patch: null,
      note: "the workspace was not compared: it holds more than 3 files",
    });
  });

  it("says that it does not know where the files became too many during the run", async () => {
    const root = tree();
    const observer = createSnapshotObserver(root, 10);
    await observer.before();
    for (let index = 0; index < 10; index += 1) writeFileSync(join(root, `new${index}`), "x");
    expect((await observer.after()).complete).toBe(false);
  });
});

it("a path is unseen where any part of it is not entered", () => {
  expect(isUnseen("a/node_modules/b")).toBe(true);
  expect(isUnseen(".git/config")).toBe(true);
  expect(isUnseen("a/gitx")).toBe(false);
});
