/** What a run has to show for itself once its worker has ended: files, patch, outputs, verify, sessions, cost. */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { WorkerAdapter, WorkerTask } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { createFakeAgent } from "../testing/fake-agent.ts";
import type { FakeStep } from "../testing/fake-agent-script.ts";
import { drive, driveToEnd, type DriveOptions } from "../testing/drive.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directories.ts";
import { scriptedAdapter } from "../testing/scripted-adapter.ts";
import { findSurvivors } from "../testing/survivors.ts";

const say: FakeStep = {
  do: "print",
  stream: "stdout",
  lines: ['{"type":"result","ok":true,"summary":"done"}'],
};
const print = (...events: readonly object[]): FakeStep => ({
  do: "print",
  stream: "stdout",
  lines: events.map((event) => JSON.stringify(event)),
});

async function run(steps: readonly FakeStep[], options: Partial<DriveOptions> = {}) {
  const agent = createFakeAgent(steps);
  return { agent, ...(await driveToEnd({ adapter: scriptedAdapter, program: agent.program, ...options })) };
}

function repository(): string {
  const workspace = makeTemporaryDirectory("repository");
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args], { cwd: workspace });
  git("init", "-q");
  writeFileSync(join(workspace, "file"), "one\n");
  git("add", ".");
  git("commit", "-q", "-m", "first");
  return workspace;
}

describe("the changes of a run", () => {
  it("are a patch where the workspace is a git repository", async () => {
    const steps: FakeStep[] = [
      { do: "write_file", path: "file", content: "two\n" },
      { do: "write_file", path: "new", content: "x\n" },
      say,
    ];
    const { ended } = await run(steps, { workspace: repository() });
    expect(ended.observations.filesChanged).toEqual(["file", "new"]);
    const patch = ended.artifacts.find(({ kind }) => kind === "patch");
    expect(patch?.name).toBe("changes");
    expect(readFileSync(patch?.path ?? "", "utf8")).toMatch(/-one\n\+two\n[\s\S]*\+x\n/);
  });

  it("are found where the workspace is no repository, and claims that are untrue are not believed", async () => {
    const { ended } = await run([
      { do: "write_file", path: "real", content: "x" },
      print({ type: "file_change", path: "claimed", change: "create" }),
      say,
    ]);
    expect(ended.observations.filesChanged).toEqual(["real"]);
  });

  it("are what the worker claims where the workspace is too large to look at, and an event says so", async () => {
    const { ended, events } = await run(
      [
        { do: "write_file", path: "a", content: "" },
        { do: "write_file", path: "b", content: "" },
        print({ type: "file_change", path: "claimed", change: "create" }),
        say,
      ],
      { limits: { snapshotEntriesMax: 1 } },
    );
    expect(ended.observations.filesChanged).toEqual(["claimed"]);
    expect(events).toContainEqual({
      type: "progress",
      text: "the workspace was not compared: it holds more than 1 files",
    });
  });

  it("start no filter of the repository, and are seen behind one", async () => {
    const workspace = repository();
    const { agent, ended } = await run(
      [
        { do: "write_file", path: ".gitattributes", content: "* filter=hostile\n" },
        { do: "write_file", path: "file", content: "two\n" },
        say,
      ],
      { workspace },
    );
    expect(ended.outcome).toBe("succeeded");
    const tag = `${agent.tag}-filter`;
    const clean = `setsid -f bash -c 'exec -a ${tag} sleep 3600' </dev/null >/dev/null 2>&1; touch ${workspace}/../${tag}; cat`;
    execFileSync("git", ["config", "filter.hostile.clean", clean], { cwd: workspace });
    const second = await run([{ do: "write_file", path: "file", content: "three\n" }, say], { workspace });
    expect(second.ended).toMatchObject({ outcome: "succeeded", observations: { filesChanged: ["file"] } });
    expect(existsSync(join(workspace, "..", tag))).toBe(false);
    expect(findSurvivors([tag])).toEqual([]);
  });
});

describe("a workspace that is taken away while the worker runs", () => {
  const program = join(makeTemporaryDirectory("waiting-agent"), "agent");
  const done = '{"type":"result","ok":true,"summary":"done"}';
  writeFileSync(
    program,
    `#!/bin/sh\necho '{"type":"text","text":"up"}'\nuntil [ -e "$HOME/go" ]; do sleep 0.02; done\necho '${done}'\n`,
    { mode: 0o755 },
  );

  it.each<[what: string, workspace: () => string, replace: (path: string) => void, said: RegExp]>([
    ["deleted", repository, () => {}, /^the workspace .* was not there any more when the run ended/],
    [
      "deleted, and empty before",
      () => makeTemporaryDirectory("empty"),
      () => {},
      /^the workspace .* was not there any more when the run ended$/,
    ],
    [
      "replaced",
      () => makeTemporaryDirectory("empty"),
      (path) => mkdirSync(path),
      /^the workspace .* is not the directory in which the run began/,
    ],
  ])("is mentioned where it is %s", async (_what, make, replace, said) => {
    const workspace = make();
    const attemptsDir = makeTemporaryDirectory("attempts");
    const task: Partial<WorkerTask> = { capabilities: ["read"] };
    const started = await drive({
      adapter: scriptedAdapter,
      program,
      workspace,
      attemptsDir,
      jobId: "j",
      task,
    });
    await started.seen(({ type }) => type === "text");
    rmSync(workspace, { recursive: true });
    replace(workspace);
    writeFileSync(join(attemptsDir, "j/1/home/go"), "");
    const { outcome, observations } = await started.result;
    expect({ outcome, incomplete: observations.incomplete }).toEqual({
      outcome: "succeeded",
      incomplete: expect.stringMatching(said),
    });
    const warnings = started.events.filter(({ type }) => type === "warning");
    expect(warnings).toMatchObject([{ text: expect.stringMatching(said) }]);
  });
});

describe("declared outputs", () => {
  const outputs = (...specs: { name: string; path: string; optional?: boolean }[]): Partial<WorkerTask> => ({
    outputs: specs.map((spec) => ({ optional: false, ...spec })),
  });

  it("are copied, also whole directories, and stay when the workspace goes on changing", async () => {
    const { ended, workspace } = await run(
      [{ do: "write_file", path: "report.md", content: "# done" }, say],
      { task: outputs({ name: "report", path: "report.md" }, { name: "strange/name", path: "./report.md" }) },
    );
    writeFileSync(join(workspace, "report.md"), "changed later");
    const copies = ended.artifacts.filter(({ kind }) => kind === "output");
    expect(copies.map(({ name }) => name)).toEqual(["report", "strange/name"]);
    expect(copies.map(({ path }) => readFileSync(path, "utf8"))).toEqual(["# done", "# done"]);
    expect(copies[0]?.bytes).toBe(6);
  });

  it("that are directories are copied with their links as links, and count as one", async () => {
    const workspace = makeTemporaryDirectory("workspace");
    mkdirSync(join(workspace, "out/sub"), { recursive: true });
    writeFileSync(join(workspace, "out/sub/a"), "12345");
    symlinkSync("/etc/passwd", join(workspace, "out/link"));
    const { ended } = await run([say], { workspace, task: outputs({ name: "out", path: "out" }) });
    const copy = ended.artifacts.find(({ kind }) => kind === "output");
    expect(copy?.bytes).toBe(5);
    const copied = readdirSync(copy?.path ?? "", { encoding: "utf8", recursive: true });
    expect(copied.toSorted()).toEqual(["link", "sub", "sub/a"]);
  });

  it.each([
    ["is not there", "nothing", "it is not there"],
    ["leaves the workspace", "../away", "the path leaves the workspace"],
    ["is absolute and outside", "/etc/passwd", "the path leaves the workspace"],
    ["leads out by a link", "link", "a symbolic link leads out of the workspace"],
    ["leads out by a linked directory", "dir/passwd", "a symbolic link leads out of the workspace"],
    ["is a pipe", "pipe", "it is neither a file nor a directory"],
    ["is too large", "large", "it is larger than 100 bytes"],
  ])("fail the task where one %s", async (_what, path, reason) => {
    const workspace = makeTemporaryDirectory("workspace");
    symlinkSync("/etc/passwd", join(workspace, "link"));
    symlinkSync("/etc", join(workspace, "dir"));
    execFileSync("sh", ["-c", "mkfifo pipe"], { cwd: workspace });
    writeFileSync(join(workspace, "large"), "x".repeat(101));
    const { ended } = await run([say], {
      workspace,
      task: outputs({ name: "out", path }),
      limits: { outputBytesMax: 100 },
    });
    expect(ended).toMatchObject({ outcome: "failed", errorClass: "task_failed", code: "AC_OUTPUT_MISSING" });
    expect(ended.summary).toBe(`missing output: out (${path}): ${reason}`);
  });

  it("are named once if their name is in their path", async () => {
    const { ended } = await run([say], { task: outputs({ name: "report.md", path: "docs/report.md" }) });
    expect(ended.summary).toBe("missing output: docs/report.md: it is not there");
  });

  it("may be missing where they are optional, but may never lead out", async () => {
    const missing = await run([say], { task: outputs({ name: "out", path: "nothing", optional: true }) });
    expect(missing.ended.outcome).toBe("succeeded");
    const outside = await run([say], { task: outputs({ name: "out", path: "../x", optional: true }) });
    expect(outside.ended.code).toBe("AC_OUTPUT_MISSING");
  });

  it("show the work of a run in which a tool was denied", async () => {
    const denied = print({ type: "denied", tool: "Bash", text: "no" });
    const without = await run([denied, say]);
    expect(without.ended).toMatchObject({ errorClass: "permission_denied", code: "AC_TOOL_DENIED" });
    const workspace = repository();
    writeFileSync(join(workspace, ".gitignore"), "out\n");
    const write: FakeStep = { do: "write_file", path: "out", content: "x" };
    const task = outputs({ name: "out", path: "out" });
    const shown = await run([write, denied, say], { workspace, task });
    expect(shown.ended).toMatchObject({ outcome: "succeeded", summary: "done\n(refused on the way: Bash)" });
    const stale = await run([{ do: "wait", ms: 30 }, denied, say], { workspace, task });
    expect(stale.ended.code).toBe("AC_TOOL_DENIED");
  });
});

it("empty directories that the worker leaves for its own ends are removed, and no others", async () => {
  const workspace = makeTemporaryDirectory("workspace");
  mkdirSync(join(workspace, "before"));
  const adapter: WorkerAdapter = {
    ...scriptedAdapter,
    plan: () => ({
      command: "/bin/sh",
      args: [
        "-c",
        `mkdir left full mine; touch full/file; ln -s mine link; echo '{"type":"result","ok":true,"summary":"done"}'`,
      ],
      env: {},
      stdin: "",
      home: "own",
      leavesEmpty: ["before", "left", "full", "link", "none"],
    }),
  };
  const { ended } = await driveToEnd({ adapter, program: "/bin/sh", workspace });
  expect(ended).toMatchObject({
    outcome: "succeeded",
    observations: { filesChanged: ["full/file", "link"] },
  });
  expect(readdirSync(workspace).toSorted()).toEqual(["before", "full", "link", "mine"]);
});

describe("the verify script", () => {
  it("passes by exit code 0, and its output is an artifact", async () => {
    const { ended } = await run([{ do: "write_file", path: "a", content: "x" }, say], {
      task: { verify: "test -f a && echo found; echo also >&2" },
    });
    expect(ended.outcome).toBe("succeeded");
    const log = ended.artifacts.find(({ name }) => name === "verify");
    expect(
      readFileSync(log?.path ?? "", "utf8")
        .split("\n")
        .sort(),
    ).toEqual(["", "also", "found"]);
  });

  it.each([
    ["exits with 3", "exit 3", "the verify script exited with code 3 and printed nothing"],
    ["fails in the middle", "false; true", "the verify script exited with code 1 and printed nothing"],
    ["dies", "kill -KILL $$", "the verify script was ended by SIGKILL and printed nothing"],
    [
      "says why",
      "for n in $(seq 50); do echo $n; done; echo; printf 'no test passed'; exit 3",
      "the verify script exited with code 3: 48\n49\n50\nno test passed",
    ],
  ])("fails the task where it %s", async (_what, verify, summary) => {
    const { ended } = await run([say], { task: { verify } });
    expect(ended).toMatchObject({ outcome: "failed", code: "AC_VERIFY_FAILED", summary });
  });

  it("does not run after a worker that failed", async () => {
    const { ended, workspace } = await run([{ do: "exit", code: 1 }], { task: { verify: "touch ran" } });
    expect(ended.code).toBe("AC_WORKER_EXIT");
    expect(existsSync(join(workspace, "ran"))).toBe(false);
  });

  it("leaves nothing running, and its own changes are not the worker's", async () => {
    const agent = createFakeAgent([say]);
    const { ended } = await driveToEnd({
      adapter: scriptedAdapter,
      program: agent.program,
      task: { verify: `setsid -f bash -c 'exec -a ${agent.tag} sleep 3600'; touch built` },
    });
    expect(ended).toMatchObject({ outcome: "succeeded", observations: { filesChanged: [] } });
    expect(findSurvivors([agent.tag])).toEqual([]);
  });

  it("ends with the run's stop, which is then the outcome", async () => {
    const agent = createFakeAgent([say]);
    const driven = await drive({
      adapter: scriptedAdapter,
      program: agent.program,
      task: { verify: `touch verifying; exec -a ${agent.tag} sleep 3600` },
    });
    const sleeps = () => findSurvivors([agent.tag]).some((each) => each.commandLine.startsWith(agent.tag));
    await expect.poll(sleeps).toBe(true);
    driven.cancel({ reason: { kind: "deadline", code: "AC_TIMEOUT", message: "no time left" } });
    expect(await driven.result).toMatchObject({
      outcome: "timed_out",
      code: "AC_TIMEOUT",
      summary: "no time left while the verify script ran",
    });
    expect(findSurvivors([agent.tag])).toEqual([]);
  });

  it("has a HOME and a TMPDIR in which the worker never was, also where that had the user's", async () => {
    const home = makeTemporaryDirectory("home");
    const worker = '{ echo "$HOME" "$TMPDIR"; touch "$HOME/.npmrc"; } > dirs';
    for (const kind of ["own", "user"] as const) {
      const adapter: WorkerAdapter = {
        ...scriptedAdapter,
        plan: () => ({
          command: "/bin/bash",
          args: ["-c", `${worker}; echo '{"type":"result","ok":true,"summary":"done"}'`],
          env: {},
          stdin: "",
          home: kind,
        }),
      };
      const verify =
        'read -r home tmp < dirs; set -u; [ -e "$home/.npmrc" ] || [ "$home" != "${SEEN:-}" ]; [ "$HOME" != "$home" ]; ' +
        '[ "$TMPDIR" != "$tmp" ]; [ -z "$(ls -A "$HOME" "$TMPDIR" | grep -v :$)" ]; touch "$HOME/x" "$TMPDIR/y"; ' +
        '[ "$XDG_CONFIG_HOME" = "$HOME/.config" ]';
      const { ended } = await driveToEnd({
        adapter,
        program: "/bin/bash",
        task: { verify },
        hostEnv: { ...process.env, HOME: home, XDG_CONFIG_HOME: join(home, "config") },
      });
      expect(ended).toMatchObject({ outcome: "succeeded" });
    }
    expect(existsSync(join(home, ".npmrc"))).toBe(true);
  });

  it.each(["-x; true", "--norc; true"])("is no option of the shell: %s", async (verify) => {
    const { ended } = await run([say], { task: { verify: `${verify}; exit 3` } });
    expect(ended.summary).toMatch(/^the verify script exited with code 127: .*command not found$/);
    const long = await run([say], { task: { verify: `: ${"x".repeat(200_000)}\nexit 3` } });
    expect(long.ended.summary).toBe("the verify script exited with code 3 and printed nothing");
  });

  it.each(["the end of its grace", "who asks again"])("that ignores the stop is killed by %s", async (by) => {
    const agent = createFakeAgent([say]);
    const hurried = by === "who asks again";
    const driven = await drive({
      adapter: scriptedAdapter,
      program: agent.program,
      task: { verify: `trap '' TERM; bash -c "exec -a ${agent.tag} sleep 3600"` },
      limits: { graceMs: hurried ? 60_000 : 200 },
    });
    const sleeps = () => findSurvivors([agent.tag]).some((each) => each.commandLine.startsWith(agent.tag));
    await expect.poll(sleeps).toBe(true);
    driven.cancel();
    if (hurried) driven.cancel({ force: true });
    expect(await driven.result).toMatchObject({ outcome: "cancelled" });
    expect(findSurvivors([agent.tag])).toEqual([]);
  });

  it("gets none of the adapter's credentials", async () => {
    const adapter: WorkerAdapter = {
      ...scriptedAdapter,
      plan: (task, context) => ({ ...scriptedAdapter.plan(task, context), env: { KEY: "secret" } }),
    };
    const { ended } = await run([say], {
      adapter,
      task: { verify: '[ -z "$KEY" ] && [ "$OWN" = yes ]', env: { OWN: "yes" } },
    });
    expect(ended.outcome).toBe("succeeded");
  });
});

describe("a worker's session", () => {
  const started = print({ type: "started", session: "s-1", model: null });

  it("is resumed in the HOME in which it was made", async () => {
    const attemptsDir = makeTemporaryDirectory("attempts");
    const script = 'echo "$(cat "$HOME/kept" 2>/dev/null)" > seen; echo kept > "$HOME/kept"';
    const adapter: WorkerAdapter = {
      ...scriptedAdapter,
      plan: (task, context) => ({
        ...scriptedAdapter.plan(task, context),
        command: "/bin/sh",
        args: ["-c", `${script}; exec ${context.program}`],
      }),
    };
    const options = { adapter, attemptsDir };
    const first = await run([started, say], options);
    expect(first.ended.session).toBe("s-1");
    const other = await run([say], options);
    expect(readFileSync(join(other.workspace, "seen"), "utf8")).toBe("\n");
    const resumed = await run([started, say], { ...options, task: { session: "s-1" } });
    expect(readFileSync(join(resumed.workspace, "seen"), "utf8")).toBe("kept\n");
    const again = await run([say], { ...options, task: { session: "s-1" } });
    expect(readFileSync(join(again.workspace, "seen"), "utf8")).toBe("kept\n");
  });

  it("keeps its HOME; a run without one leaves neither HOME nor temporary files", async () => {
    const touch: FakeStep = { do: "write_file", path: "x", content: "" };
    const kept = await run([started, touch, say]);
    const dropped = await run([touch, say]);
    const attemptOf = ({ attemptsDir }: { attemptsDir: string }) => {
      const [job = ""] = readdirSync(attemptsDir).filter((name) => !name.startsWith("."));
      return readdirSync(join(attemptsDir, job, "1")).sort();
    };
    expect(attemptOf(kept)).toEqual(["home", "stdout.log"]);
    expect(attemptOf(dropped)).toEqual(["stdout.log"]);
  });

  it("leaves no directories that are deeper than a path is long", async () => {
    const program = join(makeTemporaryDirectory("deep-agent"), "agent");
    const nest = 'n=$(printf "%0200d" 0); i=0; while [ $i -lt 40 ]; do mkdir $n; cd $n; i=$((i + 1)); done';
    const done = '{"type":"result","ok":true}';
    writeFileSync(program, `#!/bin/sh\ncd "$TMPDIR"; ${nest}; touch x\necho '${done}'\n`, { mode: 0o755 });
    const { attemptsDir, ended } = await driveToEnd({ adapter: scriptedAdapter, program, jobId: "j" });
    expect(ended.outcome).toBe("succeeded");
    const left = readdirSync(join(attemptsDir, "j/1")).filter((name) => !name.endsWith(".log"));
    expect(left).toEqual([]);
  });
});

describe("usage and cost", () => {
  const usage = { inputTokens: 1_000_000, cachedInputTokens: 0, outputTokens: 0 };
  const priced: WorkerAdapter = { ...scriptedAdapter, provider: "anthropic" };

  it("are what the worker reports", async () => {
    const { ended } = await run([
      print({ type: "usage", usage, costUsd: null }, { type: "result", ok: true, summary: "", costUsd: 1.5 }),
    ]);
    expect(ended).toMatchObject({ usage, costUsd: 1.5, costBasis: "reported" });
  });

  it("are estimated where the worker reports tokens only, in events too once prices are loaded", async () => {
    const { ended, events } = await run(
      [
        print({ type: "usage", usage, costUsd: null }),
        { do: "wait", ms: 500 },
        print({ type: "usage", usage, costUsd: null }, { type: "result", ok: true, summary: "" }),
      ],
      { adapter: priced, model: "claude-sonnet-4-5" },
    );
    expect(ended).toMatchObject({ usage, costBasis: "estimated" });
    expect(ended.costUsd).toBeCloseTo(3, 6);
    const last = events.findLast((event) => event.type === "usage");
    expect(last?.type === "usage" && last.costUsd).toBeCloseTo(3, 6);
  });

  it("are unknown for a model without a price, rather than invented", async () => {
    const { ended } = await run([print({ type: "usage", usage, costUsd: null }), say], {
      adapter: priced,
      model: "no-such-model",
    });
    expect(ended).toMatchObject({ usage, costUsd: null, costBasis: "none" });
  });
});
