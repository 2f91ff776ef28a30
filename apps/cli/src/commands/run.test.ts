import { afterAll, describe, expect, it } from "vitest";
import { execFileSync } from "node:child_process";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { ResultLine } from "@agentcore/contract";
import { expectEvents, resultOfLine } from "../testing/documents.ts";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

const shell = (script: string, ...options: string[]): string[] => [
  "run",
  script,
  "--worker",
  "shell",
  ...options,
];

/** Prints `ready` and waits for a file of the workspace. */
const untilThere = (file: string): string => `echo ready; until [ -e ${file} ]; do sleep 0.05; done`;

/** Every line but the last is an event, the last is the result; both match their schemas. */
function resultOf(stdout: string): ResultLine {
  const lines = jsonLinesOf(stdout);
  expectEvents(lines.slice(0, -1));
  return resultOfLine(lines.at(-1));
}

/** Processes whose command line contains the text, seen from outside. */
/** Processes whose command line contains the text, seen from outside; not those of AgentCore, which was given it. */
function processesWith(text: string): string[] {
  return findSurvivors([text])
    .map(({ commandLine }) => commandLine)
    .filter((line) => line.includes(text) && !line.includes("agentcore"));
}

/** A long command that no other run of these tests has. */
const idle = (number: number): string => `sleep ${number}${process.pid}`;

it.each([["a git repository"], ["no repository"]])(
  "the state directory is no part of what a run changed, where it is in a workspace that is %s",
  async (kind) => {
    const workspace = join(scratch.root, kind.replaceAll(" ", "-"));
    mkdirSync(workspace);
    if (kind === "a git repository") execFileSync("git", ["init", "-q"], { cwd: workspace });
    const options = ["--workspace", workspace, "--state-dir", join(workspace, "state"), "--json"];
    const { stdout } = await agentcore(scratch, shell("echo x > made.txt", ...options));
    const { observations } = resultOf(stdout);
    expect(observations.filesChanged).toEqual(["made.txt"]);
  },
);

describe("the caller's place in its trace", () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const startedWith = (stdout: string) =>
    jsonLinesOf(stdout).find(({ type }) => type === "attempt_started")?.["traceparent"];

  it("reaches the worker and the events", async () => {
    const env = { TRACEPARENT: traceparent };
    const { stdout } = await agentcore(scratch, shell('echo "[$TRACEPARENT]" > trace.txt', "--json"), {
      env,
    });
    expect(readFileSync(join(scratch.workspace, "trace.txt"), "utf8")).toBe(`[${traceparent}]\n`);
    expect(startedWith(stdout)).toBe(traceparent);
  });

  it("is not there where the caller has none, and is the task's own where that names one", async () => {
    const { stdout } = await agentcore(scratch, shell('echo "[$TRACEPARENT]" > trace.txt', "--json"));
    expect(readFileSync(join(scratch.workspace, "trace.txt"), "utf8")).toBe("[]\n");
    expect(startedWith(stdout)).toBeUndefined();
    const own = shell('echo "[$TRACEPARENT]" > trace.txt', "--env", "TRACEPARENT=mine");
    await agentcore(scratch, own, { env: { TRACEPARENT: traceparent } });
    expect(readFileSync(join(scratch.workspace, "trace.txt"), "utf8")).toBe("[mine]\n");
  });
});

describe("each way a run can end has its exit code:", () => {
  it("0 succeeded, with what it did and the proof that nothing is left", async () => {
    const { code, stdout, stderr } = await agentcore(scratch, shell("echo hi > a.txt", "--json"));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(resultOf(stdout)).toMatchObject({
      outcome: "succeeded",
      errorClass: null,
      code: null,
      attempts: 1,
      costUsd: null,
      costBasis: "none",
      observations: { filesChanged: ["a.txt"] },
      containment: { survivors: 0, signals: [] },
    });
    expect(readFileSync(join(scratch.workspace, "a.txt"), "utf8")).toBe("hi\n");
  });

  it("1 failed", async () => {
    const { code, stdout } = await agentcore(scratch, shell("exit 3", "--json"));
    expect(code).toBe(1);
    expect(resultOf(stdout)).toMatchObject({
      outcome: "failed",
      errorClass: "task_failed",
      code: "AC_WORKER_EXIT",
    });
  });

  it("1 failed, because the verify script says so", async () => {
    const { code, stdout } = await agentcore(scratch, shell("true", "--verify", "exit 1", "--json"));
    expect(code).toBe(1);
    expect(resultOf(stdout)).toMatchObject({ code: "AC_VERIFY_FAILED" });
  });

  it("1 failed, because an output is missing", async () => {
    const { code, stdout } = await agentcore(scratch, shell("true", "--output", "report=out.md", "--json"));
    expect(code).toBe(1);
    expect(resultOf(stdout)).toMatchObject({ code: "AC_OUTPUT_MISSING" });
  });

  it("3 refused by the gate, for good", async () => {
    const config = join(scratch.root, "tight.yaml");
    writeFileSync(config, "limits:\n  global:\n    cost_usd: { day: 1 }\n");
    const { code, stdout } = await agentcore(
      scratch,
      shell("touch ran", "--max-cost", "5", "--config", config, "--json"),
    );
    expect(code).toBe(3);
    expect(resultOf(stdout)).toMatchObject({ code: "AC_BUDGET_COST", attempts: 0, containment: null });
    expect(existsSync(join(scratch.workspace, "ran"))).toBe(false);
    // Nothing began, and its caller knows: there is nothing left to decide.
    const dead = await agentcore(scratch, ["dlq", "list", "--json", "--where", "code=AC_BUDGET_COST"]);
    expect(dead.stdout).toBe("");
  });

  it("4 timed out", async () => {
    const { code, stdout } = await agentcore(scratch, shell(idle(4711), "--timeout", "300ms", "--json"));
    expect(code).toBe(4);
    expect(resultOf(stdout)).toMatchObject({
      outcome: "timed_out",
      code: "AC_TIMEOUT",
      containment: { survivors: 0 },
    });
    expect(processesWith(idle(4711))).toEqual([]);
  });

  it("4 stalled", async () => {
    const { code, stdout } = await agentcore(
      scratch,
      shell(idle(4712), "--silence-timeout", "300ms", "--json"),
    );
    expect(code).toBe(4);
    expect(resultOf(stdout)).toMatchObject({ outcome: "stalled", code: "AC_STALLED" });
    expect(processesWith(idle(4712))).toEqual([]);
  });

  it("5 budget exhausted: a worker that reports more than its ceiling is stopped", async () => {
    const spender = `
      const usage = { inputTokens: 1000, cachedInputTokens: null, outputTokens: 10 };
      export default {
        contractVersion: 1, name: "spender", title: "Spender", provider: "acme", capabilities: ["read"],
        program: { command: "sh", versionArgs: [], install: "none", credentialEnv: [], loginPaths: [] },
        plan: () => ({ command: "/bin/sh", args: ["-c", "echo spent; ${idle(4716)}"], env: {}, stdin: "", home: "own" }),
        createReader: () => ({
          stdout: () => [{ type: "usage", usage, costUsd: 9 }],
          stderr: () => [],
          end: () => ({
            terminal: "none", error: null, deniedTools: [], summary: "", session: null, model: null,
            usage, costUsd: 9, costBasis: "reported", malformedLines: 0,
          }),
        }),
      };`;
    writeFileSync(join(scratch.root, "spender.mjs"), spender);
    const config = join(scratch.root, "spender.yaml");
    writeFileSync(config, "workers:\n  costly: { adapter: ./spender.mjs }\n");
    const args = ["run", "spend", "--worker", "costly", "--max-cost", "1", "--config", config, "--json"];
    const { code, stdout } = await agentcore(scratch, args);
    expect(code).toBe(5);
    expect(resultOf(stdout)).toMatchObject({
      outcome: "budget_exhausted",
      code: "AC_COST_CEILING",
      // It was interrupted: the reported cost, plus its costliest answer, since one may have been in progress.
      costUsd: 18,
      costBasis: "estimated",
      containment: { survivors: 0 },
    });
    expect(processesWith(idle(4716))).toEqual([]);
  });

  it("130 cancelled by Ctrl-C, cleanly: the worker may end by itself", async () => {
    const run = startAgentcore(
      scratch,
      shell(`trap 'echo flushed; exit 0' TERM; echo ready; ${idle(4713)} & wait`, "--json"),
    );
    await run.saw("ready");
    run.child.kill("SIGINT");
    const { code, stdout } = await run.finished;
    expect(code).toBe(130);
    expect(resultOf(stdout)).toMatchObject({ outcome: "cancelled", containment: { survivors: 0 } });
    expect(stdout).toContain("flushed");
    expect(processesWith(idle(4713))).toEqual([]);
  });

  it("130 cancelled by a second Ctrl-C at once: a worker that ignores the first has no grace period left", async () => {
    const run = startAgentcore(
      scratch,
      shell("trap '' TERM; echo ready; while :; do sleep 1; done", "--json"),
    );
    await run.saw("ready");
    run.child.kill("SIGINT");
    await run.saw("attempt_stopping");
    run.child.kill("SIGINT");
    const { code, stdout } = await run.finished;
    expect(code).toBe(130);
    // Without the second Ctrl-C there would be a second TERM, and five seconds of grace.
    expect(resultOf(stdout).containment).toMatchObject({ survivors: 0, signals: ["TERM", "KILL"] });
  });

  it("130 at once at the third Ctrl-C, also where the store does not answer; the worker dies with it", async () => {
    const locked = makeScratch();
    const args = shell(`echo ready; ${idle(4717)}`, "--state-dir", locked.stateDir);
    const run = startAgentcore(locked, args);
    await run.saw("ready");
    const other = new DatabaseSync(join(locked.stateDir, "state.db"));
    other.exec("BEGIN EXCLUSIVE");
    run.child.kill("SIGINT");
    await run.saw("Stopping… press Ctrl-C again to kill it now");
    run.child.kill("SIGINT");
    await run.saw("Killing it… press Ctrl-C again to exit at once");
    run.child.kill("SIGINT");
    const { code, stdout } = await run.finished;
    expect(code).toBe(130);
    // The run is stopped without the store, so the output must not claim that its job is cancelled.
    expect(stdout).toMatch(/stop +stopped by SIGINT/);
    expect(stdout).not.toMatch(/^\W*cancelled\b/m);
    await expect.poll(() => processesWith(idle(4717))).toEqual([]);
    other.close();
    await locked.remove();
  });

  it("130 cancelled by SIGTERM", async () => {
    const run = startAgentcore(scratch, shell(`echo ready; ${idle(4714)}`, "--json"));
    await run.saw("ready");
    run.child.kill("SIGTERM");
    expect((await run.finished).code).toBe(130);
    expect(processesWith(idle(4714))).toEqual([]);
  });
});

describe("a run", () => {
  it("tries again where it may, and adds the attempts up", async () => {
    const script = "echo x >> tries.txt; test $(wc -l < tries.txt) = 2";
    const { code, stdout } = await agentcore(scratch, shell(script, "--max-attempts", "3", "--json"));
    expect(code).toBe(0);
    expect(resultOf(stdout)).toMatchObject({ outcome: "succeeded", attempts: 2 });
    const types = jsonLinesOf(stdout).map(({ type }) => type);
    expect(types.filter((type) => type === "retry_scheduled")).toHaveLength(1);
  });

  it("leaves the jobs of others in the queue alone", async () => {
    const other = await agentcore(scratch, ["submit", "touch stranger", "--worker", "shell"]);
    const { code } = await agentcore(scratch, shell("true"));
    expect(code).toBe(0);
    expect(existsSync(join(scratch.workspace, "stranger"))).toBe(false);
    await agentcore(scratch, ["jobs", "cancel", other.stdout.trim()]);
  });

  it("joins a run with the same key, and both get the one result", async () => {
    const script = `echo run >> keyed.txt; ${untilThere("go-keyed")}; echo last words`;
    const first = startAgentcore(scratch, shell(script, "--key", "k", "--json"));
    await first.saw("ready");
    const second = startAgentcore(scratch, shell(script, "--key", "k", "--json"));
    await second.saw('"deduplicated":true');
    writeFileSync(join(scratch.workspace, "go-keyed"), "");
    const [one, two] = [resultOf((await first.finished).stdout), resultOf((await second.finished).stdout)];
    expect(two).toEqual(one);
    expect(one.summary).toBe("last words");
    expect(readFileSync(join(scratch.workspace, "keyed.txt"), "utf8")).toBe("run\n");
  });

  it("tells people what happens in lines, and sums up", async () => {
    const { code, stdout } = await agentcore(scratch, shell("echo working; echo careful >&2"));
    expect(code).toBe(0);
    expect(stdout).toMatch(/ permit {2}read \(not enforced\) · up to 30m · no cost ceiling\n/);
    expect(stdout).toMatch(/ out {5}working\n/);
    expect(stdout).toMatch(/ err {5}careful\n/);
    expect(stdout).toMatch(/✓ succeeded in .*\n/);
    expect(stdout).toMatch(/ contained {2}nothing left running \(verified by /);
    expect(stdout).not.toContain("\u001b");
  });

  it("reads the instructions from stdin", async () => {
    const { stdout } = await agentcore(scratch, ["run", "-", "--worker", "shell"], {
      input: "echo from\necho stdin\n",
    });
    expect(stdout).toMatch(/from\n.* stdin\n/);
  });

  it("gives the worker the environment named and no other", async () => {
    const { stdout } = await agentcore(
      scratch,
      shell("echo [$GIVEN] [$PASSED] [$SECRET]", "--env", "GIVEN=1", "--env", "PASSED"),
      {
        env: { PASSED: "2", SECRET: "3" },
      },
    );
    expect(stdout).toContain("[1] [2] []");
  });

  it("works where it is told, by default here", async () => {
    const here = await agentcore(scratch, shell("pwd"));
    expect(here.stdout).toContain(` ${realpathSync(scratch.workspace)}\n`);
    const there = await agentcore(scratch, shell("pwd", "-C", scratch.root));
    expect(there.stdout).toContain(` ${realpathSync(scratch.root)}\n`);
  });

  it("ends, cleanly, when the reader of its output goes away", async () => {
    const said = `echo 4715${process.pid}`;
    const run = startAgentcore(scratch, shell(`while :; do ${said}; sleep 0.05; done`, "--json"));
    await run.saw("4715");
    run.child.stdout?.destroy();
    const { code, stderr } = await run.finished;
    expect({ code, stderr }).toEqual({ code: 130, stderr: "" });
    expect(processesWith(said)).toEqual([]);
  });

  it("keeps its state where it is told, for its owner alone", async () => {
    const stateDir = join(scratch.root, "elsewhere");
    await agentcore(scratch, shell("true", "--state-dir", stateDir));
    expect(readdirSync(stateDir)).toEqual(expect.arrayContaining(["attempts", "containment", "state.db"]));
  });

  it("is refused, with what to do, where its state cannot be kept", async () => {
    const { code, stderr } = await agentcore(scratch, shell("true", "--state-dir", "/proc/nowhere"));
    expect(code).toBe(6);
    expect(stderr).toMatch(/state directory \/proc\/nowhere cannot be created.*\n.*--state-dir/);
  });
});
it("a run ends with an error, and does not wait for ever, where its store will not work again", async () => {
  const args = shell("true", "--state-dir", join(scratch.root, "broken"));
  expect((await agentcore(scratch, args)).code).toBe(0);
  const database = new DatabaseSync(join(scratch.root, "broken", "state.db"));
  database.exec("DROP TABLE jobs");
  database.close();
  const { code, stderr } = await agentcore(scratch, args);
  expect(code).toBe(1);
  expect(stderr).toMatch(/agentcore: .*state\.db.*no such table/);
});

it("two runs in one workspace do not mix: the second waits, or is refused with --no-wait", async () => {
  const first = startAgentcore(scratch, shell(`${untilThere("go-first")}; touch first`, "--json"));
  await first.saw("ready");
  const refused = await agentcore(scratch, shell("true", "--no-wait", "--json"));
  expect(refused.code).toBe(3);
  expect(resultOf(refused.stdout).code).toBe("AC_WORKSPACE_LOCKED");
  const waiting = startAgentcore(scratch, shell("test -e first", "--json"));
  await waiting.saw("job_submitted");
  writeFileSync(join(scratch.workspace, "go-first"), "");
  expect((await first.finished).code).toBe(0);
  expect((await waiting.finished).code).toBe(0);
});
