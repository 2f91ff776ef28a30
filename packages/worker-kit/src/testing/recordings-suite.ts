/**
 * What an adapter's test asks of a folder of recordings, as functions that return plain data or a list of problems, so
 * that they serve any test runner: rows to compare, output that the reader did not understand, and what a reader does
 * with damaged output.
 */
import { workerEventSchema, type StopCause, type WorkerAdapter } from "@agentcore/contract";
import { damage } from "./damage.ts";
import { seededRandom } from "@agentcore/contract/testing";
import { rowOf, type RecordingRow } from "./recordings-table.ts";
import { readRecording, recordingNames, replay, stopCause, type Recording, type Replay } from "./replay.ts";

export interface RecordingSuite {
  readonly adapter: WorkerAdapter;
  readonly folder: string;
  readonly rows: Readonly<Record<string, RecordingRow>>;
}

/** What each recording of the folder comes to, with `what` and `stop` taken from its row; one without a row has none. */
export function replayRows(suite: RecordingSuite, chunkBytes?: number): Record<string, RecordingRow> {
  const entries = recordingNames(suite.folder).map((name) => {
    const row = suite.rows[name];
    const replayed = replayOne(suite, readRecording(suite.folder, name), row?.stop, chunkBytes);
    return [name, rowOf(row?.what ?? "no row", row?.stop, replayed)] as const;
  });
  return Object.fromEntries(entries);
}

/** Lines that the reader passed on as `raw` or could not parse, and events that break the contract; empty when all is well. */
export function unreadOutput(suite: RecordingSuite): string[] {
  return recordingNames(suite.folder).flatMap((name) => {
    const replayed = replayOne(suite, readRecording(suite.folder, name));
    const raw = replayed.events.flatMap((event) => (event.type === "raw" ? [`${name}: ${event.text}`] : []));
    return [...raw, ...contractProblems(replayed).map((problem) => `${name}: ${problem}`)];
  });
}

/**
 * Damages every recording `rounds` times and replays it. Returns what went wrong: a reader that threw, an event or report
 * that the contract forbids. Long recordings are cut to 60 lines.
 */
export function damagedReplayProblems(suite: RecordingSuite, seed: number, rounds = 200): string[] {
  const random = seededRandom(seed);
  return recordingNames(suite.folder).flatMap((name) => {
    const recording = readRecording(suite.folder, name);
    const stdout = recording.stdout.split("\n").slice(0, 60);
    const stderr = recording.stderr.split("\n");
    return Array.from({ length: rounds }).flatMap((_, round) => {
      const damaged = {
        ...recording,
        stdout: damage(stdout, random).join("\n"),
        stderr: damage(stderr, random).join("\n"),
      };
      return replayProblems(suite, damaged).map((problem) => `${name}, round ${round}: ${problem}`);
    });
  });
}

function replayProblems(suite: RecordingSuite, recording: Recording): string[] {
  try {
    return contractProblems(replayOne(suite, recording)).filter(
      (problem) => !problem.startsWith("unreadable"),
    );
  } catch (error) {
    return [`threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
  }
}

function replayOne(
  suite: RecordingSuite,
  recording: Recording,
  stop?: StopCause["kind"],
  chunkBytes?: number,
): Replay {
  return replay(suite.adapter, recording, {
    ...(stop === undefined ? {} : { stop: stopCause(stop) }),
    chunkBytes,
  });
}

function contractProblems({ events, report }: Replay): string[] {
  const problems = events.flatMap((event) => {
    const error = workerEventSchema.safeParse(event).error;
    return error === undefined ? [] : [`${event.type}: ${error.message}`];
  });
  const numbers = [...Object.values(report.usage), report.costUsd];
  if (numbers.some((value) => value !== null && !(value >= 0)))
    problems.push(`negative: ${numbers.join(", ")}`);
  if ((report.costUsd === null) !== (report.costBasis === "none")) problems.push("a cost without its basis");
  if (report.terminal === "success" && report.error !== null) problems.push("a success with an error");
  if (report.malformedLines > 0) problems.push(`unreadable lines: ${report.malformedLines}`);
  return problems;
}
