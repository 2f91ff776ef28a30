/**
 * The third stage of a run: passes both streams of the worker through log, framing and the adapter's reader into events. It
 * isolates a third-party reader: texts are cut regardless of what the reader returns, and a reader that throws ends the
 * run, not the process.
 */
import { join } from "node:path";
import type { Contained } from "@agentcore/containment";
import {
  AgentCoreError,
  errorText,
  type OutputReader,
  type Timer,
  type WorkerError,
  type WorkerEvent,
  type WorkerReport,
} from "@agentcore/contract";
import { shown } from "../field-problems.ts";
import { checkedEvent, checkedReport } from "./checked-event.ts";
import { createLineFramer, type LineFramer } from "../line-framer.ts";
import { createOutputLog, type LogFile, type OutputLog } from "./output-log.ts";
import type { Run } from "./prepare.ts";
import { masked } from "../secrets.ts";
import { pumpStream, type StreamSink } from "../program/pump.ts";
import { createTextTail } from "./text-tail.ts";

export interface OutputReading {
  /** Resolves when both streams have ended. */
  readonly ended: Promise<void>;
  /** Closes streams that a process outside the container holds open. */
  abandon(): void;
  /** Returns what was read, after {@link ended}. Closes the logs. */
  collect(): Promise<OutputRead>;
}

export interface OutputRead {
  readonly report: WorkerReport | null;
  readonly readerFailure: string | null;
  readonly stdout: LogFile | null;
  readonly stderr: LogFile | null;
  readonly stderrTail: string;
}

/** `onHopeless`: called if the worker cannot make progress; the report then says why. */
export function readOutput(
  run: Run,
  contained: Contained,
  emit: (event: WorkerEvent) => void,
  onHopeless: () => void,
): OutputReading {
  const { limits, clock } = run.parts;
  const reading = guardReader(run, emit, onHopeless);
  const tail = createTextTail();
  const logs = {
    stdout: openLog(run, "stdout", emit),
    stderr: openLog(run, "stderr", emit),
  };
  const stdout = pumpStream(
    contained.stdout,
    masked(run, logAndFrame(logs.stdout, createLineFramer(reading.stdout, limits.lineCharsMax))),
  );
  const onStderr = (line: string, oversized: boolean): void => {
    tail.add(line);
    reading.stderr(line, oversized);
  };
  const stderr = pumpStream(
    contained.stderr,
    masked(run, logAndFrame(logs.stderr, createLineFramer(onStderr, limits.lineCharsMax))),
  );
  return {
    ended: Promise.all([stdout.ended, stderr.ended]).then(() => undefined),
    abandon() {
      stdout.abandon(clock, limits.drainQuietMs);
      stderr.abandon(clock, limits.drainQuietMs);
    },
    async collect() {
      const [stdoutFile, stderrFile] = await Promise.all([logs.stdout.close(), logs.stderr.close()]);
      return { ...reading.end(), stdout: stdoutFile, stderr: stderrFile, stderrTail: tail.text() };
    },
  };
}

export function logAndFrame(log: OutputLog, framer: LineFramer): StreamSink {
  return {
    write(chunk) {
      const flowing = log.write(chunk);
      framer.write(chunk);
      return flowing;
    },
    onDrain: log.onDrain,
    end: framer.end,
  };
}

function openLog(run: Run, name: "stdout" | "stderr", emit: (event: WorkerEvent) => void) {
  return createOutputLog({
    path: join(run.attempt.path, `${name}.log`),
    bytesMax: run.parts.limits.logBytesMax,
    onNotice: (text) => emit({ type: "progress", text: `${name}: ${text}` }),
  });
}

interface GuardedReader {
  readonly stdout: (line: string, oversized: boolean) => void;
  readonly stderr: (line: string, oversized: boolean) => void;
  readonly end: () => Pick<OutputRead, "report" | "readerFailure">;
}

/** The adapter's reader. After a failure it is not called again. */
function guardReader(run: Run, emit: (event: WorkerEvent) => void, onHopeless: () => void): GuardedReader {
  const { adapter, task } = run.request;
  let failure: string | null = null;
  let fatal: WorkerError | null = null;
  const fail = (error: unknown): void => {
    failure = errorText(error);
    onHopeless();
  };
  const attempt = <T>(action: () => T): T | null => {
    if (failure !== null) return null;
    try {
      return action();
    } catch (error) {
      fail(error);
      return null;
    }
  };
  const giveUp = (error: WorkerError | null): void => {
    fatal ??= error;
    if (fatal !== null) onHopeless();
  };
  let waiting: ReturnType<NonNullable<OutputReader["waiting"]>> = null;
  let waitOver: Timer | null = null;
  /** The same wait continues, regardless of other output. */
  const waitFor = (next: typeof waiting): void => {
    if (next === waiting) return;
    waitOver?.cancel();
    waiting = next;
    if (next !== null) waitOver = run.parts.clock.setTimer(next.forMs, () => giveUp(next.error));
  };
  const reader = attempt<OutputReader>(() => adapter.createReader({ task, model: run.model }));
  // Called for each of millions of lines: no function is made for one.
  const line = (stream: "stdout" | "stderr") => (text: string, oversized: boolean) => {
    if (reader === null || failure !== null) return;
    try {
      for (const event of listed(reader[stream](text, oversized), stream)) emit(checkedEvent(event));
      if (fatal !== null) return;
      giveUp(reader.fatal?.() ?? null);
      waitFor(fatal === null ? (reader.waiting?.() ?? null) : null);
    } catch (error) {
      fail(error);
      waitFor(null);
    }
  };
  return {
    stdout: line("stdout"),
    stderr: line("stderr"),
    end() {
      waitOver?.cancel();
      const report = attempt(() => {
        if (reader === null) return null;
        const said = reader.end();
        return checkedReport({ ...said, error: said.error ?? fatal });
      });
      return report === null ? { report, readerFailure: failure } : { report, readerFailure: null };
    },
  };
}

function listed(events: readonly WorkerEvent[], stream: string): readonly WorkerEvent[] {
  if (Array.isArray(events)) return events;
  throw new AgentCoreError(
    "AC_ADAPTER_INVALID",
    `${stream}() must return a list of events, got ${shown(events)}`,
  );
}
