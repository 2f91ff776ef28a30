/**
 * The matrix: what the model does, what is done to the run, and what must come of it for each worker. Data only; the
 * driver is `drive-case.ts`. A new kind of failure is a new row here.
 */
import type { Capability, CostBasis, ErrorClass, Outcome, TaskOption, WorkerTask } from "@agentcore/contract";
import type { Script, Turn, Usage } from "@agentcore/model-server";

/** From a stop to the result, at most: the runner's grace of 5 s before KILL, and what a busy machine adds. */
export const stopMsMax = 10_000;

export const workerNames = ["claude-code", "codex", "opencode"] as const;
export type WorkerName = (typeof workerNames)[number];

/** When the driver stops a run from outside, as the runtime's watchdog or a person would. */
export type StopPlan =
  /** Once the model was asked that many times and the worker is waiting for the answer. */
  | {
      readonly when: "asked";
      readonly count: number;
      readonly afterMs: number;
      readonly kind: "cancelled" | "stalled";
    }
  /** Once that many `sleep` processes of the run are seen from outside. */
  | {
      readonly when: "sleeping";
      readonly count: number;
      readonly kind: "cancelled" | "stalled";
    };

export interface Expectation {
  readonly outcome: Outcome;
  readonly errorClass: ErrorClass | null;
  /** From the start to the result; a run that takes longer fails the case. */
  readonly maxSeconds: number;
  readonly retryAfterMs?: number;
  /** Files that must be in the workspace, with their text, and among the files changed. */
  readonly files?: Readonly<Record<string, string>>;
  /** Files that must not be in the workspace. */
  readonly absent?: readonly string[];
  /** Texts each of which must occur in an observed command. */
  readonly commands?: readonly string[];
  /** Tokens that the result must report, exactly. */
  readonly usage?: Usage;
  /** What the result must say it cost, exactly. */
  readonly cost?: { readonly usd: number | null; readonly basis: CostBasis };
  /** How often the model may have been asked, the title call not counted. Default: at least once. */
  readonly requests?: readonly [min: number, max: number];
  /** The tool that must have been refused, as a pattern over `denied` events. */
  readonly denied?: RegExp;
  /** What the run must have warned of: settings that the worker does not have. Default: nothing. */
  readonly warnings?: readonly string[];
  /** `sleep` processes that must have been alive at the look. */
  readonly sleepersSeen?: number;
}

export type TaskSettings = Partial<Pick<WorkerTask, TaskOption | "args">>;

export interface WorkerCase {
  readonly name: string;
  readonly capabilities: readonly Capability[];
  /** Settings that only some workers have, and arguments of the task's own. */
  readonly task?: TaskSettings;
  /** Files of the workspace, committed before the run. */
  readonly workspace?: Readonly<Record<string, string>>;
  readonly script: (workspace: string) => Script;
  readonly endpoint?: "refusing";
  readonly stop?: StopPlan;
  /** Without a stop: look at the run's processes when the model is asked for the n-th time. */
  readonly lookAtRequest?: number;
  readonly expected: Readonly<Record<WorkerName, Expectation>>;
}

const everything: readonly Capability[] = ["read", "edit", "run_tests", "run_commands"];

const written = { "hello.txt": "hello from the script\n" };

function writeHello(workspace: string): Turn {
  return {
    text: "I will write the file.",
    toolCall: {
      name: "write_file",
      input: { path: `${workspace}/hello.txt`, content: "hello from the script\n" },
    },
    usage: { inputTokens: 800, cachedInputTokens: 200, outputTokens: 50 },
  };
}

function shell(command: string): Turn {
  return {
    toolCall: { name: "shell", input: { command } },
    usage: { inputTokens: 200, cachedInputTokens: 900, outputTokens: 40 },
  };
}

const done: Turn = {
  text: "All done.",
  usage: { inputTokens: 100, cachedInputTokens: 1000, outputTokens: 30 },
};

/** OpenCode needs several seconds of processor time to start: on a busy machine of two cores, most of a minute. */
const openCodeSeconds = 120;

/** The same for each worker, but for what is said otherwise. */
function each(
  common: Expectation,
  overrides: Partial<Record<WorkerName, Partial<Expectation>>> = {},
): Record<WorkerName, Expectation> {
  return {
    "claude-code": { ...common, ...overrides["claude-code"] },
    codex: { ...common, ...overrides.codex },
    opencode: { ...common, maxSeconds: openCodeSeconds, ...overrides.opencode },
  };
}

/** A failure after few requests: whatever the worker retries by itself is bounded. */
function failsWith(errorClass: ErrorClass): Expectation {
  return { outcome: "failed", errorClass, maxSeconds: 60, requests: [1, 10] };
}

/**
 * Which commands a worker without `run_commands` is refused. Codex refuses none: its sandbox limits what commands may
 * change, and `edit` lets them change the workspace.
 */
function limited(
  expected: Expectation,
  ranByCodex: Readonly<Record<string, string>>,
): Record<WorkerName, Expectation> {
  const { absent: _absent, denied: _denied, ...common } = expected;
  return { ...each(expected), codex: { ...common, files: { ...expected.files, ...ranByCodex } } };
}

/** The model answers every request with this status. */
function statusCase(name: string, turn: Turn, expected: WorkerCase["expected"]): WorkerCase {
  return { name, capabilities: everything, script: () => [{ ...turn, repeat: "forever" }], expected };
}

/** A shell tool runs a script that starts `count` sleeps; the run is cancelled once all of them are seen. */
function cancelToolCase(what: string, lines: string, count: number): WorkerCase {
  return {
    name: `cancel while a shell tool runs ${what}`,
    capabilities: everything,
    workspace: { "wait.sh": lines },
    script: () => [shell("sh ./wait.sh"), done],
    stop: { when: "sleeping", count, kind: "cancelled" },
    expected: each({ outcome: "cancelled", errorClass: "cancelled", maxSeconds: 60 }),
  };
}

export const cases: readonly WorkerCase[] = [
  {
    name: "success",
    capabilities: everything,
    script: (workspace) => [
      writeHello(workspace),
      shell("echo shell-ran > shell.txt && cat hello.txt"),
      done,
    ],
    expected: each(
      {
        outcome: "succeeded",
        errorClass: null,
        maxSeconds: 60,
        files: { ...written, "shell.txt": "shell-ran\n" },
        commands: ["echo shell-ran > shell.txt && cat hello.txt"],
        usage: { inputTokens: 1100, cachedInputTokens: 2100, outputTokens: 120 },
        requests: [3, 3],
      },
      {
        // List prices per million tokens of input, cached input and output: 3, 0.30 and 15 USD; and 5, 0.50 and 30 USD.
        "claude-code": { cost: { usd: 0.00573, basis: "reported" } },
        codex: { cost: { usd: 0.01015, basis: "estimated" } },
        opencode: { cost: { usd: 0.00573, basis: "reported" } },
      },
    ),
  },
  {
    name: "denied tool",
    capabilities: ["read"],
    script: (workspace) => [writeHello(workspace), shell("touch shell.txt"), done],
    expected: each({ ...failsWith("permission_denied"), denied: /./, absent: ["hello.txt", "shell.txt"] }),
  },
  {
    name: "edit without commands",
    capabilities: ["read", "edit"],
    script: (workspace) => [writeHello(workspace), shell("touch shell.txt"), done],
    expected: limited(
      {
        outcome: "succeeded",
        errorClass: null,
        maxSeconds: 60,
        files: written,
        absent: ["shell.txt"],
        denied: /bash|exec|shell/i,
      },
      { "shell.txt": "" },
    ),
  },
  {
    name: "tests without other commands",
    capabilities: ["read", "edit", "run_tests"],
    workspace: {
      "some.test.mjs": "import { writeFileSync } from 'node:fs';\nwriteFileSync('tested.txt', 'yes');\n",
      // Not `touch` or `rm`: Claude Code takes the plain file commands for edits.
      "make.mjs": "import { writeFileSync } from 'node:fs';\nwriteFileSync('shell.txt', 'no');\n",
    },
    script: () => [shell("node --test"), shell("node make.mjs"), done],
    expected: limited(
      {
        outcome: "succeeded",
        errorClass: null,
        maxSeconds: 60,
        files: { "tested.txt": "yes" },
        absent: ["shell.txt"],
        denied: /bash|exec|shell/i,
      },
      { "shell.txt": "no" },
    ),
  },
  statusCase("401", { status: 401 }, each(failsWith("auth"))),
  {
    name: "402 in the middle of a run",
    capabilities: everything,
    script: (workspace) => [writeHello(workspace), { status: 402, repeat: "forever" }],
    expected: each({ ...failsWith("quota_exhausted"), files: written }),
  },
  statusCase("403", { status: 403 }, each(failsWith("auth"))),
  statusCase("429", { status: 429 }, each(failsWith("rate_limited"))),
  statusCase(
    // OpenCode's log has the words only: where they say nothing, its own end, after its own retries, has the rest.
    "429 with retry-after 1, without words",
    { status: 429, retryAfterSeconds: 1, body: { error: { message: "no" } } },
    each(failsWith("rate_limited"), { opencode: { retryAfterMs: 1000 } }),
  ),
  statusCase(
    "429 with retry-after 3600",
    { status: 429, retryAfterSeconds: 3600 },
    each({ ...failsWith("rate_limited"), requests: [1, 1] }),
  ),
  statusCase("500", { status: 500 }, each(failsWith("provider_unavailable"))),
  statusCase("529", { status: 529 }, each(failsWith("provider_unavailable"))),
  {
    name: "connection refused",
    capabilities: everything,
    script: () => [],
    endpoint: "refusing",
    expected: each({ ...failsWith("network"), requests: [0, 0] }),
  },
  statusCase("garbage body", { garbage: "body" }, each(failsWith("provider_unavailable"))),
  statusCase("garbage stream", { garbage: "sse" }, each(failsWith("provider_unavailable"))),
  {
    name: "hang before the first byte",
    capabilities: everything,
    script: () => [{ hang: "before-headers", repeat: "forever" }],
    stop: { when: "asked", count: 1, afterMs: 3000, kind: "stalled" },
    expected: each({ outcome: "stalled", errorClass: "stalled", maxSeconds: 60 }),
  },
  {
    name: "hang in the stream",
    capabilities: everything,
    script: () => [{ hang: "mid-stream", repeat: "forever" }],
    stop: { when: "asked", count: 1, afterMs: 3000, kind: "stalled" },
    expected: each({ outcome: "stalled", errorClass: "stalled", maxSeconds: 60 }),
  },
  {
    name: "slow drip",
    capabilities: everything,
    script: () => [{ ...done, text: "This answer comes slowly.", drip: { chunkMs: 1000, chunks: 5 } }],
    expected: each({ outcome: "succeeded", errorClass: null, maxSeconds: 60, requests: [1, 1] }),
  },
  {
    name: "cancel while the model hangs",
    capabilities: everything,
    script: () => [{ hang: "before-headers", repeat: "forever" }],
    stop: { when: "asked", count: 1, afterMs: 0, kind: "cancelled" },
    expected: each({ outcome: "cancelled", errorClass: "cancelled", maxSeconds: 60 }),
  },
  cancelToolCase("sleep", "sleep 3600\n", 1),
  cancelToolCase("setsid sleep", "setsid sleep 3600 &\nsleep 3600\n", 2),
  cancelToolCase("nohup sleep &", "nohup sleep 3600 > /dev/null 2>&1 &\nsleep 3600\n", 2),
  {
    name: "a daemon left behind, exit 0",
    capabilities: everything,
    workspace: { "daemon.sh": "setsid nohup sleep 3600 > /dev/null 2>&1 < /dev/null &\necho started\n" },
    // The last answer drips, so that there is time to see the daemon alive before the run ends.
    script: () => [shell("sh ./daemon.sh"), { ...done, drip: { chunkMs: 300, chunks: 5 } }],
    lookAtRequest: 2,
    expected: each(
      {
        outcome: "succeeded",
        errorClass: null,
        maxSeconds: 60,
        commands: ["sh ./daemon.sh"],
        requests: [2, 2],
        sleepersSeen: 1,
      },
      // Codex's own sandbox is a PID namespace per command, which takes the daemon with it.
      { codex: { sleepersSeen: 0 } },
    ),
  },
  {
    name: "three steps at most",
    capabilities: everything,
    task: { maxSteps: 3 },
    script: () => [{ ...shell("true"), repeat: 5 }, done],
    expected: each(
      // OpenCode may have asked once more before it is ended.
      { outcome: "failed", errorClass: "task_failed", maxSeconds: 60, requests: [3, 4] },
      { codex: { outcome: "succeeded", errorClass: null, requests: [6, 6], warnings: ["maxSteps"] } },
    ),
  },
  {
    name: "a command beyond its time",
    capabilities: everything,
    task: { maxCommandTimeMs: 3000 },
    workspace: { "wait.sh": "tail -f /dev/null\n" },
    script: () => [shell("sh ./wait.sh"), done],
    expected: each(
      {
        outcome: "succeeded",
        errorClass: null,
        maxSeconds: 60,
        commands: ["sh ./wait.sh"],
        requests: [2, 2],
      },
      { codex: { warnings: ["maxCommandTimeMs"] } },
    ),
  },
  {
    name: "a variant",
    capabilities: everything,
    task: { variant: "high" },
    script: () => [done],
    expected: each({ outcome: "succeeded", errorClass: null, maxSeconds: 60, requests: [1, 1] }),
  },
];
