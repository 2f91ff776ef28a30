/** The guards of a workflow's steps, with the real runtime: real probes in real containers, killed and resumed. */
import { patienceMs } from "@agentcore/contract/testing";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  agentcore,
  jsonLinesOf,
  makeScratch,
  startAgentcore,
  type Scratch,
} from "../testing/agentcore-process.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

const head = `name: guarded\nversion: "1"\ntimeout: 2m\n`;

interface StepKeys {
  /** More keys of the step, one per line. */
  readonly keys?: readonly string[];
  readonly script: string;
}

function workflowFile(steps: Readonly<Record<string, StepKeys>>, top = ""): string {
  const path = join(scratch.root, "guarded.yaml");
  const texts = Object.entries(steps).map(([id, { keys = [], script }]) =>
    [
      `  ${id}:`,
      "    worker: shell",
      "    capabilities: [run_commands]",
      ...keys.map((key) => `    ${key}`),
      "    instructions: |",
      ...script.split("\n").map((line) => `      ${line}`),
    ].join("\n"),
  );
  writeFileSync(path, `${head}${top}steps:\n${texts.join("\n")}\n`);
  return path;
}

interface Ended {
  readonly exitCode: number | null;
  readonly outcome: string;
  readonly steps: readonly Readonly<Record<string, unknown>>[];
}

async function run(file: string): Promise<Ended> {
  const { code, stdout, stderr } = await agentcore(scratch, ["workflow", "run", file, "--json"]);
  const result = jsonLinesOf(stdout).at(-1);
  if (result?.["type"] !== "result") throw new Error(`the run gave no result:\n${stderr}`);
  return { exitCode: code, ...(result as unknown as Omit<Ended, "exitCode">) };
}

/** A guard for scripts that do something before they are silent: a busy machine starts them late. */
const silence = `${patienceMs(600)}ms`;

const context = (...path: string[]): string => join(scratch.workspace, "context", ...path);
const json = (...path: string[]) =>
  JSON.parse(readFileSync(context(...path), "utf8")) as Readonly<Record<string, unknown>>;
const looksOf = (step: string) =>
  jsonLinesOf(readFileSync(context(step, "_stall", "probe.jsonl"), "utf8")).map(({ found }) => found);

/** Ends after this many looks of a probe whose command begins with `noteLook`. */
const untilLooks = (count: number): string =>
  `until test "$(cat looks-$AGENTCORE_STEP_ID | wc -l)" -ge ${count}; do sleep 0.05; done`;
const noteLook = "echo x >> looks-$AGENTCORE_STEP_ID";

/** Prints without end, so that it is never silent. */
const busy = "while :; do echo tick; sleep 0.05; done";
const probe = (command: string, more = ""): string =>
  `probe: { interval: 100ms, timeout: ${patienceMs(5000)}ms, command: '${command}'${more === "" ? "" : `, ${more}`} }`;
const progressing = 'echo "{\\"class\\":\\"progressing\\"}"';
const stalled =
  'echo "{\\"class\\":\\"stalled\\",\\"fingerprints\\":[\\"db/locked\\"],\\"reasons\\":[\\"no row\\"]}"';

describe("no_output_timeout", () => {
  it("stops a step that is silent, and says why in _stall/event.json", async () => {
    const file = workflowFile({ a: { keys: ["stall: { no_output_timeout: 300ms }"], script: "sleep 60" } });
    const { exitCode, steps } = await run(file);
    expect(exitCode).toBe(1);
    expect(steps).toMatchObject([{ status: "FAILED", errorClass: "stalled" }]);
    expect(json("a", "_stall", "event.json")).toMatchObject({
      step: { id: "a", piece: "work", iteration: 1, attempt: 1 },
      trigger: { kind: "no_output", code: "AC_STALLED" },
      action: { kind: "interrupt", error_class: "stalled", as_incomplete: false },
      fingerprints: ["stall/no-output"],
    });
  });

  it("lets a step be that prints", async () => {
    const script = "for i in $(seq 14); do echo $i; sleep 0.25; done";
    expect(
      (await run(workflowFile({ a: { keys: ["stall: { no_output_timeout: 2s }"], script } }))).exitCode,
    ).toBe(0);
  });

  it("is not watched where only the probe counts", async () => {
    const keys = [
      `stall: { activity_source: probe_only, no_output_timeout: 200ms, ${probe('echo "{}"', "stall_threshold: 99")} }`,
    ];
    expect((await run(workflowFile({ a: { keys, script: "sleep 1" } }))).exitCode).toBe(0);
  });

  it("is put off by a probe that finds progress, where any event counts", async () => {
    const progress = probe(progressing);
    // Longer than a probe takes on this machine.
    const timeoutMs = patienceMs(1000);
    const steps = {
      a: {
        keys: [`stall: { activity_source: any_event, no_output_timeout: ${timeoutMs}ms, ${progress} }`],
        script: `sleep ${(2.5 * timeoutMs) / 1000}`,
      },
      b: {
        keys: [`stall: { no_output_timeout: ${timeoutMs}ms, ${progress} }`, "on_failure: continue"],
        script: "sleep 60",
      },
    };
    const ended = await run(workflowFile(steps));
    expect(ended.steps).toMatchObject([{ status: "SUCCEEDED" }, { status: "FAILED", errorClass: "stalled" }]);
  });
});

describe("a probe", () => {
  it("stops a step that prints and gets nowhere, with what it found", async () => {
    const keys = [
      `stall: { ${probe(stalled, "stall_threshold: 3")}, on_stall: { error_class: hung, fingerprint_prefix: [phase/a] } }`,
    ];
    const { exitCode, steps } = await run(workflowFile({ a: { keys, script: busy } }));
    expect(exitCode).toBe(1);
    expect(steps).toMatchObject([{ status: "FAILED", errorClass: "hung", attempts: 1 }]);
    expect(String(steps[0]?.["reason"])).toMatch(/stalled 3 times in a row: no row.*AC_PROBE_STALLED/);
    expect(json("a", "_stall", "event.json")).toMatchObject({
      trigger: { kind: "no_progress" },
      fingerprints: ["phase/a", "stall/no-progress", "db/locked"],
      reasons: ["no row"],
    });
    expect(looksOf("a")).toEqual(["stalled", "stalled", "stalled"]);
  });

  it("without a class is judged by its digest", async () => {
    const command = 'cat n | head -c 1 > d; echo "{\\"digest\\":\\"$(cat d)\\"}"';
    const script = `for i in 1 2 3 4 5; do echo $i > n; sleep 0.5; done; ${busy}`;
    const { steps } = await run(
      workflowFile({ a: { keys: [`stall: { ${probe(command, "stall_threshold: 8")} }`], script } }),
    );
    expect(steps).toMatchObject([{ status: "FAILED" }]);
    const looks = looksOf("a");
    expect(looks.filter((found) => found === "progressing").length).toBeGreaterThan(1);
    expect(looks.slice(-7)).toEqual(Array.from({ length: 7 }, () => "stalled"));
  });

  it("in a terminal state ends the step for good, whatever retries it has", async () => {
    const terminal = 'echo "{\\"class\\":\\"terminal\\"}"';
    const keys = ["max_retries: 3", "on_failure: retry", `stall: { ${probe(terminal)} }`];
    const { steps } = await run(workflowFile({ a: { keys, script: busy } }));
    expect(steps).toMatchObject([{ status: "FAILED", attempts: 1 }]);
    expect(json("a", "_stall", "event.json")).toMatchObject({
      trigger: { kind: "terminal" },
      action: { kind: "fail" },
    });
  });

  it("interrupts an attempt, and the next one has a fresh count", async () => {
    const keys = ["max_retries: 1", "on_failure: retry", `stall: { ${probe(stalled)} }`];
    const script = "echo x >> tries; test $(wc -l < tries) -gt 1 && exit 0\nsleep 60";
    const { exitCode, steps } = await run(workflowFile({ a: { keys, script } }));
    expect(exitCode).toBe(0);
    expect(steps).toMatchObject([{ status: "SUCCEEDED", attempts: 2 }]);
  });

  it("whose findings are ignored stops nothing, and is recorded", async () => {
    const ignore = "on_stall: { action: ignore }, on_terminal: { action: ignore }";
    const keys = [`stall: { ${probe(`${noteLook}; ${stalled}`)}, ${ignore} }`];
    const script = untilLooks(4);
    expect((await run(workflowFile({ a: { keys, script } }))).exitCode).toBe(0);
    expect(looksOf("a").length).toBeGreaterThan(2);
    expect(existsSync(context("a", "_stall", "event.json"))).toBe(false);
  });

  it.each([
    ["ignore", "SUCCEEDED", null],
    ["stall", "FAILED", "no_progress"],
    ["terminal", "FAILED", "terminal"],
  ])("that prints junk counts as its key says: %s", async (onError, status, kind) => {
    const junk = probe(`${noteLook}; echo what`, `on_probe_error: ${onError}, probe_error_threshold: 2`);
    const keys = [`stall: { ${junk} }`];
    const { steps } = await run(workflowFile({ a: { keys, script: untilLooks(4) } }));
    expect(steps).toMatchObject([{ status }]);
    expect(new Set(looksOf("a"))).toEqual(new Set(["error"]));
    if (kind !== null) expect(json("a", "_stall", "event.json")).toMatchObject({ trigger: { kind } });
  });

  it.each([
    ["hangs", "tail -f /dev/null", "200ms", "took longer than 200 ms"],
    ["floods", "yes", "1m", "printed more than 64 KiB"],
  ])("that %s is bounded, and counts as an error", async (_what, command, timeout, why) => {
    const keys = [
      `stall: { probe: { interval: 100ms, timeout: ${timeout}, command: '${command}', on_probe_error: terminal, probe_error_threshold: 1 } }`,
    ];
    const { steps } = await run(workflowFile({ a: { keys, script: busy } }));
    expect(String(steps[0]?.["reason"])).toContain(why);
  });

  it("needs exit code 0 only where the file asks for it, and keeps stderr only there too", async () => {
    const command = `${noteLook}; ${progressing}; echo secret >&2; exit 3`;
    const strict = probe(command, "require_zero_exit: true, capture_stderr: true");
    const steps = {
      a: { keys: [`stall: { ${probe(command)} }`], script: untilLooks(3) },
      b: { keys: [`stall: { ${strict} }`], script: untilLooks(3) },
    };
    expect((await run(workflowFile(steps))).exitCode).toBe(0);
    expect(new Set(looksOf("a"))).toEqual(new Set(["progressing"]));
    expect(new Set(looksOf("b"))).toEqual(new Set(["error"]));
    expect(readFileSync(context("a", "_stall", "probe.jsonl"), "utf8")).not.toContain("secret");
    expect(readFileSync(context("b", "_stall", "probe.jsonl"), "utf8")).toContain('"stderr":"secret\\n"');
  });
});

describe("as_incomplete", () => {
  it("makes a step that stands still go around its loop, with the fingerprints found", async () => {
    const keys = [
      `stall: { ${probe(stalled)}, on_stall: { as_incomplete: true } }`,
      "max_iterations: 4",
      "convergence: { stall_threshold: 2, max_stage: 1, stages: [{ stage: 1, append_instructions: exit 0 }] }",
      "completion_check: { worker: shell, capabilities: [read], instructions: test -e done }",
    ];
    const script = "echo x >> tries\ntest $(wc -l < tries) -gt 2 && touch done && exit 0\nsleep 60";
    const { exitCode, steps } = await run(workflowFile({ a: { keys, script } }));
    expect(exitCode).toBe(0);
    expect(steps).toMatchObject([{ status: "SUCCEEDED", iterations: 3 }]);
  });

  it("makes a completion check that stands still say incomplete", async () => {
    const check = `test -e checked && exit 0; touch checked; sleep 60`;
    const keys = [
      "max_iterations: 3",
      `completion_check: { worker: shell, capabilities: [read], instructions: "${check}", stall: { no_output_timeout: ${silence}, on_stall: { as_incomplete: true } } }`,
    ];
    const { exitCode, steps } = await run(workflowFile({ a: { keys, script: "true" } }));
    expect(exitCode).toBe(0);
    expect(steps).toMatchObject([{ status: "SUCCEEDED", iterations: 2 }]);
    expect(json("a", "_stall", "event.json")).toMatchObject({
      step: { piece: "check" },
      action: { as_incomplete: true },
    });
  });

  it("is not what a check that stands still means without it: it is asked again, then the step fails", async () => {
    const keys = [
      "max_iterations: 3",
      "completion_check: { worker: shell, capabilities: [read], instructions: sleep 60, stall: { no_output_timeout: 200ms } }",
    ];
    const { steps } = await run(workflowFile({ a: { keys, script: "true" } }));
    expect(steps).toMatchObject([{ status: "FAILED", iterations: 1 }]);
    expect(String(steps[0]?.["reason"])).toContain("did not decide");
  });

  it("is not what action fail means for a check: the step fails at once", async () => {
    const keys = [
      "max_iterations: 3",
      `completion_check: { worker: shell, capabilities: [read], instructions: echo x >> asked && sleep 60, stall: { no_output_timeout: ${silence}, on_stall: { action: fail } } }`,
    ];
    const { steps } = await run(workflowFile({ a: { keys, script: "true" } }));
    expect(steps).toMatchObject([{ status: "FAILED", errorClass: "stalled" }]);
    expect(readFileSync(join(scratch.workspace, "asked"), "utf8")).toBe("x\n");
  });
});

it("the guard of a sub-workflow step holds for the steps in it, and its failure is the step's", async () => {
  const child = workflowFile({ inner: { script: "sleep 60" } });
  renameSync(child, join(scratch.root, "child.yaml"));
  const file = join(scratch.root, "outer.yaml");
  writeFileSync(
    file,
    `${head}steps:\n  sub: { workflow: ./child.yaml, stall: { no_output_timeout: 300ms } }\n`,
  );
  const { steps } = await run(file);
  expect(steps).toMatchObject([{ id: "sub", status: "FAILED" }]);
  expect(json("sub", "_run-1", "inner", "_stall", "event.json")).toMatchObject({
    step: { id: "inner" },
    trigger: { kind: "no_output" },
  });
});

it("the sentinel block guards every step, and its telemetry follows the run", async () => {
  const top = `sentinel:\n  defaults: { no_output_timeout: ${silence} }\n  telemetry: {}\n`;
  const steps = { a: { script: "echo hunter2" }, b: { keys: ["depends_on: [a]"], script: "sleep 60" } };
  const { steps: ended } = await run(workflowFile(steps, top));
  expect(ended).toMatchObject([{ status: "SUCCEEDED" }, { status: "FAILED", errorClass: "stalled" }]);
  const events = readFileSync(context("_workflow", "events.jsonl"), "utf8");
  expect(jsonLinesOf(events).at(-1)).toMatchObject({ type: "run_ended", outcome: "FAILED" });
  expect(events).not.toContain("hunter2");
  expect(json("_workflow", "state.json")).toMatchObject({
    state: "FAILED",
    steps: { b: { status: "FAILED" } },
  });
});

it("max_command_time limits a script", async () => {
  const { steps } = await run(workflowFile({ a: { keys: ["max_command_time: 300ms"], script: "sleep 60" } }));
  expect(steps).toMatchObject([{ status: "FAILED", errorClass: "timeout" }]);
});

/** Processes with this word on their command line, seen from outside. */
function alive(word: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(word);
      } catch {
        return false; // it has ended meanwhile
      }
    });
}

it("kill -9 of everything in the middle of a look leaves no process, and the run goes on with a fresh count", async () => {
  const mark = `stall-look-${process.pid}-${Date.now()}`;
  const look = `echo x >> looks; exec -a ${mark} tail -f /dev/null`;
  const keys = [
    `stall: { probe: { interval: 100ms, timeout: 60s, command: '${look}', on_probe_error: terminal, probe_error_threshold: 1 } }`,
  ];
  const file = workflowFile({ a: { keys, script: "test -e go || sleep 60" } });
  const started = startAgentcore(scratch, ["workflow", "run", file, "--json"]);
  await expect.poll(() => existsSync(join(scratch.workspace, "looks"))).toBe(true);
  await expect.poll(() => alive(mark).length).toBeGreaterThan(0);
  started.child.kill("SIGKILL");
  await started.finished;
  await expect.poll(() => alive(mark)).toEqual([]);
  writeFileSync(join(scratch.workspace, "go"), "");
  rmSync(join(scratch.workspace, "looks"));
  const run = String(jsonLinesOf(started.stdout().split("\n")[0] ?? "")[0]?.["run"]);
  const resumed = await agentcore(scratch, ["workflow", "resume", run, "--json"]);
  expect(jsonLinesOf(resumed.stdout).at(-1)).toMatchObject({
    outcome: "SUCCEEDED",
    steps: [{ status: "SUCCEEDED", attempts: 2 }],
  });
});
