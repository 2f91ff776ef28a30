/** All the kinds of workspaces that git has, with real git: a step in a worktree works in each, or says why it does not. */
import type { Log, Git } from "@agentcore/contract";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRunRig, git as runGit, type RunRig } from "../testing/run-rig.ts";
import { shellStep, testWorkflow } from "../testing/test-workflow.ts";

let rig: RunRig;
let home: string;
beforeEach(async () => {
  rig = await createRunRig();
  home = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-zoo-")));
});
afterEach(async () => {
  await rig.close();
  rmSync(home, { recursive: true, force: true });
});

const settings = ["user.name=a", "user.email=a@b.c", "protocol.file.allow=always", "init.defaultBranch=work"];
const run = (cwd: string, ...args: string[]): string =>
  execFileSync("git", [...settings.flatMap((one) => ["-c", one]), ...args], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();

/** With `a.txt`, `in/file` and `out/file` in one commit. */
function repository(name: string, ...init: string[]): string {
  const path = join(home, name);
  run(home, "init", "-q", ...init, path);
  for (const directory of ["in", "out"]) {
    mkdirSync(join(path, directory));
    writeFileSync(join(path, directory, "file"), `${directory}\n`);
  }
  writeFileSync(join(path, "a.txt"), "one\n");
  run(path, "add", ".");
  run(path, "commit", "-q", "-m", "first");
  return path;
}

const zoo: Readonly<Record<string, () => string>> = {
  plain: () => repository("plain"),
  "a linked worktree": () => {
    run(repository("main"), "worktree", "add", "-q", "-b", "other", join(home, "linked"));
    return join(home, "linked");
  },
  "a linked worktree of a bare repository": () => {
    run(home, "clone", "-q", "--bare", repository("origin"), join(home, "bare.git"));
    run(join(home, "bare.git"), "worktree", "add", "-q", join(home, "tree"), "work");
    return join(home, "tree");
  },
  "the checkout of a submodule with extensions.worktreeConfig": () => {
    const outer = repository("outer");
    run(outer, "submodule", "add", "-q", repository("inner"), "sub");
    run(join(outer, "sub"), "config", "extensions.worktreeConfig", "true");
    return join(outer, "sub");
  },
  "with extensions.worktreeConfig and a configuration of its own": () => {
    const path = repository("configured");
    run(path, "config", "extensions.worktreeConfig", "true");
    run(path, "config", "--worktree", "core.autocrlf", "false");
    return path;
  },
  "a sparse checkout by cone": () => {
    const path = repository("cone");
    run(path, "sparse-checkout", "set", "--cone", "in");
    return path;
  },
  "a sparse checkout by patterns": () => {
    const path = repository("patterns");
    run(path, "sparse-checkout", "set", "--no-cone", "/in/", "/*.txt", "!/out/");
    return path;
  },
  "with SHA-256": () => repository("sha256", "--object-format=sha256"),
  shallow: () => {
    const origin = repository("deep");
    run(origin, "commit", "-q", "--allow-empty", "-m", "second");
    run(home, "clone", "-q", "--depth=1", `file://${origin}`, join(home, "shallow"));
    return join(home, "shallow");
  },
  "with nested repositories, one of them without a commit": () => {
    const path = repository("nesting");
    for (const name of ["nested", "empty"]) run(path, "init", "-q", name);
    writeFileSync(join(path, "nested/x"), "x");
    writeFileSync(join(path, "empty/x"), "x");
    run(join(path, "nested"), "add", "x");
    run(join(path, "nested"), "commit", "-q", "-m", "nested");
    return path;
  },
  "with submodules": () => {
    const path = repository("with-submodules");
    run(path, "submodule", "add", "-q", repository("part"), "part");
    run(path, "commit", "-q", "-m", "part");
    return path;
  },
  "with core.worktree": () => {
    const path = repository("elsewhere");
    mkdirSync(join(home, "tree-of-it"));
    run(path, "config", "core.worktree", join(home, "tree-of-it"));
    run(join(home, "tree-of-it"), "--git-dir", join(path, ".git"), "checkout", "-q", "-f");
    writeFileSync(join(home, "tree-of-it/.git"), `gitdir: ${join(path, ".git")}\n`);
    return join(home, "tree-of-it");
  },
  "with a split index": () => {
    const path = repository("split");
    run(path, "update-index", "--split-index");
    writeFileSync(join(path, "b.txt"), "b\n");
    run(path, "add", "b.txt");
    return path;
  },
  "with files that git is told to overlook": () => {
    const path = repository("overlooking");
    run(path, "update-index", "--skip-worktree", "a.txt");
    run(path, "update-index", "--assume-unchanged", "in/file");
    return path;
  },
  "with .git as a symbolic link": () => {
    const path = repository("synced");
    renameSync(join(path, ".git"), join(path, ".git.nosync"));
    symlinkSync(".git.nosync", join(path, ".git"));
    writeFileSync(join(path, ".git.nosync/info/exclude"), ".git.nosync\n");
    return path;
  },
  "with .git as a symbolic link to a directory elsewhere, and a newline in its name": () => {
    const path = repository("away\n");
    renameSync(join(path, ".git"), join(home, "git-of-it"));
    symlinkSync("../git-of-it", join(path, ".git"));
    return path;
  },
  "in a directory with an odd name": () => repository("- $(x) caf\u00e9\n"),
};

const script =
  "echo two >> a.txt; echo three >> in/file; mkdir -p out new; echo new > new/file; echo far > out/far";

describe("a step with a worktree of its own in a workspace that is", () => {
  it.each(Object.keys(zoo))(
    "%s: its changes arrive, and nothing else changes",
    async (name) => {
      const workspace = zoo[name]?.() ?? "";
      const hidden = existsSync(join(workspace, "out/file"));
      const told: string[] = [];
      const log = { warn: (fields: unknown) => void told.push(JSON.stringify(fields)) } as unknown as Log;
      const steps = [shellStep("a", script, { isolation: "worktree", merge: "apply" })];
      const result = await rig.run(testWorkflow(steps), { workspace, log });
      expect({ outcome: result.outcome, reason: result.reason }).toEqual({
        outcome: "SUCCEEDED",
        reason: null,
      });
      const text = (path: string): string => readFileSync(join(workspace, path), "utf8");
      expect([text("a.txt"), text("in/file"), text("new/file"), text("out/far")]).toEqual([
        "one\ntwo\n",
        "in\nthree\n",
        "new\n",
        "far\n",
      ]);
      expect(existsSync(join(workspace, "out/file"))).toBe(hidden);
      expect(run(workspace, "rev-parse", "--show-toplevel")).toBe(workspace.trim());
      const others = ["nested", "empty", "part"].filter((one) => existsSync(join(workspace, one)));
      for (const other of others) expect(told.join()).toContain(`"${other}"`);
      expect(run(workspace, "for-each-ref", "refs/agentcore")).toBe("");
    },
    20_000,
  );

  it.each([
    ["an empty directory", () => {}],
    ["a directory of ignored files", (path: string) => writeFileSync(join(path, "ignored.log"), "x")],
  ])("%s, which no commit has: it begins there", async (_what, fill) => {
    const path = repository("holder");
    const workspace = join(path, "sub");
    mkdirSync(join(workspace, "deep"), { recursive: true });
    fill(workspace);
    writeFileSync(join(path, ".git/info/exclude"), "*.log\n");
    const steps = [
      shellStep("a", "echo one > a", { isolation: "worktree", merge: "apply" }),
      shellStep("b", "echo two > b", { isolation: "worktree", merge: "apply", workspace: "deep" }),
    ];
    const result = await rig.run(testWorkflow(steps), { workspace });
    expect({ outcome: result.outcome, reason: result.reason }).toEqual({
      outcome: "SUCCEEDED",
      reason: null,
    });
    expect(readFileSync(join(workspace, "a"), "utf8")).toBe("one\n");
    expect(readFileSync(join(workspace, "deep/b"), "utf8")).toBe("two\n");
  });

  it("detached: it works where the base is named", async () => {
    const workspace = repository("detached");
    run(workspace, "checkout", "-q", "--detach");
    const steps = [shellStep("a", script, { isolation: "worktree", merge: "apply" })];
    await expect(rig.run(testWorkflow(steps), { workspace })).rejects.toMatchObject({
      message: expect.stringContaining("name the base branch"),
    });
    const branch = { baseBranch: "work" };
    expect((await rig.run(testWorkflow(steps), { workspace, branch })).outcome).toBe("SUCCEEDED");
  });

  it("without a commit: it says so", async () => {
    run(home, "init", "-q", "unborn");
    const steps = [shellStep("a", script, { isolation: "worktree" })];
    await expect(rig.run(testWorkflow(steps), { workspace: join(home, "unborn") })).rejects.toMatchObject({
      code: "AC_WORKFLOW_GIT",
      message: expect.stringContaining("or in one without a commit"),
    });
  });
});

describe("a repository that git does not read", () => {
  const edit = testWorkflow([shellStep("a", "true")]);
  const missing: Git = async () => {
    const { AgentCoreError } = await import("@agentcore/contract");
    throw new AgentCoreError("AC_GIT_MISSING", "git is not on PATH; install git");
  };
  const foreign: Git = (cwd, args, options) =>
    runGit(cwd, args, { ...options, env: { ...options?.env, GIT_TEST_ASSUME_DIFFERENT_OWNER: "1" } });

  it.each<[name: string, breakIt: (path: string) => void, git: Git, reason: RegExp]>([
    [
      "for a broken configuration",
      (path) => writeFileSync(join(path, ".git/config"), "[broken"),
      runGit,
      /bad config line \d/,
    ],
    ["for a foreign owner", () => {}, foreign, /dubious ownership .* safe\.directory/],
    ["for want of git", () => {}, missing, /git is not on PATH/],
    [
      "for a .git file that leads nowhere",
      (path) => {
        rmSync(join(path, ".git"), { recursive: true });
        writeFileSync(join(path, ".git"), "gitdir: /nowhere\n");
      },
      runGit,
      /not a git repository: \/nowhere/,
    ],
    ["for a HEAD that is gone", (path) => rmSync(join(path, ".git/HEAD")), runGit, /not a git repository/],
    [
      "for a commit that is gone",
      (path) => writeFileSync(join(path, ".git/refs/heads/work"), `${"1".repeat(40)}\n`),
      runGit,
      /bad object HEAD/,
    ],
    ["for a directory that is a repository itself", () => {}, runGit, /must be run in a work tree/],
  ])("is an error with git's words %s, and no place without rules", async (name, breakIt, git, reason) => {
    const path = repository("repository");
    breakIt(path);
    const workspace = name.includes("itself") ? join(path, ".git") : join(path, "in");
    await expect(rig.run(edit, { workspace, git })).rejects.toMatchObject({
      message: expect.stringMatching(reason),
    });
  });

  it("is none where there is none, with git or without", async () => {
    expect((await rig.run(edit, { workspace: home, git: missing })).outcome).toBe("SUCCEEDED");
  });
});
