import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { callerIdentity, exposureOf, type Identity } from "./exposure.ts";
import { findConfig } from "./find.ts";

const me = callerIdentity() as Identity;
let root = "";
let directory = "";
let file = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-exposure-")));
  directory = join(root, "project");
  file = join(directory, "agentcore.yaml");
  mkdirSync(directory);
  writeFileSync(file, "");
});
afterEach(() => rmSync(root, { recursive: true }));

it("a file of mine below directories of mine is mine alone", () => {
  expect(exposureOf(file, me)).toBeNull();
  expect(findConfig(directory, { home: undefined, identity: me })).toEqual({ path: file, refused: null });
});

it.each([
  [
    "the file is writable by everybody",
    () => chmodSync(file, 0o646),
    /every user can write to .*agentcore\.yaml$/,
  ],
  ["its directory is writable by everybody", () => chmodSync(directory, 0o777), /every user .*project$/],
  ["one above is, without the sticky bit", () => chmodSync(root, 0o777), /every user .*agentcore-exposure-/],
])("is not where %s", (_what, change, reason) => {
  change();
  expect(exposureOf(file, me)).toMatch(reason);
  expect(findConfig(directory, { home: undefined, identity: me })).toMatchObject({
    path: null,
    refused: { path: file, reason: expect.stringMatching(reason) },
  });
});

it.each([
  ["my own private group", 0o664, { uid: 2001, gid: 2001 }, 2001, null],
  ["a group that others may be in", 0o664, { uid: 2001, gid: 100 }, 100, /group 100 can write/],
  ["a group that is not my first", 0o664, { uid: 2001, gid: 2001 }, 100, /group 100 can write/],
])("writable by %s", (_what, mode, identity, group, reason) => {
  if (me.uid !== 0) return;
  chmodSync(file, mode);
  chownSync(file, identity.uid, group);
  if (reason === null) expect(exposureOf(file, identity)).toBeNull();
  else expect(exposureOf(file, identity)).toMatch(reason);
});

it("a sticky directory is one where others can make names, but not replace mine", () => {
  chmodSync(root, 0o1777);
  expect(exposureOf(file, me)).toBeNull();
});

it.runIf(me.uid === 0)("what belongs to another user counts for nobody, in a shared directory too", () => {
  chmodSync(root, 0o1777);
  const planted = join(root, "agentcore.yaml");
  writeFileSync(planted, "");
  chownSync(planted, 2002, 2002);
  // Found in the shared directory itself: reported as refused. From below it: not even checked.
  expect(findConfig(root, { home: undefined, identity: me }).refused?.reason).toMatch(/belongs to user 2002/);
  rmSync(file);
  expect(findConfig(directory, { home: undefined, identity: me })).toEqual({ path: null, refused: null });
  // A link of mine to it does not make it mine, and a directory of another user is a boundary.
  symlinkSync(planted, file);
  expect(findConfig(directory, { home: undefined, identity: me }).refused?.reason).toMatch(/user 2002/);
  rmSync(file);
  chownSync(directory, 2002, 2002);
  writeFileSync(file, "");
  expect(findConfig(directory, { home: undefined, identity: me }).refused?.reason).toMatch(
    /project belongs to user 2002/,
  );
});

it("the search ends at the home directory", () => {
  const deep = join(directory, "a/b");
  mkdirSync(deep, { recursive: true });
  expect(findConfig(deep, { home: directory, identity: me }).path).toBe(file);
  expect(findConfig(deep, { home: join(directory, "a"), identity: me })).toEqual({
    path: null,
    refused: null,
  });
});

it("where there are no owners, nothing is told", () => {
  chmodSync(file, 0o666);
  expect(exposureOf(file, null)).toBeNull();
});
