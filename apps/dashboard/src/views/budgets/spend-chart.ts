/** Draws spend as stacked bars. In a chunk of its own, because uPlot is a third of the script of the page. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { moneyText, momentMs } from "../../format.ts";
import { stacksOf, type Bucket } from "./spend-series.ts";

const colors = ["--busy", "--warn", "--good", "--bad", "--wait"];
const heightPx = 240;
const dayS = 86_400;

/** Returns what removes it. */
export function drawSpend(place: HTMLElement, buckets: readonly Bucket[]): () => void {
  const times = buckets.map(({ at }) => momentMs(at) / 1000);
  const [first = 0, second = first + 1] = times;
  const half = (second - first) / 2;
  const color = (name: string): string => getComputedStyle(place).getPropertyValue(name);
  // The highest bars first: those below are drawn over them.
  const stacks = stacksOf(buckets)
    .map((stack, index) => ({ ...stack, fill: color(colors[index] ?? "--off") }))
    .toReversed();
  const axis = {
    stroke: color("--faint"),
    grid: { stroke: color("--line"), width: 1 },
    ticks: { stroke: color("--line") },
  };
  const plot = new uPlot(
    {
      width: place.clientWidth,
      height: heightPx,
      // Days are those of UTC; hours are shown in the time zone of the browser.
      ...(second - first < dayS
        ? {}
        : { tzDate: (at: number) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC") }),
      cursor: { drag: { x: false, y: false } },
      scales: {
        x: { range: [first - half, (times.at(-1) ?? first) + half] },
        y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.05 : 1] },
      },
      axes: [axis, { ...axis, size: 64, values: (_plot, values) => values.map(moneyText) }],
      series: [
        {},
        ...stacks.map(({ name, values, fill }) => ({
          label: name,
          fill,
          width: 0,
          points: { show: false },
          paths: uPlot.paths.bars!({ size: [0.8, 60] }),
          value: (_plot: uPlot, _value: number, _series: number, index: number | null) =>
            index === null ? "–" : moneyText(values[index] ?? 0),
        })),
      ],
    },
    [times, ...stacks.map(({ tops }) => [...tops])],
    place,
  );
  const observer = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: heightPx }));
  observer.observe(place);
  return () => {
    observer.disconnect();
    plot.destroy();
  };
}
