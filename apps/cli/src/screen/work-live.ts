/**
 * The live screen of `work`: what runs with its last action, what waits, what was spent, and the last ends. State is folded
 * from the events of the scheduler; `workFrame` makes lines of it. Bounded: ended jobs are counted, and only the last lines are
 * kept.
 */
import { formatDuration, type RunEvent } from "@agentcore/contract";
import type { QueueStats } from "@agentcore/scheduler";
import { span, type Line, type Span } from "./line.ts";
import { advance, emptyView, formatDollars, formatElapsed, spentUsd, type RunView } from "./run-view.ts";
import { shortId } from "./short-id.ts";
import { table } from "./table.ts";
import { oneLine } from "./text.ts";
import { workLine } from "./work-screen.ts";

interface Running {
  readonly worker: string;
  readonly startedAt: number;
  readonly view: RunView;
}

export type WaitingStats = Pick<QueueStats, "ready" | "delayed" | "running">;

const recentMax = 100;

export class WorkLive {
  readonly running = new Map<string, Running>();
  /** Lines of ended attempts and of decisions, oldest first. */
  recent: readonly Line[] = [];
  readonly ended = { succeeded: 0, failed: 0 };
  /** Reported so far by ended attempts; null if none reported a cost. */
  #spentUsd: number | null = null;
  stats: WaitingStats = { ready: 0, delayed: 0, running: 0 };
  remark: string | null = null;

  apply(event: RunEvent): void {
    const line = event.type === "attempt_started" ? null : workLine(event);
    if (line !== null) this.note(line);
    if (event.type === "attempt_started") {
      const view = emptyView({ maxAttempts: 1, maxCostUsd: null });
      this.running.set(event.jobId, { worker: event.worker, startedAt: event.at, view });
    }
    const now = this.running.get(event.jobId);
    if (now !== undefined) this.running.set(event.jobId, { ...now, view: advance(now.view, event).view });
    if (event.type === "attempt_ended") {
      this.running.delete(event.jobId);
      this.ended[event.result.outcome === "succeeded" ? "succeeded" : "failed"] += 1;
      const { costUsd } = event.result;
      if (costUsd !== null) this.#spentUsd = (this.#spentUsd ?? 0) + costUsd;
    }
    if (event.type === "job_ended") this.running.delete(event.jobId);
  }

  note(line: Line): void {
    this.recent = [...this.recent, line].slice(-recentMax);
  }

  /** With what the running attempts have reported; null if nothing is known. */
  get spentUsd(): number | null {
    const now = [...this.running.values()].flatMap(({ view }) => spentUsd(view) ?? []);
    if (now.length === 0) return this.#spentUsd;
    return now.reduce((sum, each) => sum + each, this.#spentUsd ?? 0);
  }
}

/** At most as many lines as rows. */
export function workFrame(
  live: WorkLive,
  now: number,
  { rows, columns }: { readonly rows: number; readonly columns: number },
): Line[] {
  const head = headLine(live);
  const last: Line = [
    live.remark === null
      ? span("q lines only · Ctrl-C finishes what runs", "dim")
      : span(oneLine(live.remark), "warn"),
  ];
  const room = Math.max(0, rows - 3);
  const jobs = runningLines(live, now, columns);
  // The ends keep a third of the rows.
  const shown = jobs.slice(0, Math.max(1, room - Math.min(live.recent.length, Math.floor(room / 3))));
  const hidden = jobs.length - shown.length;
  const more: Line[] = hidden > 0 ? [[span(`… ${hidden} more`, "dim")]] : [];
  const left = Math.max(0, room - shown.length - more.length);
  const recent = left === 0 ? [] : live.recent.slice(-left);
  return [head, [], ...shown, ...more, ...recent, last].slice(0, rows);
}

function headLine({ stats, running, ended, spentUsd: spent }: WorkLive): Line {
  const delayed = stats.delayed === 0 ? "" : `, ${stats.delayed} delayed`;
  return [
    span(`${running.size} running`, running.size > 0 ? "accent" : "plain"),
    span(` · ${stats.ready} waiting${delayed}`),
    span(` · ${ended.succeeded} succeeded`, ended.succeeded > 0 ? "good" : "plain"),
    span(` · ${ended.failed} failed`, ended.failed > 0 ? "bad" : "plain"),
    span(` · ${spent === null ? "no cost known" : formatDollars(spent)}`),
  ];
}

function runningLines({ running }: WorkLive, now: number, columns: number): readonly Line[] {
  if (running.size === 0) return [[span("nothing runs", "dim")]];
  const titles = [
    { title: "JOB", isWhole: true },
    { title: "WORKER", mayGo: true },
    { title: "TIME", align: "right" },
    { title: "COST", align: "right", mayGo: true },
    { title: "LAST ACTION" },
  ] as const;
  const rows = [...running].map(([id, { worker, startedAt, view }]): Span[] => {
    const spent = spentUsd(view);
    return [
      span(shortId(id), "accent"),
      span(worker),
      span(formatElapsed(now - startedAt)),
      span(spent === null ? "–" : formatDollars(spent)),
      span(view.lastAction, "dim"),
    ];
  });
  return table(titles, rows).flatMap((line) => line.fit?.(columns) ?? [line]);
}

/** What is said when the screen is closed. */
export function workSummary({ ended, spentUsd: spent }: WorkLive, startedAt: number, now: number): Line[] {
  const cost = spent === null ? "" : `, ${formatDollars(spent)}`;
  const counts = `${ended.succeeded} succeeded, ${ended.failed} failed${cost}`;
  return [[span(counts, "strong"), span(` in ${formatDuration(now - startedAt)}`, "dim")]];
}
