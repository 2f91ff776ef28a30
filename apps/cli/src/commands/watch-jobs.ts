/**
 * `agentcore jobs list --watch`: the list on a live screen until `q` or Ctrl-C. Elsewhere, and with `--json`, a line for each job
 * whose state or attempt changed.
 */
import { sleep, systemClock, type JobDocument } from "@agentcore/contract";
import type { JobQuery } from "@agentcore/scheduler";
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
import type { TargetJobs } from "../target/target.ts";

const lookMs = 500;

export async function watchJobs(
  target: Pick<TargetJobs, "list">,
  query: JobQuery,
  { json }: { readonly json?: boolean },
  io: Io,
): Promise<number> {
  const end = new AbortController();
  const ended = new Promise<null>((resolve) => end.signal.addEventListener("abort", () => resolve(null)));
  const stop = (): void => end.abort();
  onInterrupt(stop);
  io.stdout.onGone(stop);
  io.stdout.onFailure(stop);
  const show = json !== true && canBeLive(io) ? liveList(io, stop) : changedLines(json === true, io);
  try {
    for (;;) {
      // A daemon that does not answer does not keep the command from ending.
      const page = await Promise.race([target.list(query), ended]);
      if (page === null) break;
      show.jobs(page.jobs);
      await Promise.race([sleep(systemClock, lookMs), ended]);
    }
  } finally {
    show.close();
  }
  return exitCodes.succeeded;
}

interface ShownList {
  jobs(jobs: readonly JobDocument[]): void;
  close(): void;
}

function liveList(io: Io, stop: () => void): ShownList {
  let shown: readonly JobDocument[] = [];
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

function listFrame(
  jobs: readonly JobDocument[],
  now: number,
  rows: number,
  columns: number,
): readonly Line[] {
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
  const print = (job: JobDocument): void => {
    if (json) return io.stdout.json(job);
    const text = cut(oneLine(job.instructions), textColumns);
    screen.print([
      [span(`${shortId(job.id)}  `, "accent"), stateSpan(job), span(`  ${job.worker}  ${text}`)],
    ]);
  };
  return {
    jobs: (jobs) => {
      // Oldest first, as they came.
      for (const job of jobs.toReversed()) {
        const key = `${stateSpan(job).text} ${job.attempt}`;
        if (seen.get(job.id) === key) continue;
        seen.set(job.id, key);
        print(job);
      }
    },
    close: () => {},
  };
}
