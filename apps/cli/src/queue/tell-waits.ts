/**
 * Reports why `work` starts no job although jobs are queued, once for each reason, so that a blocked queue, or a drain that
 * waits for a delayed job, does not look like a hanging program.
 */
import { formatDuration, type Clock } from "@agentcore/contract";
import type { JobStore, QueueStats, Reason, Scheduler } from "@agentcore/scheduler";

const lookMs = 1000;
/** Queued jobs that are searched for the one that is due next. */
const lookedAtMax = 1000;

export interface WaitFacts {
  readonly stats: Pick<QueueStats, "ready" | "delayed" | "running">;
  readonly reasons: readonly Pick<Reason, "code" | "message">[];
  /** When the next delayed job is due, in ms since the epoch. */
  readonly nextAt: number | null;
  readonly now: number;
}

export interface Wait {
  /** Equal for the same wait. */
  readonly key: string;
  readonly text: string;
}

/** Null if something runs, or nothing is queued. */
export function waitOf({ stats, reasons, nextAt, now }: WaitFacts): Wait | null {
  if (stats.running > 0) return null;
  const count = (jobs: number, kind: string): string => `${jobs} ${kind} ${jobs === 1 ? "job" : "jobs"}`;
  if (stats.ready > 0 && reasons.length > 0) {
    const words = reasons.map(({ code, message }) => `${message} (${code})`);
    const key = `held ${reasons.map(({ code }) => code).join(" ")}`;
    return { key, text: `for ${count(stats.ready, "queued")}: ${words.join("; ")}` };
  }
  if (stats.ready > 0 || stats.delayed === 0) return null;
  const next = nextAt === null ? "" : `; the next is due in ${formatDuration(Math.max(0, nextAt - now))}`;
  return { key: `delayed ${stats.delayed} ${nextAt}`, text: `for ${count(stats.delayed, "delayed")}${next}` };
}

export interface TellWaitsOptions {
  readonly scheduler: Pick<Scheduler, "stats" | "heldBack">;
  readonly store: Pick<JobStore, "list">;
  readonly clock: Pick<Clock, "now" | "setTimer">;
  readonly tell: (text: string) => void;
}

/** Returns a function that stops it. */
export function tellWaits({ scheduler, store, clock, tell }: TellWaitsOptions): () => void {
  let told = "";
  let isOpen = true;
  const look = async (): Promise<void> => {
    const stats = await scheduler.stats();
    const reasons = scheduler.heldBack().map(({ reason }) => reason);
    const isDelayed = stats.running === 0 && stats.ready === 0 && stats.delayed > 0;
    const nextAt = isDelayed ? await nextDue(store) : null;
    const wait = waitOf({ stats, reasons, nextAt, now: clock.now() });
    if (isOpen && wait !== null && wait.key !== told) tell(wait.text);
    told = wait?.key ?? "";
  };
  // The scheduler reports a store that does not answer.
  const again = (): void => void look().then(wait, wait);
  const wait = (): void => {
    if (isOpen) timer = clock.setTimer(lookMs, again);
  };
  let timer = clock.setTimer(lookMs, again);
  return () => {
    isOpen = false;
    timer.cancel();
  };
}

async function nextDue(store: Pick<JobStore, "list">): Promise<number | null> {
  const { jobs } = await store.list({ states: ["queued"], limit: lookedAtMax });
  const times = jobs.flatMap(({ state }) => (state.kind === "queued" ? [state.runAt] : []));
  return times.length === 0 ? null : Math.min(...times);
}
