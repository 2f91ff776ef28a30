/** What is refused before anything starts, and what a worker finds around itself when it starts. */
import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { AgentCoreError, type WorkerAdapter } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { createFakeAgent } from "../testing/fake-agent.ts";
import type { FakeLedgerEntry, FakeStep } from "../testing/fake-agent-script.ts";
import { driveToEnd, type DriveOptions } from "../testing/drive.ts";
import { findAttemptDirectory, listJobDirectories } from "./attempt-directory.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";
import { scriptedAdapter } from "../testing/scripted-adapter.ts";

const say: FakeStep = {
  do: "print",
  stream: "stdout",
  lines: ['{"type":"result","ok":true,"summary":"done"}'],
};

async function run(options: Partial<DriveOptions>, steps: readonly FakeStep[] = [say]) {
  const agent = createFakeAgent(steps);
  return { agent, ...(await driveToEnd({ adapter: scriptedAdapter, program: agent.program, ...options })) };
}

function planning(plan: Partial<ReturnType<WorkerAdapter["plan"]>>): WorkerAdapter {
  return {
    ...scriptedAdapter,
    plan: (task, context) => ({ ...scriptedAdapter.plan(task, context), ...plan }),
  };
}

describe("a run is refused, with nothing started,", () => {
  it.each<[what: string, options: Partial<DriveOptions>, code: string, errorClass: string, message: string]>([
    [
      "without a workspace",
      { workspace: "/no/such/place" },
      "AC_WORKSPACE_MISSING",
      "invalid_request",
      "/no/such/place",
    ],
    [
      "in a workspace that is a file",
      { workspace: "/etc/passwd" },
      "AC_WORKSPACE_MISSING",
      "invalid_request",
      "/etc/passwd",
    ],
    [
      "with a plan that is not one of the contract",
      { adapter: planning({ args: "--yes", env: { PORT: 5 } } as never) },
      "AC_ADAPTER_INVALID",
      "worker_protocol",
      'field "args" must be an array, got string; field "env.PORT" must be a string, got number',
    ],
    ["in a relative workspace", { workspace: "." }, "AC_WORKSPACE_MISSING", "invalid_request", "."],
    [
      "for a capability that the worker cannot enforce",
      { adapter: { ...scriptedAdapter, capabilities: ["read"] }, task: { capabilities: ["edit"] } },
      "AC_CAPABILITY_UNSUPPORTED",
      "invalid_request",
      "edit",
    ],
    [
      "without the worker's program",
      { settings: { program: "/no/agent" } },
      "AC_WORKER_MISSING",
      "worker_missing",
      "install it with",
    ],
    [
      "with settings of the wrong type",
      { settings: { program: 7 } },
      "AC_CONFIG_INVALID",
      "invalid_request",
      "program",
    ],
    [
      "with a HOME that is neither",
      { settings: { home: "mine" } },
      "AC_CONFIG_INVALID",
      "invalid_request",
      "home",
    ],
    [
      "with a forbidden name let through",
      { settings: { env_pass: ["SSH_AUTH_SOCK"] } },
      "AC_CONFIG_INVALID",
      "invalid_request",
      "SSH_AUTH_SOCK",
    ],
    [
      "with a forbidden variable in the task",
      { task: { env: { LD_PRELOAD: "x.so" } } },
      "AC_JOB_INVALID",
      "invalid_request",
      "LD_PRELOAD",
    ],
    [
      "with a forbidden variable in the plan",
      { adapter: planning({ env: { TMUX: "x" } }) },
      "AC_ADAPTER_INVALID",
      "worker_protocol",
      "TMUX",
    ],
    [
      "with a relative file in the plan",
      { adapter: planning({ files: { "a.json": "" } }) },
      "AC_ADAPTER_INVALID",
      "worker_protocol",
      "a.json",
    ],
    [
      "for a task that the adapter refuses",
      {
        adapter: {
          ...scriptedAdapter,
          plan: () => {
            throw new AgentCoreError("AC_JOB_INVALID", "no such model");
          },
        },
      },
      "AC_JOB_INVALID",
      "invalid_request",
      "no such model",
    ],
    [
      "for a plan that fails",
      {
        adapter: {
          ...scriptedAdapter,
          plan: () => {
            throw new TypeError("oops");
          },
        },
      },
      "AC_ADAPTER_INVALID",
      "worker_protocol",
      "oops",
    ],
    [
      "for a command that is not there",
      { adapter: planning({ command: "/no/command" }) },
      "AC_WORKER_MISSING",
      "worker_missing",
      "/no/command",
    ],
    [
      "whose files a full disk does not take",
      { adapter: planning({ files: { "/dev/full": "x" } }) },
      "AC_STORE_UNAVAILABLE",
      "internal",
      "ENOSPC",
    ],
    [
      "without a place for its files",
      { attemptsDir: "/dev/null/attempts" },
      "AC_STORE_UNAVAILABLE",
      "internal",
      "/dev/null/attempts",
    ],
  ])("%s", async (_what, options, code, errorClass, message) => {
    const { program, ...settings } = options.settings ?? {};
    const { ended, agent, attemptsDir } = await run({
      ...options,
      settings,
      ...(program === undefined ? {} : { program: program as string }),
    });
    expect(ended).toMatchObject({ outcome: "failed", errorClass, code, exitCode: null, containment: null });
    expect(ended.summary).toContain(message);
    expect(agent.ledger()).toEqual([]);
    const made = existsSync(attemptsDir)
      ? readdirSync(attemptsDir, { encoding: "utf8", recursive: true })
      : [];
    expect(made.filter((path) => path.includes("/"))).toEqual([]); // no attempt below any job
  });

  it("where the worker is too old, naming both versions", async () => {
    const agent = createFakeAgent([say], { versionArgs: ["--version"], version: "1.0.0" });
    const adapter: WorkerAdapter = {
      ...scriptedAdapter,
      program: { ...scriptedAdapter.program, versionArgs: ["--version"], minVersion: "2.0.0" },
    };
    const { ended } = await driveToEnd({ adapter, program: agent.program });
    expect(ended).toMatchObject({ errorClass: "worker_missing", code: "AC_WORKER_TOO_OLD" });
    expect(ended.summary).toContain("1.0.0 is older than 2.0.0");
  });
});

describe("a worker finds", () => {
  const surroundings: FakeStep = { do: "ledger", event: "surroundings" };
  const hostEnv = {
    ...process.env,
    AWS_SECRET_ACCESS_KEY: "secret",
    SSH_AUTH_SOCK: "/run/agent",
    KEPT: "passed",
  };

  async function surroundingsOf(options: Partial<DriveOptions>) {
    const { agent, ended } = await run({ hostEnv, ...options }, [surroundings, say]);
    expect(ended.outcome).toBe("succeeded");
    return agent.ledger().find((entry) => entry.event === "surroundings") as Extract<
      FakeLedgerEntry,
      { event: "surroundings" }
    >;
  }

  it("nothing of the caller's environment but the allow-list, its marks, and what it was given", async () => {
    const { env, args } = await surroundingsOf({
      task: { env: { GIVEN: "by the task" }, args: ["--flag", "a b"] },
      settings: { env_pass: ["KEPT"] },
    });
    expect(args).toEqual(["--flag", "a b"]);
    expect(env).toMatchObject({ GIVEN: "by the task", KEPT: "passed", TERM: "dumb", AGENTCORE_ATTEMPT: "1" });
    expect(env["AGENTCORE_RUN_ID"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.stringify(env)).not.toContain("secret");
    expect(env).not.toHaveProperty("SSH_AUTH_SOCK");
    const known =
      /^(PATH|LANG|LANGUAGE|TZ|USER|LOGNAME|LC_.*|TERM|HOME|XDG_(CONFIG|CACHE|DATA|STATE)_HOME|TMPDIR|PWD|SHLVL|_|OLDPWD|AGENTCORE_.*|GIVEN|KEPT)$/;
    expect(Object.keys(env).filter((name) => !known.test(name))).toEqual([]);
  });

  it("a HOME of its own, or the caller's where the configuration says so", async () => {
    expect((await surroundingsOf({})).env["HOME"]).toMatch(/\/1\/home$/);
    const home = makeTemporaryDirectory("home");
    const { env } = await surroundingsOf({ hostEnv: { ...hostEnv, HOME: home }, settings: { home: "user" } });
    expect(env["HOME"]).toBe(home);
    expect(existsSync(home)).toBe(true);
  });

  it("the files that its adapter planned, which only its user can read", async () => {
    const workspace = makeTemporaryDirectory("workspace");
    const directory = makeTemporaryDirectory("planned");
    const path = join(directory, "deep/config.json");
    await run({ workspace, adapter: planning({ files: { [path]: "{}" } }) });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "deep")).mode & 0o777).toBe(0o700);
  });
});

describe("an attempt's directory", () => {
  it("is private, and a second run of the same attempt gets another", async () => {
    const attemptsDir = makeTemporaryDirectory("attempts");
    const names = { jobId: "job-1", attemptsDir };
    await run(names);
    await run(names);
    const directories = readdirSync(join(attemptsDir, "job-1")).sort();
    expect(await listJobDirectories(attemptsDir)).toMatchObject([{ jobId: "job-1" }]);
    expect(await listJobDirectories(join(attemptsDir, "missing"))).toEqual([]);
    expect(directories).toEqual(["1", expect.stringMatching(/^1-/)]);
    const found = await Promise.all(
      [directories[1]?.slice(2) ?? "", "another"].map((permitId) =>
        findAttemptDirectory(attemptsDir, { jobId: "job-1", attempt: 1, permitId }),
      ),
    );
    expect(found.map((path) => basename(path))).toEqual([directories[1], "1"]);
    expect(statSync(join(attemptsDir, "job-1/1")).mode & 0o777).toBe(0o700);
  });

  it.each([
    ["../../escape"],
    [".."],
    ["a/b"],
    [".hidden"],
    ["two words"],
    ["ü".repeat(300)],
    ["x".repeat(121)],
  ])("stays below its parent for a job called %s, and is found again", async (jobId) => {
    const attemptsDir = makeTemporaryDirectory("attempts");
    const { ended } = await run({ attemptsDir, jobId });
    expect(ended.outcome).toBe("succeeded");
    const [name = ""] = readdirSync(attemptsDir);
    expect(readdirSync(attemptsDir)).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
    const found = await findAttemptDirectory(attemptsDir, { jobId, attempt: 1, permitId: "p" });
    expect(found).toBe(join(attemptsDir, name, "1"));
    const path = join(attemptsDir, name);
    expect(await listJobDirectories(attemptsDir)).toMatchObject([{ jobId, path }]);
  });
});

it("a program without the right to run is no program", async () => {
  const path = join(makeTemporaryDirectory("program"), "agent");
  writeFileSync(path, "#!/bin/sh\n");
  chmodSync(path, 0o644);
  expect((await run({ program: path })).ended.code).toBe("AC_WORKER_MISSING");
});
