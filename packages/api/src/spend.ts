/** Spend over time: which hours or days are asked for, and their amounts as a document without a gap. Pure. */
import { AgentCoreError, type CallSpend, type SpendDocument } from "@agentcore/contract";
import type { SpendLevel, SpendRange } from "./ports.ts";

const spendBucketsMax = 750;

const hourMs = 3_600_000;
const buckets = {
  hour: { bucketMs: hourMs, defaultMs: 24 * hourMs },
  day: { bucketMs: 24 * hourMs, defaultMs: 30 * 24 * hourMs },
} as const;

export interface SpendAsked {
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly bucket?: "hour" | "day" | undefined;
}

/** The whole windows that have a part of what is asked for. Throws `AC_API_REQUEST` for none, and for too many. */
export function spendRange({ bucket = "day", ...asked }: SpendAsked, now: number): SpendRange {
  const { bucketMs, defaultMs } = buckets[bucket];
  const end = asked.until ?? now;
  if (asked.since !== undefined && asked.since >= end)
    throw new AgentCoreError("AC_API_REQUEST", "since: not before `until`");
  const since = Math.floor((asked.since ?? end - defaultMs + bucketMs) / bucketMs) * bucketMs;
  const until = Math.ceil(end / bucketMs) * bucketMs;
  if ((until - since) / bucketMs <= spendBucketsMax) return { bucket, bucketMs, since, until };
  const cure = bucket === "hour" ? "ask for less time, or for days" : "ask for less time";
  throw new AgentCoreError("AC_API_REQUEST", `since: more than ${spendBucketsMax} ${bucket}s; ${cure}`);
}

export function spendDocument(
  { bucket, bucketMs, since, until }: SpendRange,
  levels: readonly SpendLevel[],
  metered: CallSpend,
): SpendDocument {
  const at = Array.from({ length: (until - since) / bucketMs }, (_, index) => since + index * bucketMs);
  const byStart = Map.groupBy(levels, (level) => level.at);
  return {
    type: "spend",
    bucket,
    metered,
    buckets: at.map((start) => {
      const found = byStart.get(start) ?? [];
      const whole = found.find(({ scope }) => scope === "global");
      const workers = found.filter(({ scope }) => scope.startsWith("worker:"));
      return {
        at: start,
        costUsd: whole?.costUsd ?? 0,
        tokens: whole?.tokens ?? 0,
        workers: Object.fromEntries(
          workers.map(({ scope, costUsd, tokens }) => [scope.slice("worker:".length), { costUsd, tokens }]),
        ),
      };
    }),
  };
}
