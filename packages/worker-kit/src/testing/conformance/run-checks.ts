/** Requirements on real runs: the adapter's worker is the fake agent, everything else is as in production. */
import type { WorkerResult } from "@agentcore/contract";
import { workerResultSchema } from "@agentcore/contract";
import { drive, machineContainment, type DrivenRun, type DriveOptions } from "../drive.ts";
import { createFakeAgent, type FakeAgent } from "../fake-agent.ts";
import { fakeChildren, type FakeLedgerEntry, type FakeStep } from "../fake-agent-script.ts";
import { withLiveGrowth } from "../live-memory.ts";
import { findSurvivors } from "../survivors.ts";
import {
  mustHold,
  type AdapterConformanceOptions,
  type ConformanceCheck,
  type ConformanceScenario,
} from "./options.ts";

/** Longest that any of these runs may take from its last step, or from the stop, to its result. */
const endsWithinMs = 20_000;
/** Growth of live memory allowed while hostile output is read, in MiB. */
const growthMbMax = 64;

const changedFile = "conformance.txt";
const hostSecret = "conformance-host-secret";

/** Printed on stderr once the agent is where a check wants it. */
const readyLine = "conformance: ready";
const ready: FakeStep = { do: "print", stream: "stderr", lines: [readyLine] };
const write: FakeStep = { do: "write_file", path: changedFile, content: "done\n" };

export function runChecks(options: AdapterConformanceOptions): ConformanceCheck[] {
  const bench = createBench(options);
  return [
    ...endingChecks(options, bench),
    ...stoppingChecks(options, bench),
    ...outputChecks(options, bench),
    { name: "nothing of the caller's environment leaks", run: () => environmentDoesNotLeak(options, bench) },
  ];
}

interface Bench {
  /** Runs to the end, and checks what must hold of every run. */
  run(steps: readonly FakeStep[], overrides?: Partial<DriveOptions>): Promise<EndedRun>;
  /** Starts, and waits until the agent is ready. */
  start(steps: readonly FakeStep[]): Promise<{ readonly run: DrivenRun; readonly agent: FakeAgent }>;
  /** Waits for the result, and checks what must hold of every run. */
  end(run: DrivenRun, agent: FakeAgent): Promise<EndedRun>;
}

interface EndedRun {
  readonly result: WorkerResult;
  readonly agent: FakeAgent;
}

function createBench(options: AdapterConformanceOptions): Bench {
  const { adapter } = options;
  const begin = async (
    steps: readonly FakeStep[],
    overrides: Partial<DriveOptions> = {},
  ): Promise<{ run: DrivenRun; agent: FakeAgent }> => {
    const agent = createFakeAgent(steps, { versionArgs: adapter.program.versionArgs });
    const run = await drive({
      adapter,
      program: agent.program,
      settings: options.settings ?? {},
      hostEnv: hostEnvOf(options),
      task: options.task,
      model: options.model,
      containment: options.containment,
      ...overrides,
    });
    return { run, agent };
  };
  const end = async (run: DrivenRun, agent: FakeAgent): Promise<EndedRun> => {
    const result = await run.result;
    const parsed = workerResultSchema.safeParse(result);
    mustHold(parsed.success, `not a result of the contract: ${parsed.error?.message}`);
    mustHold(result.containment?.survivors === 0, `the receipt counts survivors: ${JSON.stringify(result)}`);
    const left = findSurvivors([agent.tag, (await run.started).marker]);
    mustHold(left.length === 0, `still running: ${left.map((each) => each.commandLine).join("; ")}`);
    return { result, agent };
  };
  return {
    end,
    async run(steps, overrides) {
      const { run, agent } = await begin(steps, overrides);
      return end(run, agent);
    },
    async start(steps) {
      const { run, agent } = await begin(steps);
      await run.seen((event) => "text" in event && event.text.includes(readyLine));
      return { run, agent };
    },
  };
}

function hostEnvOf(options: AdapterConformanceOptions): Record<string, string | undefined> {
  const { PATH, HOME, LANG } = process.env;
  const traps = { AWS_SECRET_ACCESS_KEY: hostSecret, SSH_AUTH_SOCK: hostSecret, DOCKER_HOST: hostSecret };
  return { PATH, HOME, LANG, ...traps, NODE_OPTIONS: "--throw-deprecation", ...options.hostEnv };
}

/** Prints a scenario and exits as it says. */
function perform(scenario: ConformanceScenario, exitCode: number): FakeStep[] {
  return [
    { do: "print", stream: "stdout", lines: scenario.stdout },
    { do: "print", stream: "stderr", lines: scenario.stderr ?? [] },
    { do: "exit", code: scenario.exitCode ?? exitCode },
  ];
}

function endingChecks(options: AdapterConformanceOptions, bench: Bench): ConformanceCheck[] {
  const { success, failures, beginning } = options;
  return [
    {
      name: "a success is a success, with the changed file and the worker's own usage",
      async run() {
        const { result } = await bench.run([write, ...perform(success, 0)]);
        mustHold(result.outcome === "succeeded", `it ${result.outcome}: ${result.code} ${result.summary}`);
        mustHold(
          result.observations.filesChanged?.includes(changedFile) === true,
          `${changedFile} is not among the files changed`,
        );
      },
    },
    ...failures.map((scenario) => ({
      name: `a failure is told apart: ${scenario.name} is ${scenario.errorClass}`,
      async run() {
        const { result } = await bench.run(perform(scenario, 1));
        mustHold(result.outcome !== "succeeded", "it counts as a success");
        mustHold(
          result.errorClass === scenario.errorClass,
          `its class is ${result.errorClass} (${result.code}: ${result.summary})`,
        );
      },
    })),
    {
      name: "a success is none where the worker then exits with 1, or dies",
      async run() {
        const failing = await bench.run([write, ...perform({ ...success, exitCode: 1 }, 1)]);
        mustHold(failing.result.outcome === "failed", `with exit code 1 it ${failing.result.outcome}`);
        const dying = await bench.run([
          write,
          ...perform(success, 0).filter((step) => step.do !== "exit"),
          { do: "die", signal: "SIGKILL" },
        ]);
        mustHold(dying.result.outcome === "failed", `killed it ${dying.result.outcome}`);
        mustHold(
          dying.result.errorClass === "worker_crashed",
          `killed its class is ${dying.result.errorClass}`,
        );
      },
    },
    {
      name: "exit code 0 without a result is no success, for a worker that has a terminal event",
      async run() {
        const { result } = await bench.run(perform({ stdout: beginning }, 0));
        const reader = options.adapter.createReader({
          task: { worker: "", workspace: "/", instructions: "x", capabilities: [] },
          model: null,
        });
        if (reader.end().terminal === "not-applicable") return;
        mustHold(result.outcome === "failed", `it ${result.outcome}`);
      },
    },
    {
      name: "whatever the worker leaves running when it is done is gone",
      async run() {
        const { level } = options.containment ?? (await machineContainment());
        // Best-effort containment knows a process by its marks, and a hidden one has none.
        const kinds = fakeChildren.filter((how) => level === "sealed" || how !== "hidden");
        const children = kinds.map((how): FakeStep => ({ do: "spawn", how, holdOutput: true }));
        const { result, agent } = await bench.run([...children, write, ...perform(success, 0)]);
        mustHold(result.outcome === "succeeded", `it ${result.outcome}: ${result.summary}`);
        const spawned = agent.ledger().filter((entry) => entry.event === "spawned");
        mustHold(spawned.length === kinds.length, "the fake agent did not start its children");
      },
    },
  ];
}

function stoppingChecks(options: AdapterConformanceOptions, bench: Bench): ConformanceCheck[] {
  const begin: FakeStep[] = [{ do: "print", stream: "stdout", lines: options.beginning }];
  const cancelled = async (steps: readonly FakeStep[], cancel: (run: DrivenRun) => void): Promise<void> => {
    const { run, agent } = await bench.start([...begin, ...steps, ready, { do: "hang" }]);
    const startedMs = performance.now();
    cancel(run);
    const { result } = await bench.end(run, agent);
    const tookMs = performance.now() - startedMs;
    mustHold(result.outcome === "cancelled", `it ${result.outcome}: ${result.summary}`);
    mustHold(tookMs < endsWithinMs, `it took ${Math.round(tookMs)} ms`);
  };
  return [
    {
      name: "a worker that hangs is cancelled",
      run: () => cancelled([], (run) => run.cancel()),
    },
    {
      name: "a worker that ignores signals is cancelled, at once where asked twice",
      run: () =>
        cancelled([{ do: "ignore_signals" }], (run) => {
          run.cancel();
          run.cancel({ force: true });
        }),
    },
    {
      name: "a worker that changed its process group is cancelled with its children",
      run: () =>
        cancelled([{ do: "change_group" }, { do: "spawn", how: "daemon", holdOutput: true }], (run) =>
          run.cancel(),
        ),
    },
  ];
}

function outputChecks(options: AdapterConformanceOptions, bench: Bench): ConformanceCheck[] {
  const { success } = options;
  const succeedsAfter = async (
    steps: readonly FakeStep[],
    overrides?: Partial<DriveOptions>,
  ): Promise<void> => {
    const { result } = await bench.run([...steps, write, ...perform(success, 0)], overrides);
    mustHold(result.outcome === "succeeded", `it ${result.outcome}: ${result.code} ${result.summary}`);
  };
  const garbage = ["{", "\u2028{}\u2029", "null", '{"type":{"type":[]}}', "[[[", "\u0000", "plain words"];
  const invalid = Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x0a]).toString("base64");
  const floodLine = "e".repeat(1023);
  return [
    {
      name: "garbage ends in a typed outcome",
      async run() {
        const { result } = await bench.run([
          { do: "print", stream: "stdout", lines: garbage },
          { do: "bytes", stream: "stdout", base64: invalid },
          { do: "exit", code: 1 },
        ]);
        mustHold(result.outcome === "failed" && result.errorClass !== null, `it ${result.outcome}`);
        mustHold(result.errorClass !== "internal", `its class is internal: ${result.summary}`);
      },
    },
    {
      name: "200 MB on stderr and a line of 50 MB are read in bounded memory, and the success after them is seen",
      run: () =>
        inBoundedMemory(() =>
          succeedsAfter(
            [
              { do: "flood", stream: "stderr", line: floodLine, bytes: 200 * 1024 * 1024 },
              { do: "long_line", stream: "stderr", bytes: 50 * 1024 * 1024 },
            ],
            { onEvent: () => undefined },
          ),
        ),
    },
    {
      name: "a worker that never reads its input, or closes its output, ends all the same",
      async run() {
        await bench.run([
          { do: "close", stream: "stdout" },
          { do: "exit", code: 0 },
        ]);
        const instructions = "x".repeat(100_000);
        await succeedsAfter([], { task: { ...options.task, instructions } });
      },
    },
    {
      name: "the input ends",
      async run() {
        const { agent, result } = await bench.run([{ do: "read_stdin" }, write, ...perform(success, 0)]);
        mustHold(result.outcome === "succeeded", `it ${result.outcome}: ${result.summary}`);
        mustHold(
          agent.ledger().some((entry) => entry.event === "stdin"),
          "reading stdin to its end did not come back",
        );
      },
    },
  ];
}

async function inBoundedMemory(action: () => Promise<void>): Promise<void> {
  const { growthMb } = await withLiveGrowth(action);
  mustHold(growthMb < growthMbMax, `live memory grew by ${Math.round(growthMb)} MB`);
}

async function environmentDoesNotLeak(options: AdapterConformanceOptions, bench: Bench): Promise<void> {
  const steps: FakeStep[] = [{ do: "ledger", event: "surroundings" }, write, ...perform(options.success, 0)];
  const { agent } = await bench.run(steps);
  const seen = agent
    .ledger()
    .find(
      (entry): entry is Extract<FakeLedgerEntry, { event: "surroundings" }> => entry.event === "surroundings",
    );
  mustHold(seen !== undefined, "the fake agent did not note its surroundings");
  const leaked = Object.entries(seen.env).filter(
    ([name, value]) => value.includes(hostSecret) || name === "NODE_OPTIONS",
  );
  mustHold(leaked.length === 0, `the worker got ${leaked.map(([name]) => name).join(", ")}`);
  mustHold(seen.env["AGENTCORE_RUN_ID"] !== undefined, "the worker does not bear the run's mark");
}
