import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";
import { removeTree } from "./remove-tree.ts";

const program = fileURLToPath(new URL("../testing/remove-as-nobody.ts", import.meta.url));

function removedAsNobody(script: string): string {
  const parent = makeTemporaryDirectory("trees");
  for (let at = parent; at.includes("agentcore-t"); at = join(at, "..")) chmodSync(at, 0o777);
  const args = ["--conditions=@agentcore/source", program, join(parent, "tree"), script];
  return execFileSync(process.execPath, args, { encoding: "utf8" });
}

it.each([
  ["that its owner may not enter", "mkdir -p a/b/c; touch a/b/c/file; chmod 000 a/b/c a/b a"],
  ["that its owner may not write in", "mkdir -p a/b/c; touch a/b/c/file; chmod -R a-w ."],
  [
    "that is deeper than a path is long, with the names that are used for its removal",
    'mkdir moved-1 moved-2; n=$(printf "%0200d" 0); for i in $(seq 60); do mkdir $n moved-3; cd $n; done; touch x; chmod 500 .',
  ],
])("a tree %s is removed", (_what, script) => {
  expect(removedAsNobody(script)).toBe("removed");
});

it("what links lead to stays as it is", async () => {
  const outside = makeTemporaryDirectory("outside");
  writeFileSync(join(outside, "file"), "x");
  const tree = join(makeTemporaryDirectory("trees"), "tree");
  let at = tree;
  for (let level = 0; level < 3; level += 1) {
    mkdirSync(at);
    symlinkSync(outside, join(at, "link"));
    at = join(at, "inner");
  }
  await removeTree(tree);
  symlinkSync(outside, tree);
  await removeTree(tree);
  await removeTree(tree);
  expect([existsSync(tree), existsSync(join(outside, "file"))]).toEqual([false, true]);
});
