/** What a step changed is judged by what it changed, whatever the worker does to the repository. */
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Convergence } from "../definition.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellLoop, shellStep, testConvergence, testWorkflow } from "../testing/test-workflow.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: rig.workspace });
  git("init", "-qb", "work");
  for (const directory of ["src", "secret"]) mkdirSync(join(rig.workspace, directory));
  for (const file of ["src/a", "secret/policy"]) writeFileSync(join(rig.workspace, file), `${file}\n`);
  git("add", ".");
  git("commit", "-qm", "x");
});
afterEach(() => rig.close());

const commit = "git add -A; git -c user.name=a -c user.email=a@b commit -qm step";

async function judged(script: string, rules: Partial<Convergence>, isolation: "none" | "worktree" = "none") {
  const convergence = testConvergence({ allowedPaths: ["src"], diffBaseRef: "HEAD", ...rules });
  const loop = shellLoop("true", { maxIterations: 1, convergence });
  const result = await rig.run(testWorkflow([shellStep("a", script, { loop, isolation })]));
  return { outcome: result.outcome, reason: result.steps[0]?.reason ?? result.reason };
}

describe("`allowed_paths` with `diff_base_ref`", () => {
  it.each<[name: string, script: string]>([
    ["a commit of its own", `echo x >> secret/policy; ${commit}`],
    ["a rename into them", `git mv secret/policy src/policy; ${commit}`],
    ["a mode", "chmod +x secret/policy"],
    [
      "an index that is told to overlook it",
      "git update-index --skip-worktree secret/policy; echo x >> secret/policy",
    ],
    ["an index that assumes", "git update-index --assume-unchanged secret/policy; echo x >> secret/policy"],
    ["a configuration that overlooks modes", "git config core.fileMode false; chmod +x secret/policy"],
    ["a work tree elsewhere", "git config core.worktree /; echo x >> secret/policy"],
    [
      "an object in the place of the commit",
      `base=$(git rev-parse HEAD); echo x >> secret/policy; ${commit}; git replace $base HEAD`,
    ],
    ["a link", "rm -r secret; ln -s src secret"],
  ])("sees a change outside in spite of %s", async (_name, script) => {
    const { outcome, reason } = await judged(script, {});
    expect({ outcome, reason }).toEqual({
      outcome: "FAILED",
      reason: expect.stringContaining("outside allowed_paths"),
    });
    expect(reason).toMatch(/secret/);
  });

  it("sees it in a worktree, where a step leads git elsewhere", async () => {
    const script = "rm .git; git init -q .; echo x >> secret/policy";
    expect(await judged(script, {}, "worktree")).toMatchObject({
      reason: expect.stringMatching(/secret\/policy/),
    });
    expect(await judged("echo x >> src/a", {}, "worktree")).toMatchObject({ outcome: "SUCCEEDED" });
  });

  it.each<[name: string, script: string]>([
    ["there is no repository any more", "echo x >> secret/policy; rm -rf .git"],
    [
      "there is another repository",
      "echo x >> secret/policy; rm -rf .git; git init -q .; git commit -q --allow-empty -m x 2>/dev/null || true",
    ],
    [
      "a filter that is needed fails",
      "git config filter.z.clean false; git config filter.z.required true; echo '* filter=z' > .git/info/attributes; echo x >> src/a",
    ],
  ])("fails where nothing could be compared, since %s", async (_name, script) => {
    const { outcome, reason } = await judged(script, {});
    expect({ outcome, reason }).toEqual({
      outcome: "FAILED",
      reason: expect.stringMatching(/git .* failed in/),
    });
  });

  it("fails before its job where the name is no commit, whatever it looks like", async () => {
    for (const diffBaseRef of ["gone", "--output=planted", "--help", ""]) {
      const { outcome, reason } = await judged("touch ran", { diffBaseRef });
      expect({ diffBaseRef, outcome, reason }).toEqual({
        diffBaseRef,
        outcome: "FAILED",
        reason: expect.stringContaining("is no commit"),
      });
    }
    expect(execFileSync("ls", { cwd: rig.workspace, encoding: "utf8" })).not.toMatch(/ran|planted/);
  });
});

describe("`diff_base_ref_file`", () => {
  it("is read before the first job, so that the step cannot move it", async () => {
    writeFileSync(join(rig.workspace, "src/base"), "HEAD\n");
    const script = `echo x >> secret/policy; ${commit}; git rev-parse HEAD > src/base`;
    expect(await judged(script, { diffBaseRef: null, diffBaseRefFile: "src/base" })).toMatchObject({
      reason: expect.stringContaining("outside allowed_paths: secret/policy"),
    });
  });

  it.each<[name: string, make: (path: string) => void, reason: RegExp]>([
    ["is not there", () => {}, /is not there when the step begins/],
    ["is a pipe", (path) => void execFileSync("mkfifo", [path]), /it is not a regular file/],
    ["is a link", (path) => symlinkSync("a", path), /it is a symbolic link/],
    ["is a link out of the workspace", (path) => symlinkSync("/etc/hostname", path), /leaves the workspace/],
    ["is a directory", (path) => mkdirSync(path), /it is not a regular file/],
    ["is long", (path) => writeFileSync(path, "x".repeat(2000)), /it is larger than 1024 bytes/],
    ["is empty", (path) => writeFileSync(path, "\n"), /does not hold the name of one commit/],
    [
      "holds two lines",
      (path) => writeFileSync(path, "HEAD\nHEAD\n"),
      /does not hold the name of one commit/,
    ],
    ["holds an option", (path) => writeFileSync(path, "--output=planted\n"), /is no commit/],
  ])("that %s fails the step before its job", async (_name, make, reason) => {
    make(join(rig.workspace, "src/base"));
    const result = await judged("touch ran", { diffBaseRef: null, diffBaseRefFile: "src/base" });
    expect(result).toEqual({ outcome: "FAILED", reason: expect.stringMatching(reason) });
    expect(execFileSync("ls", { cwd: rig.workspace, encoding: "utf8" })).not.toMatch(/ran|planted/);
  });
});
