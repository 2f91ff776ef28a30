/** Unusual surroundings of a command: they are coped with, or named in one clear line. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  agentcore,
  canMount,
  makeScratch,
  startAgentcore,
  type Scratch,
} from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const shellRun = ["run", "echo out", "--worker", "shell"];

it("a relative HOME is none: nothing is made below it, and where one is needed that is said", async () => {
  const needing = await agentcore(scratch, shellRun, { env: { HOME: "relative", XDG_STATE_HOME: "" } });
  expect(needing.code).toBe(2);
  expect(needing.stderr.split("\n")[0]).toBe(
    "agentcore: neither HOME nor XDG_STATE_HOME is set to an absolute path: name the state directory with --state-dir",
  );
  const seen = await agentcore(
    scratch,
    ["run", 'echo "home=$HOME"', "--worker", "shell", "--state-dir", scratch.stateDir],
    { env: { HOME: "relative", XDG_STATE_HOME: "" } },
  );
  expect({ code: seen.code, out: seen.stdout + seen.stderr }).toMatchObject({
    code: 0,
    out: expect.not.stringContaining("home=relative") as string,
  });
  expect(existsSync(join(scratch.workspace, "relative"))).toBe(false);
});

it("a current directory whose name is not UTF-8 is named as such", async () => {
  const directory = Buffer.from(`${scratch.root}/not-\xff`, "latin1");
  mkdirSync(directory);
  // An argument cannot contain such a name, so a shell changes to the directory.
  const prefix = ["sh", "-c", `cd ${scratch.root}/not-* && exec "$@"`, "sh"];
  for (const words of [shellRun, ["doctor"], ["work", "--drain"]]) {
    const { code, stderr } = await startAgentcore(scratch, words, { prefix }).finished;
    expect(code).toBe(2);
    expect(stderr.split("\n")[0]).toBe(
      "agentcore: the current directory cannot be used: its name is not UTF-8; change to another directory first",
    );
  }
});

it.runIf(canMount())("where /proc is not mounted, that is said in one line", async () => {
  mkdirSync(join(scratch.root, "empty"));
  const prefix = ["unshare", "-rm", "sh", "-c", 'mount --bind "$0" /proc && exec "$@"'];
  prefix.push(join(scratch.root, "empty"));
  for (const words of [shellRun, ["doctor"], ["work", "--drain"]]) {
    const { stderr } = await startAgentcore(scratch, words, { prefix }).finished;
    expect(stderr).toContain(
      "agentcore: /proc is not mounted, and without it processes cannot be told apart; mount it (`mount -t proc proc /proc`), or use a container that has it\n  AC_CONTAINMENT_UNAVAILABLE: ",
    );
  }
});
