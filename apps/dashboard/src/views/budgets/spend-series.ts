/** Spend over time as the series of a stacked chart. Pure. */
import type { Printed, SpendDocument } from "@agentcore/contract";

export type Bucket = Printed<SpendDocument>["buckets"][number];

export const spans = {
  day: { label: "24 hours", bucket: "hour", ms: 86_400_000 },
  week: { label: "7 days", bucket: "hour", ms: 7 * 86_400_000 },
  month: { label: "30 days", bucket: "day", ms: 30 * 86_400_000 },
  quarter: { label: "90 days", bucket: "day", ms: 90 * 86_400_000 },
} as const;

export type Span = keyof typeof spans;

export const spanOf = (text: string | null): Span =>
  text !== null && Object.hasOwn(spans, text) ? (text as Span) : "month";

export interface Stack {
  readonly name: string;
  /** In dollars, one for each bucket. */
  readonly values: readonly number[];
  /** With those of the stacks below it: where its bar ends. */
  readonly tops: readonly number[];
}

/** More would be colors that nobody tells apart. */
const stacksMax = 5;
const rest = "other";

/** The workers that spent anything, who spent most first, and the rest of all spend as one. */
export function stacksOf(buckets: readonly Bucket[]): readonly Stack[] {
  const totals = new Map<string, number>();
  for (const { workers } of buckets)
    for (const [name, { costUsd }] of Object.entries(workers))
      totals.set(name, (totals.get(name) ?? 0) + costUsd);
  const names = [...totals]
    .filter(([, total]) => total > 0)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name]) => name);
  const own = names.length > stacksMax ? names.slice(0, stacksMax - 1) : names;
  const spentBy = (bucket: Bucket, name: string): number =>
    Object.hasOwn(bucket.workers, name) ? (bucket.workers[name]?.costUsd ?? 0) : 0;
  const series = own.map((name) => ({ name, values: buckets.map((bucket) => spentBy(bucket, name)) }));
  const others = buckets.map((bucket) =>
    Math.max(0, rounded(bucket.costUsd - own.reduce((sum, name) => sum + spentBy(bucket, name), 0))),
  );
  const all = others.some((value) => value > 0) ? [...series, { name: rest, values: others }] : series;
  let below = buckets.map(() => 0);
  return all.map((one) => {
    below = below.map((sum, index) => rounded(sum + (one.values[index] ?? 0)));
    return { ...one, tops: below };
  });
}

/** Amounts are whole micro-dollars. */
const rounded = (usd: number): number => Math.round(usd * 1e6) / 1e6;

export interface Scale {
  /** Upper end. */
  readonly top: number;
  /** From 0 to the upper end. */
  readonly ticks: readonly number[];
}

/** A scale in round amounts that holds `max`. */
export function scaleOf(max: number): Scale {
  if (max <= 0) return { top: 1, ticks: [0, 1] };
  const unit = 10 ** Math.floor(Math.log10(max / 4));
  const step = unit * ([1, 2, 2.5, 5].find((times) => unit * times * 4 >= max) ?? 10);
  const count = Math.ceil(rounded(max / step));
  const ticks = Array.from({ length: count + 1 }, (_, nth) => rounded(nth * step));
  return { top: ticks.at(-1) ?? 1, ticks };
}
