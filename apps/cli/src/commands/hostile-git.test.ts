/** A run and a workflow in a repository whose configuration names a program wherever git would start one. */
import { configureGit, findSurvivors, makeHostileGit } from "@agentcore/worker-kit/testing";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { patienceMs } from "@agentcore/contract/testing";
import { agentcore, makeScratch } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

/** The worker configures all it can, works, and leaves its `git add` to AgentCore. */
const workflow = `
name: hostile
version: "1"
timeout: 1m
steps:
  configure:
    worker: shell
    isolation: worktree
    capabilities: [edit]
    instructions: |
      git config include.path INCLUDED_PATH
      echo '*.txt filter=hostile diff=hostile' > "$(git rev-parse --git-common-dir)/info/attributes"
      echo one > one.txt
`;

it(
  "no program of theirs runs outside of the box, gets the caller's environment, or outlives the run",
  async () => {
    const { root, workspace } = scratch;
    const home = join(root, "home");
    mkdirSync(home);
    const hostile = makeHostileGit(join(root, "programs"));
    const included = join(root, "included");
    configureGit(root, [...hostile.config, ...hostile.filterConfig], included);
    configureGit(root, [["includeIf.gitdir:/**.path", included]], join(home, ".gitconfig"));
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: workspace });
    git("init", "-qb", "work");
    git("commit", "-qm", "x", "--allow-empty");
    const file = join(root, "hostile.yaml");
    writeFileSync(file, workflow.replace("INCLUDED_PATH", included));
    const env = { HOME: home, SECRET_TOKEN: "leaked", GIT_EXTERNAL_DIFF: "/bin/false" };

    const ended = await agentcore(scratch, ["workflow", "run", file, "-C", workspace], { env });
    expect({ code: ended.code, said: ended.stderr }).toEqual({ code: 0, said: "" });
    expect(readFileSync(join(workspace, "one.txt"), "utf8")).toBe("one\n");
    const single = ["run", "echo two > two.txt", "--worker", "shell", "--json"];
    const { stdout } = await agentcore(scratch, single, { env });
    expect(stdout).toContain('"filesChanged":["two.txt"]');

    const ran = hostile.ran();
    expect(ran.map(({ what }) => what)).toContain("clean");
    expect(ran.filter(({ what }) => what !== "clean" && what !== "smudge")).toEqual([]);
    expect(ran.map(({ namespace }) => namespace)).not.toContain(readlinkSync("/proc/self/ns/pid"));
    expect(ran.filter((one) => one.env.includes("leaked"))).toEqual([]);
    expect(findSurvivors([hostile.token])).toEqual([]);
  },
  patienceMs(30_000),
);
