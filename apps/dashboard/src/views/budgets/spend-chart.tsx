import type { JSX } from "preact";
import { absoluteText, momentMs, moneyText } from "../../format.ts";
import { scaleOf, stacksOf, type Bucket, type Stack } from "./spend-series.ts";

export interface SpendChartProps {
  readonly buckets: readonly Bucket[];
  readonly bucket: "hour" | "day";
}

/** Days are those of UTC; hours are shown in the time zone of the browser. */
export const bucketText = ({ at }: Bucket, bucket: SpendChartProps["bucket"]): string =>
  bucket === "day" ? at.slice(0, 10) : absoluteText(momentMs(at)).slice(0, 16);

/** Height of the plot in its own units; its width is one for each bucket. */
const high = 100;

/** Spend as stacked bars. For those who see it: the same figures are in the table below it. */
export function SpendChart({ buckets, bucket }: SpendChartProps): JSX.Element {
  const stacks = stacksOf(buckets);
  const { top, ticks } = scaleOf(Math.max(...buckets.map(({ costUsd }) => costUsd)));
  const yOf = (usd: number): number => high - (usd / top) * high;
  const shown = [buckets[0], buckets[Math.floor((buckets.length - 1) / 2)], buckets.at(-1)];
  return (
    <div class="chart" aria-hidden="true">
      <div class="chart-scale">
        {ticks.toReversed().map((usd) => (
          <span key={usd}>{moneyText(usd)}</span>
        ))}
      </div>
      <svg viewBox={`0 0 ${buckets.length} ${high}`} preserveAspectRatio="none">
        {ticks.map((usd) => (
          <path key={usd} class="chart-line" d={`M0 ${yOf(usd)}H${buckets.length}`} />
        ))}
        {buckets.map((one, index) => (
          <g key={one.at} class="chart-bar">
            <title>{barText(one, stacks, index, bucket)}</title>
            <rect class="chart-back" x={index} width={1} height={high} />
            {stacks.map(({ name, values, tops }, nth) => {
              const height = ((values[index] ?? 0) / top) * high;
              return (
                height > 0 && (
                  <rect
                    key={name}
                    class={`stack-${nth}`}
                    x={index + 0.1}
                    y={yOf(tops[index] ?? 0)}
                    width={0.8}
                    height={height}
                  />
                )
              );
            })}
          </g>
        ))}
      </svg>
      <div class="chart-times">
        {shown.map((one, nth) => one !== undefined && <span key={nth}>{bucketText(one, bucket)}</span>)}
      </div>
      <ul class="legend">
        {stacks.map(({ name, values }, nth) => (
          <li key={name}>
            <svg viewBox="0 0 1 1">
              <rect class={`stack-${nth}`} width={1} height={1} />
            </svg>
            {name} <span class="faint">{moneyText(values.reduce((sum, value) => sum + value, 0))}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function barText(
  one: Bucket,
  stacks: readonly Stack[],
  index: number,
  bucket: SpendChartProps["bucket"],
): string {
  const parts = stacks.flatMap(({ name, values }) => {
    const usd = values[index] ?? 0;
    return usd > 0 ? [`${name} ${moneyText(usd)}`] : [];
  });
  return [`${bucketText(one, bucket)}: ${moneyText(one.costUsd)}`, ...parts].join("\n");
}
