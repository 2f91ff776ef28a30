/**
 * Replays what a worker once printed through its adapter's reader, the line framing and the verdict, without starting
 * anything. A recording is three files beside each other: `NAME.stdout.jsonl`, `NAME.stderr.txt` and `NAME.exit.json`
 * (`{"code": 1, "signal": null}`); a stream that printed nothing may be missing.
 */
import type { ConformanceScenario } from "./conformance/options.ts";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  CommandObservation,
  StopCause,
  WorkerAdapter,
  WorkerError,
  WorkerEvent,
  WorkerReport,
} from "@agentcore/contract";
import { createLineFramer } from "../line-framer.ts";
import { createActivityLog } from "../observe/activity-log.ts";
import { exitOf } from "../program/worker-exit.ts";
import { verdict, type Verdict } from "../verdict.ts";

export interface Recording {
  readonly stdout: string;
  readonly stderr: string;
  /** `ms`: how long it ran. */
  readonly exit: {
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly ms?: number;
  };
}

export interface ReplayOptions {
  /** Workspace of the recorded run; default `/workspace`. */
  readonly workspace?: string;
  /** Model that the run was asked to use. */
  readonly model?: string;
  /** Whether the run left its workspace changed; default: whether it reported a changed file. */
  readonly workspaceChanged?: boolean;
  /** What ended the run from outside, if anything did. */
  readonly stop?: StopCause;
  /** Bytes per chunk of output, to show that chunk boundaries do not matter; default: all at once. */
  readonly chunkBytes?: number;
}

export interface Replay {
  readonly events: readonly WorkerEvent[];
  readonly report: WorkerReport;
  readonly verdict: Verdict;
  /** What the reader would have had the run stopped for, if it says so at all. */
  readonly fatal: WorkerError | null;
  readonly commands: readonly CommandObservation[];
  readonly filesClaimed: readonly string[];
}

/** Names of the recordings in a folder, sorted. */
export function recordingNames(folder: string): string[] {
  const suffix = ".exit.json";
  return readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length))
    .sort();
}

export function readRecording(folder: string, name: string): Recording {
  const read = (suffix: string): string => {
    const path = join(folder, `${name}.${suffix}`);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  };
  return {
    stdout: read("stdout.jsonl"),
    stderr: read("stderr.txt"),
    exit: JSON.parse(readFileSync(join(folder, `${name}.exit.json`), "utf8")) as Recording["exit"],
  };
}

/** What a recorded worker printed, as a scenario of the conformance suite. */
export function recordedScenario(folder: string, name: string): ConformanceScenario {
  const { stdout, stderr } = readRecording(folder, name);
  const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");
  return { stdout: linesOf(stdout), stderr: linesOf(stderr) };
}

export function replay(adapter: WorkerAdapter, recording: Recording, options: ReplayOptions = {}): Replay {
  const workspace = options.workspace ?? "/workspace";
  const task = { worker: adapter.name, workspace, instructions: "as recorded", capabilities: [] };
  const reader = adapter.createReader({ task, model: options.model ?? null });
  const events: WorkerEvent[] = [];
  const activity = createActivityLog(workspace, 1000);
  let fatal: WorkerError | null = null;
  const onLine = (stream: "stdout" | "stderr") => (line: string, oversized: boolean) => {
    for (const event of reader[stream](line, oversized)) {
      events.push(event);
      activity.add(event);
    }
    fatal ??= reader.fatal?.() ?? null;
  };
  frame(recording.stdout, onLine("stdout"), options.chunkBytes);
  frame(recording.stderr, onLine("stderr"), options.chunkBytes);
  const report = reader.end();
  const filesClaimed = activity.claimedFiles();
  return {
    events,
    report,
    fatal,
    filesClaimed,
    commands: activity.commands(),
    verdict: verdict({
      stop: options.stop ?? null,
      exit: exitOf(recording.exit),
      report,
      readerFailure: null,
      internalFailure: null,
      workspaceChanged: options.workspaceChanged ?? filesClaimed.length > 0,
      outputsWritten: 0,
      outputsMissing: [],
      verify: { kind: "not_run" },
      limitsReached: [],
      survivors: 0,
      stderrTail: recording.stderr.slice(-2000),
    }),
  };
}

function frame(
  text: string,
  onLine: (line: string, oversized: boolean) => void,
  chunkBytes = Number.MAX_SAFE_INTEGER,
): void {
  const framer = createLineFramer(onLine);
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    framer.write(bytes.subarray(start, start + chunkBytes));
  }
  framer.end();
}

/** A stop as the runtime would order it, for {@link ReplayOptions.stop}. */
export function stopCause(kind: StopCause["kind"]): StopCause {
  const codes = {
    cancelled: "AC_CANCELLED",
    isolated: "AC_WORKER_ISOLATED",
    deadline: "AC_TIMEOUT",
    stalled: "AC_STALLED",
    budget: "AC_COST_CEILING",
    runtime_lost: "AC_RUNTIME_LOST",
  } as const;
  return { kind, code: codes[kind], message: `stopped: ${kind}`, evidence: {} };
}
