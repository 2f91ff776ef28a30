/**
 * `agentcore jobs list --watch`: the list on a live screen until `q` or Ctrl-C. Elsewhere, and with `--json`, a line for each job
 * whose state or attempt changed.
 */
import { sleep, systemClock } from "@agentcore/contract";
import { jobDocument, type JobQuery, type JobRecord, type JobStore } from "@agentcore/scheduler";
import { exitCodes } from "../exit-code.ts";
import { onInterrupt } from "../interrupt.ts";
import type { Io } from "../io.ts";
import { jobTable, stateSpan } from "../screen/job-screen.ts";
import { span, type Line } from "../screen/line.ts";
import { shortId } from "../screen/short-id.ts";
import { plainScreen } from "../screen/terminal.ts";
import { cut, oneLine } from "../screen/text.ts";
import { canBeLive } from "../workflow/live/live-presenter.ts";
import { openLiveTerminal } from "../workflow/live/live-terminal.ts";

const lookMs = 500;

export async function watchJobs(
  store: JobStore,
  query: JobQuery,
  { json }: { readonly json?: boolean },
  io: Io,
): Promise<number> {
  const end = new AbortController();
  const stop = (): void => end.abort();
  onInterrupt(stop);
  io.stdout.onGone(stop);
  io.stdout.onFailure(stop);
  const show = json !== true && canBeLive(io) ? liveList(io, stop) : changedLines(json === true, io);
  try {
    while (!end.signal.aborted) {
      show.jobs((await store.list(query)).jobs);
      await sleep(systemClock, lookMs);
    }
  } finally {
    show.close();
  }
  return exitCodes.succeeded;
}

interface ShownList {
  jobs(jobs: readonly JobRecord[]): void;
  close(): void;
}

function liveList(io: Io, stop: () => void): ShownList {
  let shown: readonly JobRecord[] = [];
  const now = (): number => systemClock.now();
  const terminal = openLiveTerminal({
    stdin: io.stdin,
    stdout: io.stdout,
    clock: systemClock,
    frame: ({ rows, columns }) => listFrame(shown, now(), rows, columns),
    onPress: (press) => {
      if (press === "lines" || press === "interrupt") stop();
    },
  });
  return {
    jobs: (jobs) => {
      shown = jobs;
    },
    close: () => {
      terminal.close();
      plainScreen(io.stdout).print(jobTable(shown, now()));
    },
  };
}

function listFrame(jobs: readonly JobRecord[], now: number, rows: number, columns: number): readonly Line[] {
  const lines =
    jobs.length === 0
      ? [[span("No jobs.", "dim")]]
      : jobTable(jobs, now).flatMap((line) => line.fit?.(columns) ?? [line]);
  const room = Math.max(1, rows - 1);
  const hidden = lines.length - room;
  const last: Line = [span(`${hidden > 0 ? `${hidden} more · ` : ""}q or Ctrl-C ends`, "dim")];
  return [...lines.slice(0, room), last];
}

const textColumns = 200;

function changedLines(json: boolean, io: Io): ShownList {
  const seen = new Map<string, string>();
  const screen = plainScreen(io.stdout);
  const print = (record: JobRecord): void => {
    if (json) return io.stdout.json(jobDocument(record));
    const { job, state } = record;
    const text = cut(oneLine(job.task.instructions), textColumns);
    screen.print([
      [span(`${shortId(job.id)}  `, "accent"), stateSpan(state), span(`  ${job.task.worker}  ${text}`)],
    ]);
  };
  return {
    jobs: (jobs) => {
      // Oldest first, as they came.
      for (const record of jobs.toReversed()) {
        const key = `${stateSpan(record.state).text} ${record.attempt}`;
        if (seen.get(record.job.id) === key) continue;
        seen.set(record.job.id, key);
        print(record);
      }
    },
    close: () => {},
  };
}
