import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { agentcore, jsonLinesOf, makeScratch, startAgentcore } from "../testing/agentcore-process.ts";

const scratch = makeScratch();
afterAll(() => scratch.remove());

function workflowFile(name: string, text: string): string {
  const path = join(scratch.root, name);
  writeFileSync(path, text);
  return path;
}

const shell = (id: string, script: string, more = ""): string =>
  `  ${id}:\n    worker: shell\n    capabilities: [run_commands]\n    instructions: |\n      ${script.replaceAll("\n", "\n      ")}\n${more}`;
const head = (name: string, timeout = "1m"): string =>
  `name: ${name}\nversion: "1"\ntimeout: ${timeout}\nsteps:\n`;

const hello = workflowFile(
  "hello.yaml",
  head("hello").replace("steps:", "inputs:\n  who: { default: world }\nsteps:") +
    shell(
      "greet",
      'echo "hello ${{ inputs.who }}" > hello.txt',
      "    outputs:\n      - { name: text, path: hello.txt }\n",
    ) +
    shell(
      "count",
      "echo $AGENTCORE_ITERATION > n",
      "    depends_on: [greet]\n    max_iterations: 3\n    completion_check:\n      worker: shell\n      capabilities: [read]\n      instructions: test $(cat n) = 2\n",
    ),
);

describe("workflow run", () => {
  it("2 bash would run what a value contains: nothing runs, and the place and the cure are told", async () => {
    const sum = workflowFile(
      "sum.yaml",
      head("sum").replace("steps:", "inputs:\n  n: {}\nsteps:") +
        shell("add", "echo $(( ${{ inputs.n }} + 1 ))"),
    );
    const ended = await agentcore(scratch, ["workflow", "run", sum, "--input", "n=a[$(touch INJECTED)]"]);
    expect(existsSync(join(scratch.workspace, "INJECTED"))).toBe(false);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(
      /sum\.yaml:10:\d+: steps\.add\.instructions: in \(\( … \)\), bash runs commands that the value of \$\{\{ inputs\.n }} contains; declare the input with type: number, or check/,
    );
  });

  it("0 succeeded: plain lines, a summary, a JUnit report, and the run is there to look at", async () => {
    const { code, stdout, stderr } = await agentcore(scratch, [
      "workflow",
      "run",
      hello,
      "--junit",
      "report.xml",
      "-v",
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^hello {2}run /);
    expect(stdout).toMatch(/PASS {4}count \(2 iterations\)/);
    expect(stdout).toMatch(/Workflow: SUCCEEDED/);
    expect(readFileSync(join(scratch.workspace, "context/greet/text/hello.txt"), "utf8")).toBe(
      "hello world\n",
    );
    expect(readFileSync(join(scratch.workspace, "report.xml"), "utf8")).toContain(
      'name="hello" tests="2" failures="0"',
    );
    const listed = jsonLinesOf((await agentcore(scratch, ["workflow", "list", "--json"])).stdout)[0];
    expect(listed).toMatchObject({ name: "hello", state: "SUCCEEDED", steps: 2, stepsEnded: 2 });
    const shown = await agentcore(scratch, ["workflow", "show", String(listed?.["id"])]);
    expect(shown.stdout).toMatch(/count \(2 iterations\)/);
  });

  it("steps that fail in one workspace do not keep the step from running that reports on them", async () => {
    const names = Array.from({ length: 12 }, (_, n) => `shard${n}`);
    const shards = names.map((name) => shell(name, "exit 1", "    on_failure: continue\n")).join("");
    const report = shell("report", "echo reported", `    depends_on: [${names.join(", ")}]\n`);
    const file = workflowFile("shards.yaml", head("shards") + shards + report);
    const { code, stdout } = await agentcore(scratch, ["workflow", "run", file]);
    expect(stdout).toMatch(/PASS {4}report/);
    expect(code).toBe(0);
  });

  it("with --json prints one event a line and the result last", async () => {
    const args = ["workflow", "run", hello, "--json", "--input", "who=you"];
    const lines = jsonLinesOf((await agentcore(scratch, args)).stdout);
    expect(lines[0]).toMatchObject({ type: "run_started", name: "hello", steps: ["greet", "count"] });
    expect(lines.some(({ type }) => type === "job_event")).toBe(true);
    expect(lines.at(-1)).toMatchObject({
      type: "result",
      outcome: "SUCCEEDED",
      steps: [{ id: "greet" }, { iterations: 2 }],
    });
    expect(readFileSync(join(scratch.workspace, "hello.txt"), "utf8")).toBe("hello you\n");
  });

  it("1 failed: a verify script must pass, and what waits is skipped", async () => {
    const file = workflowFile(
      "fail.yaml",
      head("fail") +
        shell("a", "echo why it failed >&2", "    verify: exit 7\n") +
        shell("b", "true", "    depends_on: [a]\n"),
    );
    const { code, stdout } = await agentcore(scratch, ["workflow", "run", file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAIL +a .*AC_VERIFY_FAILED/);
    expect(stdout).toMatch(/SKIP +b/);
    // Its output is shown alone, with its job and its log.
    const said = /^a {2}job (\S+), log (\S+)\n {2}\| why it failed$/m.exec(stdout);
    expect(readFileSync(said?.[2] ?? "", "utf8")).toBe("why it failed\n");
    const run = /workflow retry (\S+)/.exec(stdout)?.[1] ?? "";
    const shown = jsonLinesOf((await agentcore(scratch, ["workflow", "show", run, "--json"])).stdout)[0];
    expect(shown).toMatchObject({
      costUsd: null,
      steps: [
        {
          jobId: expect.stringContaining(said?.[1] ?? "no job"),
          output: "why it failed",
          log: said?.[2],
          costUsd: null,
        },
        { jobId: null },
      ],
    });
    const logs = await agentcore(scratch, ["workflow", "logs", run, "a"]);
    expect(logs.stdout).toMatch(/^a, iteration 1 {2}job \S+\n.*why it failed/);
    expect((await agentcore(scratch, ["workflow", "logs", run, "nope"])).stderr).toContain(
      "it has jobs of a",
    );
  });

  it("4 timed out, 130 interrupted", async () => {
    const late = workflowFile("late.yaml", head("late", "500ms") + shell("a", "sleep 60"));
    expect((await agentcore(scratch, ["workflow", "run", late])).code).toBe(4);
    const long = workflowFile("long.yaml", head("long") + shell("a", "echo begun; sleep 60"));
    const started = startAgentcore(scratch, ["workflow", "run", long, "-v"]);
    await started.saw("a | begun");
    started.child.kill("SIGINT");
    const { code, stdout } = await started.finished;
    expect(code).toBe(130);
    expect(stdout).toContain("Workflow: INTERRUPTED");
    expect(stdout).toMatch(/go on with it: agentcore workflow resume \S+\n$/);
  });

  it("steps side by side share the workspace", async () => {
    const wait = (mine: string, other: string): string =>
      `touch ${mine}; until test -e ${other}; do sleep 0.05; done`;
    const file = workflowFile(
      "side.yaml",
      head("side") + shell("a", wait("a", "b")) + shell("b", wait("b", "a")),
    );
    expect((await agentcore(scratch, ["workflow", "run", file])).code).toBe(0);
  });
});

it("a run that another process works on is not resumed beside it, and can be once that is gone", async () => {
  const file = workflowFile(
    "taken.yaml",
    head("taken") +
      shell("a", "echo begun; test -e go || sleep 60") +
      shell("b", "true", "    depends_on: [a]\n"),
  );
  const started = startAgentcore(scratch, ["workflow", "run", file, "--json"]);
  await started.saw('"begun"');
  const run = String(jsonLinesOf(started.stdout().split("\n")[0] ?? "")[0]?.["run"]);
  const refused = await agentcore(scratch, ["workflow", "resume", run]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("AC_WORKFLOW_TAKEN");
  started.child.kill("SIGKILL");
  await started.finished;
  writeFileSync(join(scratch.workspace, "go"), "");
  const resumed = await agentcore(scratch, ["workflow", "resume", run, "--json"]);
  expect(resumed).toMatchObject({ code: 0, stderr: "" });
  expect(jsonLinesOf(resumed.stdout).at(-1)).toMatchObject({
    outcome: "SUCCEEDED",
    steps: [{ attempts: 2 }, { attempts: 1 }],
  });
  const ended = await agentcore(scratch, ["workflow", "resume", run]);
  expect(ended).toMatchObject({ code: 0, stderr: "agentcore: the run has already ended (SUCCEEDED)\n" });
  expect(ended.stdout).not.toContain("resumed");
  const newest = await agentcore(scratch, ["jobs", "show", "@last"]);
  expect(newest.code).toBe(2);
  expect(newest.stderr).toContain("there is no job yet apart from those of workflow runs: `agentcore jobs");
});

describe("2, and nothing is started, for", () => {
  const wrong = workflowFile(
    "wrong.yaml",
    `name: wrong\nversion: 1\ntimeout: 10\nsteps:\n  a:\n    worker: shell\n    capabilities: [fly]\n    instructions: x\n    depends_on: [b]\n`,
  );

  it("a file with mistakes: each with its place", async () => {
    const { code, stderr } = await agentcore(scratch, ["workflow", "validate", wrong]);
    expect(code).toBe(2);
    for (const place of ["wrong.yaml:2:", "wrong.yaml:3:", "wrong.yaml:7:", "wrong.yaml:9:"])
      expect(stderr).toContain(place);
    expect(stderr).toContain("wrong.yaml: 4 mistakes");
    const run = await agentcore(scratch, ["workflow", "run", wrong]);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain("AC_WORKFLOW_INVALID");
  });

  it("a path that leaves the workspace by a symbolic link, with its place", async () => {
    symlinkSync(tmpdir(), join(scratch.workspace, "outside"));
    const linked = workflowFile(
      "linked.yaml",
      `name: linked\nversion: "1"\ntimeout: 1m\nsteps:\n  a:\n    worker: shell\n    capabilities: [edit]\n    workspace: outside\n    instructions: touch ran\n`,
    );
    const { code, stderr } = await agentcore(scratch, ["workflow", "run", linked]);
    expect(code).toBe(2);
    expect(stderr).toContain("linked.yaml:8:16: steps.a.workspace");
  });

  it.each([
    [["workflow", "run", "gone.yaml"], /the workflow file does not exist/],
    [["workflow", "run", "."], /it is a directory; name the workflow file in it/],
    [["workflow", "run", hello, "--input", "nobody=x"], /there is no input "nobody"; there are who/],
    [["workflow", "run", hello, "--workspace", "gone"], /AC_WORKSPACE_MISSING/],
    [["workflow", "resume", "0123456789"], /AC_WORKFLOW_RUN_NOT_FOUND/],
    [["workflow", "show", "0123456789"], /AC_WORKFLOW_RUN_NOT_FOUND/],
  ])("%j", async (args, message) => {
    const { code, stderr } = await agentcore(scratch, args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

it("validate and graph say what a sound file is", async () => {
  expect((await agentcore(scratch, ["workflow", "validate", hello])).stdout).toMatch(/valid: 2 steps\n$/);
  expect((await agentcore(scratch, ["workflow", "graph", hello])).stdout).toContain("s0 --> s1");
});
