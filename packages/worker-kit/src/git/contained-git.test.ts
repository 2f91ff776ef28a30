import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openContainment, type Containment } from "@agentcore/containment";
import { AgentCoreError, systemClock, systemIds, type Git } from "@agentcore/contract";
import { machineContainment } from "../testing/drive.ts";
import { configureGit, makeHostileGit } from "../testing/hostile-git.ts";
import { findSurvivors } from "../testing/survivors.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";
import { createContainedGit } from "./contained-git.ts";

let containment: Containment;
beforeAll(async () => {
  containment = await machineContainment();
});

const gitWith = (hostEnv: Record<string, string>, used = containment): Git =>
  createContainedGit({
    containment: used,
    clock: systemClock,
    ids: systemIds,
    hostEnv: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", ...hostEnv },
  });

/** With one commit, in a directory whose parent is free for the test. */
function repository(): { root: string; beside: string } {
  const beside = makeTemporaryDirectory("git");
  const root = join(beside, "repository");
  mkdirSync(root);
  const run = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args], { cwd: root });
  run("init", "-q", "-b", "work");
  writeFileSync(join(root, "a.txt"), "one\n");
  run("add", ".");
  run("commit", "-q", "-m", "first");
  return { root, beside };
}

/** What AgentCore asks of git, in an order in which it works. */
const commandsOfWorkflows = (beside: string): readonly (readonly string[])[] => [
  ["rev-parse", "--show-toplevel"],
  ["symbolic-ref", "--quiet", "--short", "HEAD"],
  ["diff", "--name-only", "--relative", "-z", "HEAD", "--"],
  ["diff", "HEAD", "--"],
  ["ls-files", "--others", "--exclude-standard", "-z"],
  ["check-ignore", "--quiet", "--", "a.txt"],
  ["update-index", "-q", "--refresh"],
  ["add", "--all", "--", "."],
  ["write-tree"],
  ["-c", "user.name=a", "-c", "user.email=b", "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "snapshot"],
  ["update-ref", "refs/agentcore/x", "HEAD"],
  ["worktree", "add", "--force", "--detach", join(beside, "tree"), "HEAD"],
  ["diff-tree", "-r", "-p", "--binary", `--output=${join(beside, "patch")}`, "HEAD^{tree}", "HEAD"],
  ["diff-files", "--name-only", "-z"],
  ["read-tree", "HEAD"],
  ["ls-tree", "-r", "-z", "HEAD"],
  ["apply", "--whitespace=nowarn", "--check", join(beside, "patch.given")],
  ["apply", "--whitespace=nowarn", join(beside, "patch.given")],
  ["rev-list", "--count", "HEAD..HEAD^{commit}"],
  ["worktree", "remove", "--force", "--force", join(beside, "tree")],
  ["update-ref", "-d", "refs/agentcore/x"],
];

const given = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1,2 @@\n one\n+two\n";

describe("git that AgentCore runs", () => {
  it.each([
    ["the worker", "the best box"],
    ["the user", "the best box"],
    ["the worker", "a process group"],
  ])(
    "starts no program that %s configured in %s, but for filters, of which nothing stays",
    async (who, box) => {
      const isBest = box === "the best box";
      const used = isBest ? containment : await openContainment({ implementation: "process-group" });
      const { root, beside } = repository();
      const hostile = makeHostileGit(join(beside, "programs"));
      const home = join(beside, "home");
      mkdirSync(home);
      const included = join(beside, "included");
      configureGit(root, [...hostile.config, ...hostile.filterConfig], included);
      if (who === "the worker") configureGit(root, [["include.path", included]]);
      else configureGit(root, [["includeIf.gitdir:/**.path", included]], join(home, ".gitconfig"));
      writeFileSync(join(root, ".git/info/attributes"), "*.txt filter=hostile diff=hostile\n");
      writeFileSync(join(beside, "patch.given"), given);
      writeFileSync(join(root, "new.txt"), "new\n");
      const git = gitWith({ HOME: home, SECRET_TOKEN: "leaked", GIT_EXTERNAL_DIFF: "/bin/false" }, used);
      for (const args of commandsOfWorkflows(beside)) {
        const { exitCode, stderr } = await git(root, args);
        expect({ args, stderr, fine: exitCode === 0 || args[0] === "check-ignore" }).toMatchObject({
          fine: true,
        });
      }
      const ran = hostile.ran();
      expect(new Set(ran.map(({ what }) => what))).toEqual(new Set(["clean", "smudge"]));
      const ours = readlinkSync("/proc/self/ns/pid");
      const sealed = used.level === "sealed";
      for (const { namespace, env } of ran) {
        if (sealed) expect(namespace).not.toBe(ours);
        expect(env).not.toContain("leaked");
      }
      expect(findSurvivors([hostile.token])).toEqual([]);
    },
    20_000,
  );

  it("looks at the directory's repository, whatever the caller's environment says of another", async () => {
    const { root, beside } = repository();
    execFileSync("git", ["init", "-q", join(beside, "other")]);
    const other = join(beside, "other/.git");
    const git = gitWith({
      GIT_DIR: other,
      GIT_WORK_TREE: beside,
      GIT_INDEX_FILE: join(other, "index"),
      GIT_LITERAL_PATHSPECS: "1",
      GIT_QUARANTINE_PATH: beside,
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "core.bare",
      GIT_CONFIG_VALUE_0: "true",
    });
    const top = await git(root, ["rev-parse", "--show-toplevel"]);
    expect(top).toMatchObject({ exitCode: 0, stdout: `${root}\n` });
    expect(await git(root, ["ls-files", "--", ":(glob)*.txt"])).toMatchObject({ stdout: "a.txt\n" });
    expect((await git(root, ["update-ref", "refs/x", "HEAD"])).exitCode).toBe(0);
  });

  it("keeps to the user's own configuration of what is ignored", async () => {
    const { root, beside } = repository();
    writeFileSync(join(beside, "ignore"), "*.log\n");
    writeFileSync(join(beside, ".gitconfig"), `[core]\n\texcludesFile = ${join(beside, "ignore")}\n`);
    writeFileSync(join(root, "x.log"), "");
    const untracked = ["ls-files", "--others", "--exclude-standard"];
    expect(await gitWith({ HOME: beside })(root, untracked)).toMatchObject({ stdout: "" });
    expect(await gitWith({})(root, untracked)).toMatchObject({ stdout: "x.log\n" });
  });

  it("reads its input, and says all that it has to say", async () => {
    const { root } = repository();
    const git = gitWith({});
    const hashed = await git(root, ["hash-object", "--stdin"], { input: "one\n" });
    expect(hashed.stdout).toBe("5626abf0f72e58d7a153368ba57db4c673c0e171\n");
    const refused = await git(root, ["checkout", "nowhere", "--", "x", "y"]);
    expect(refused.exitCode).not.toBe(0);
    const broken = await git(root, ["apply"], { input: given.replaceAll("one", "other") });
    expect(broken.stderr).toBe("error: patch failed: a.txt:1\nerror: a.txt: patch does not apply\n");
  });

  it("is ended with its filters by its time limit and by its caller, and says which of the two", async () => {
    const { root, beside } = repository();
    const token = `7${Math.floor(Math.random() * 1e8)}`;
    const begun = join(beside, "begun");
    configureGit(root, [["filter.slow.clean", `sh -c 'trap "" TERM; touch ${begun}; sleep ${token}; cat'`]]);
    writeFileSync(join(root, ".gitattributes"), "*.slow filter=slow\n");
    writeFileSync(join(root, "x.slow"), "");
    const git = gitWith({});
    await expect(git(root, ["add", "--all"], { timeoutMs: 700 })).rejects.toMatchObject({
      code: "AC_GIT_TIMEOUT",
      message: `git add --all in ${root} took longer than 700 ms and was ended`,
    });
    expect(findSurvivors([token])).toEqual([]);
    const caller = new AbortController();
    const asked = git(root, ["hash-object", "--path=x.slow", "a.txt"], { signal: caller.signal });
    const refusal = asked.catch((error: unknown) => error);
    await expect.poll(() => findSurvivors([token]).length).toBeGreaterThan(0);
    caller.abort();
    expect(await refusal).toMatchObject({ code: "AC_CANCELLED" });
    expect(findSurvivors([token])).toEqual([]);
    expect(existsSync(begun)).toBe(true);
  });

  it("that still waits for its turn to be started is given up with its caller", async () => {
    const asked = Promise.withResolvers<void>();
    const crowded: Containment = {
      ...containment,
      start: ({ signal }) =>
        new Promise((_started, refuse) => {
          signal?.onChange(() => refuse(new AgentCoreError("AC_CANCELLED", "not started")));
          asked.resolve();
        }),
    };
    const parts = { containment: crowded, clock: systemClock, ids: systemIds, hostEnv: process.env };
    const caller = new AbortController();
    const { signal } = caller;
    const answer = createContainedGit(parts)("/", ["version"], { signal }).catch((error: unknown) => error);
    await asked.promise;
    caller.abort();
    expect(await answer).toMatchObject({
      code: "AC_CANCELLED",
      message: "git version in / was no longer wanted",
    });
  });

  it("that did not run to its end is an error, and no answer", async () => {
    const { root, beside } = repository();
    await expect(gitWith({ PATH: "/nowhere" })(root, ["status"])).rejects.toMatchObject({
      code: "AC_GIT_MISSING",
    });
    await expect(gitWith({})(join(beside, "gone"), ["status"])).rejects.toMatchObject({
      code: "AC_WORKSPACE_MISSING",
    });
    const directory = join(beside, "bin");
    mkdirSync(directory);
    writeFileSync(join(directory, "git"), "#!/bin/sh\nkill -KILL $$\n");
    chmodSync(join(directory, "git"), 0o755);
    const dying = gitWith({ PATH: `${directory}:/usr/bin:/bin` });
    await expect(dying(root, ["status"])).rejects.toMatchObject({
      code: "AC_GIT_FAILED",
      message: expect.stringContaining("was ended by SIGKILL"),
    });
  });
});
