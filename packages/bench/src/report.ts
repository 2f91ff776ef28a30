/** One printed figure. Benchmarks hand rows to a reporter and keep nothing themselves. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is to be compared with: the aim, the floor, the ratio. */
  readonly note?: string;
}

export type Report = (row: Row) => void;

/** Value at quantile `q` (0 to 1) of values that are sorted upwards; NaN for none. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** NaN for none. */
export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(3);
}
