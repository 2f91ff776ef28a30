/** Branch safety as the command line offers it: real repositories. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";
import { agentcore, makeScratch } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const file = join(scratch.root, "edit.yaml");
writeFileSync(
  file,
  'name: edit\nversion: "1"\ntimeout: 1m\nsteps:\n  a: { worker: shell, capabilities: [edit], instructions: echo $BASE_BRANCH > ran }\n',
);

let workspace: string;
let repositories = 0;
const git = (...args: string[]): unknown =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: workspace });
beforeEach(() => {
  workspace = join(scratch.root, `repository-${repositories++}`);
  mkdirSync(workspace);
  git("init", "-qb", "main");
  git("commit", "-qm", "x", "--allow-empty");
});

const run = (args: readonly string[] = [], env: Record<string, string> = {}) =>
  agentcore(scratch, ["workflow", "run", file, "-C", workspace, ...args], { env });

it("main is protected, unless other branches are named or it is allowed", async () => {
  const refused = await run();
  expect({ code: refused.code, said: refused.stderr.includes("--allow-protected-branch") }).toEqual({
    code: 2,
    said: true,
  });
  expect((await run(["--allow-protected-branch"])).code).toBe(0);
  expect((await run(["--protected-branches", "other,release/*"])).code).toBe(0);
  git("checkout", "-qb", "other");
  expect((await run(["--protected-branches", "other,release/*"])).code).toBe(2);
});

it("a detached HEAD needs a base, by --base-branch or BASE_BRANCH", async () => {
  git("checkout", "-q", "--detach");
  const refused = await run();
  expect({ code: refused.code, said: refused.stderr.includes("--base-branch") }).toEqual({
    code: 2,
    said: true,
  });
  git("branch", "topic");
  expect((await run(["--base-branch", "topic"])).code).toBe(0);
  expect(readFileSync(join(workspace, "ran"), "utf8")).toBe("topic\n");
  expect((await run([], { BASE_BRANCH: "main" })).code).toBe(0);
  expect(readFileSync(join(workspace, "ran"), "utf8")).toBe("main\n");
});
