/**
 * Root in a user's state directory, and a user in root's: one line and the way out, and nothing is made in the place of the
 * other.
 */
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { agentcore, makeScratch, type Scratch } from "../testing/agentcore-process.ts";

const uid = 2001;
const asUser = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
const isRoot = process.geteuid?.() === 0;

const workflow = `
version: "1"
name: short
timeout: 1m
steps:
  a: { worker: shell, instructions: "true", capabilities: [run_commands] }
`;

let scratch: Scratch;
/** The user's home. */
let home: string;
beforeEach(() => {
  scratch = makeScratch();
  home = join(scratch.root, "home");
  mkdirSync(home);
  if (isRoot) chownSync(home, uid, uid);
  chmodSync(scratch.root, 0o755);
  writeFileSync(join(scratch.workspace, "short.yaml"), workflow);
});
afterEach(() => scratch.remove());

const run = ["run", "true", "--worker", "shell"] as const;
const work = ["work", "--drain"] as const;
const workflowRun = ["workflow", "run", "short.yaml"] as const;

async function refused(stateDir: string, by: "root" | "user", words: RegExp, ...args: string[]) {
  const options = { prefix: by === "user" ? asUser : [] };
  const { code, stderr } = await agentcore(scratch, [...args, "--state-dir", stateDir], options);
  expect(stderr).toMatch(
    /^agentcore: the state directory .* is not used: .*; .*\n {2}AC_STORE_UNAVAILABLE: .* --state-dir/,
  );
  expect(stderr).toMatch(words);
  expect({ args, code }).toEqual({ args, code: 6 });
}

async function foundByDoctor(stateDir: string, words: RegExp) {
  const doctor = await agentcore(scratch, ["doctor", "--json", "--state-dir", stateDir], { prefix: asUser });
  expect(JSON.parse(doctor.stdout)).toMatchObject({
    checks: expect.arrayContaining([
      expect.objectContaining({ id: "state", status: "bad", detail: expect.stringMatching(words) }),
      expect.objectContaining({ id: "git", status: "ok" }),
    ]),
  });
}

const notTheUsers = (): string =>
  execFileSync("find", [home, "!", "-user", String(uid)], { encoding: "utf8" });

it.runIf(isRoot)("root makes nothing in a home of a user", async () => {
  const below = join(home, "new", "state");
  await refused(below, "root", /home belongs to user 2001, and this is user 0; run as that user/, ...run);
  const env = { HOME: home, XDG_STATE_HOME: "" };
  const elsewhere = await agentcore(scratch, [...run, "--state-dir", scratch.stateDir], { env });
  expect(elsewhere.code).toBe(0);
  writeFileSync(join(scratch.workspace, "agentcore.yaml"), "limits: {}\n");
  expect((await agentcore(scratch, ["trust"], { env })).stderr).toMatch(/home belongs to user 2001/);
  expect(notTheUsers()).toBe("");
});

it.runIf(isRoot)(
  "root does not use a user's state directory, nor the user one that is root's in part",
  async () => {
    const own = join(home, "state");
    const options = { prefix: asUser, cwd: home };
    expect((await agentcore(scratch, [...run, "--state-dir", own], options)).code).toBe(0);
    const words = /home\/state belongs to user 2001, and this is user 0/;
    await refused(own, "root", words, ...work);
    await refused(own, "root", words, ...workflowRun);
    expect(notTheUsers()).toBe("");
    chownSync(join(own, "attempts"), 0, 0);
    await refused(own, "user", /attempts belongs to user 0, and this is user 2001; .*chown -R/, ...run);
  },
);

it.runIf(isRoot)(
  "a user is told whose a state directory of root's is, also where it cannot be seen",
  async () => {
    mkdirSync(scratch.stateDir, { mode: 0o700 });
    const words = /it belongs to user 0, and this is user 2001; run as that user/;
    await refused(scratch.stateDir, "user", words, ...workflowRun);
    expect(readdirSync(scratch.stateDir)).toEqual([]);
    await foundByDoctor(join(scratch.stateDir, "below"), /state belongs to user 0 and is not accessible/);
  },
);
