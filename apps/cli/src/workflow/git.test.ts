import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemGit } from "./git.ts";

test("git looks at the workspace's repository, also when it was called from a hook of another", async () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-git-")));
  for (const name of ["ours", "other"]) {
    mkdirSync(join(root, name));
    execFileSync("git", ["init", "-q"], { cwd: join(root, name) });
  }
  const other = join(root, "other");
  const hook = {
    GIT_DIR: join(other, ".git"),
    GIT_WORK_TREE: other,
    GIT_INDEX_FILE: join(other, ".git/index"),
  };
  const git = systemGit({ PATH: process.env["PATH"], ...hook });
  expect(await git(join(root, "ours"), ["rev-parse", "--show-toplevel"])).toMatchObject({
    exitCode: 0,
    stdout: `${join(root, "ours")}\n`,
  });
  rmSync(root, { recursive: true });
});
