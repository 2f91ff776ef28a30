/** The keys `stall` and `sentinel` of a file, one test for each rule of the format. */
import { describe, expect, it } from "vitest";
import type { Stall, Step, Workflow } from "../definition.ts";
import { parseWorkflow } from "./parse-workflow.ts";
import { formatProblem } from "@agentcore/yaml-file";

const head = 'name: w\nversion: "1"\ntimeout: 5m\n';
const work = "worker: shell, instructions: x, capabilities: []";

async function parse(main: string, files: Readonly<Record<string, string>> = {}) {
  const all: Readonly<Record<string, string>> = { "/w/main.yaml": main, ...files };
  return parseWorkflow({ file: "/w/main.yaml", readFile: async (path) => all[path] ?? null });
}

async function accepted(main: string, files?: Readonly<Record<string, string>>): Promise<Workflow> {
  const result = await parse(main, files);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.workflow;
}

/** The `stall` of the one step of a file with these `stall` keys and this `sentinel` block. */
async function guardOf(stall: string | null, sentinel = ""): Promise<Stall | null | undefined> {
  const own = stall === null ? "" : `, stall: ${stall}`;
  const text = `${sentinel === "" ? "" : `sentinel: ${sentinel}\n`}${head}steps:\n  a: { ${work}${own} }\n`;
  return (await accepted(text)).steps[0]?.stall;
}

const problemsOf = async (main: string): Promise<string[]> => {
  const result = await parse(main);
  if (result.ok) throw new Error("the workflow was accepted");
  return result.problems.map(({ message }) => message);
};

describe("stall", () => {
  it("has defaults for every key that is left out", async () => {
    expect(await guardOf("{ probe: { interval: 10s, command: ./look.sh } }")).toEqual({
      noOutputTimeoutMs: null,
      activitySource: "worker_event",
      probe: {
        intervalMs: 10_000,
        timeoutMs: 10_000,
        command: "./look.sh",
        stallThreshold: 2,
        requireZeroExit: false,
        onProbeError: "ignore",
        probeErrorThreshold: 3,
        captureStderr: false,
      },
      onStall: { action: "interrupt", errorClass: null, fingerprintPrefix: [], asIncomplete: false },
      onTerminal: { action: "fail", errorClass: null, fingerprintPrefix: [], asIncomplete: false },
    });
  });

  it("takes every key of the format", async () => {
    const probe =
      "{ interval: 5s, timeout: 2s, command: x, stall_threshold: 12, require_zero_exit: true, on_probe_error: terminal, probe_error_threshold: 1, capture_stderr: true }";
    const reaction =
      "action: fail, error_class: NON_RETRYABLE, fingerprint_prefix: [phase/a], as_incomplete: true";
    const text = `{ enabled: true, no_output_timeout: 20m, activity_source: any_event, probe: ${probe}, on_stall: { ${reaction} }, on_terminal: { action: ignore } }`;
    expect(await guardOf(text)).toEqual({
      noOutputTimeoutMs: 1_200_000,
      activitySource: "any_event",
      probe: {
        intervalMs: 5000,
        timeoutMs: 2000,
        command: "x",
        stallThreshold: 12,
        requireZeroExit: true,
        onProbeError: "terminal",
        probeErrorThreshold: 1,
        captureStderr: true,
      },
      onStall: {
        action: "fail",
        errorClass: "NON_RETRYABLE",
        fingerprintPrefix: ["phase/a"],
        asIncomplete: true,
      },
      onTerminal: { action: "ignore", errorClass: null, fingerprintPrefix: [], asIncomplete: false },
    });
  });

  it("of a completion check is the check's own", async () => {
    const check = `{ ${work}, stall: { no_output_timeout: 7s } }`;
    const { steps } = await accepted(`${head}steps:\n  a: { ${work}, completion_check: ${check} }\n`);
    expect(steps[0]?.stall).toBeNull();
    expect(steps[0]?.loop?.checkStall?.noOutputTimeoutMs).toBe(7000);
  });

  it("of a sub-workflow step holds for the steps in it that say nothing themselves", async () => {
    const child = `${head}steps:
  a: { ${work} }
  b: { ${work}, stall: { no_output_timeout: 2s } }
  c: { ${work}, stall: { enabled: false } }
  d: { ${work}, completion_check: { ${work} } }
`;
    const main = `${head}steps:\n  sub: { workflow: ./child.yaml, stall: { no_output_timeout: 9s } }\n`;
    const { steps } = await accepted(main, { "/w/child.yaml": child });
    const action = steps[0]?.action;
    const inner = action?.kind === "workflow" ? action.workflow.steps : [];
    expect(inner.map(({ stall }) => stall?.noOutputTimeoutMs)).toEqual([9000, 2000, null, 9000]);
    expect(inner[3]?.loop?.checkStall?.noOutputTimeoutMs).toBe(9000);
  });

  it.each([
    ["looks all the time", "{ probe: { interval: 50ms, command: x } }", "looks more often than every 100ms"],
    [
      "only probes, with no probe",
      "{ activity_source: probe_only, no_output_timeout: 1s }",
      "probe_only needs a probe",
    ],
    ["has a probe without a command", "{ probe: { interval: 5s } }", "command"],
    ["has an unknown reaction", "{ on_stall: { action: retry } }", "action"],
    ["is given no time unit", "{ no_output_timeout: 5 }", "unit"],
  ])("that %s is a mistake", async (_what, stall, message) => {
    const problems = await problemsOf(`${head}steps:\n  a: { ${work}, stall: ${stall} }\n`);
    expect(problems).toEqual([expect.stringContaining(message)]);
  });
});

describe("sentinel", () => {
  const defaults = "defaults: { no_output_timeout: 15m, on_stall: { action: fail, error_class: hung } }";
  const timeOf = (step: Stall | null | undefined) => step?.noOutputTimeoutMs ?? null;

  it.each<[what: string, sentinel: string, stall: string | null, ms: number | null]>([
    ["sets it for a step that says nothing", `{ ${defaults} }`, null, 900_000],
    ["is overridden by the step's own keys", `{ ${defaults} }`, "{ no_output_timeout: 1m }", 60_000],
    ["adds to the step's own keys", `{ ${defaults} }`, "{ activity_source: any_event }", 900_000],
    ["is opted out of by the step", `{ ${defaults} }`, "{ enabled: false }", null],
    ["that is not enabled sets nothing", `{ enabled: false, ${defaults} }`, null, null],
    ["that is not enabled disables what a step has", `{ enabled: false }`, "{ no_output_timeout: 1m }", null],
    [
      "that is not enabled is overruled by a step",
      `{ enabled: false }`,
      "{ enabled: true, no_output_timeout: 1m }",
      60_000,
    ],
    [
      "may name the one way to interrupt",
      "{ defaults: { no_output_timeout: 15m, interrupt: { strategy: cancel } } }",
      null,
      900_000,
    ],
  ])("%s", async (_what, sentinel, stall, ms) => {
    expect(timeOf(await guardOf(stall, sentinel))).toBe(ms);
  });

  it("is merged key by key, below on_stall and probe too", async () => {
    const guard = await guardOf(
      "{ on_stall: { action: interrupt }, probe: { interval: 3s, command: mine } }",
      `{ defaults: { probe: { interval: 9s, command: theirs, stall_threshold: 5 }, on_stall: { action: fail, error_class: hung } } }`,
    );
    expect(guard).toMatchObject({
      onStall: { action: "interrupt", errorClass: "hung" },
      probe: { intervalMs: 3000, command: "mine", stallThreshold: 5 },
    });
  });

  it("gives a step that only probes the probe of all steps", async () => {
    const guard = await guardOf(
      "{ activity_source: probe_only }",
      "{ defaults: { probe: { interval: 9s, command: x } } }",
    );
    expect(guard).toMatchObject({ activitySource: "probe_only", probe: { command: "x" } });
  });

  it("sets it for completion checks too", async () => {
    const step = `  a: { ${work}, completion_check: { ${work} } }\n`;
    const { steps } = await accepted(`sentinel: { ${defaults} }\n${head}steps:\n${step}`);
    expect(steps.map(({ loop }: Step) => timeOf(loop?.checkStall))).toEqual([900_000]);
  });

  it.each([
    ["none", "{}", null],
    [
      "in its usual places",
      "{ telemetry: {} }",
      { eventsFile: "_workflow/events.jsonl", stateFile: "_workflow/state.json", includeWorkerOutput: false },
    ],
    [
      "in places of its own, with what workers print",
      "{ telemetry: { events_file: e.jsonl, state_file: s.json, include_worker_output: true } }",
      { eventsFile: "e.jsonl", stateFile: "s.json", includeWorkerOutput: true },
    ],
    ["none where it is not enabled", "{ enabled: false, telemetry: {} }", null],
  ])("has telemetry: %s", async (_what, sentinel, telemetry) => {
    const workflow = await accepted(`sentinel: ${sentinel}\n${head}steps:\n  a: { ${work} }\n`);
    expect(workflow.telemetry).toEqual(telemetry);
  });

  it.each(["events_file", "state_file"])("keeps its %s in the context directory", async (key) => {
    const text = `sentinel: { telemetry: { ${key}: ../out } }\n${head}steps:\n  a: { ${work} }\n`;
    expect(await problemsOf(text)).toEqual([
      `sentinel.telemetry.${key}: "../out" leaves the context directory`,
    ]);
  });
});
