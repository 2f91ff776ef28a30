/** Straight lines through measurements. Pure. */

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Points of one series: each has its own level, all have the same slope. */
  readonly series: string;
}

export interface Slope {
  /** Of y for one of x; NaN for fewer than three points beyond the number of series. */
  readonly slope: number;
  /** Its standard error. */
  readonly error: number;
}

/** The slope with the least squares. */
export function slopeOf(points: readonly Point[]): Slope {
  const series = [...Map.groupBy(points, (point) => point.series).values()];
  let [xx, xy, yy] = [0, 0, 0];
  for (const group of series) {
    const [meanX, meanY] = [mean(group.map(({ x }) => x)), mean(group.map(({ y }) => y))];
    for (const { x, y } of group) {
      xx += (x - meanX) ** 2;
      xy += (x - meanX) * (y - meanY);
      yy += (y - meanY) ** 2;
    }
  }
  const free = points.length - series.length - 1;
  if (free < 2 || xx === 0) return { slope: Number.NaN, error: Number.NaN };
  const slope = xy / xx;
  return { slope, error: Math.sqrt(Math.max(0, yy - slope * xy) / free / xx) };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Value at quantile `q` (0 to 1); NaN for none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
