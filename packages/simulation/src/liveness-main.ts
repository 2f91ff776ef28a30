/**
 * `npm run liveness [-- --all]` replays the labelled traces of `liveness/` through the watchdog with its default limits, and
 * prints how many healthy runs it ends (false kills), how many stuck ones it leaves alone for 3 hours (misses), and how long
 * the others take. `--all` prints each trace.
 */
import { formatDuration } from "@agentcore/contract";
import { parseArgs } from "node:util";
import { healthyTraces } from "./liveness/healthy-traces.ts";
import { recordedTraces } from "./liveness/recorded-traces.ts";
import { stuckTraces } from "./liveness/stuck-traces.ts";
import { judge, type Judged, type Trace } from "./liveness/trace.ts";

const { values } = parseArgs({ options: { all: { type: "boolean", default: false } } });
const say = (text: string): void => void process.stdout.write(`${text}\n`);

function table(title: string, judged: readonly Judged[]): void {
  say(`\n${title}`);
  say("  label     traces  right  false kills  results lost  misses  ended after (median, longest)");
  for (const label of ["healthy", "stuck", "finished"] as const) {
    const ours = judged.filter(({ trace }) => trace.label === label);
    const count = (verdict: Judged["verdict"]): number =>
      ours.filter((one) => one.verdict === verdict).length;
    const after = ours.flatMap(({ verdict, afterMs }) => (verdict === "right" ? (afterMs ?? []) : []));
    const sorted = after.toSorted((a, b) => a - b);
    const [median, longest] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
    const times =
      median === undefined || longest === undefined
        ? "–"
        : `${formatDuration(median)}, ${formatDuration(longest)}`;
    const numbers = [
      String(ours.length).padStart(6),
      String(count("right")).padStart(5),
      String(count("false kill")).padStart(11),
      String(count("result lost")).padStart(12),
      String(count("miss")).padStart(6),
    ].join("  ");
    say(`  ${label.padEnd(8)}  ${numbers}  ${times}`);
  }
  for (const one of judged.filter(({ verdict }) => values.all || verdict !== "right")) say(lineOf(one));
}

function lineOf({ trace, verdict, end, afterMs }: Judged): string {
  const how = end === null ? "left alone" : `${end.how} at ${formatDuration(end.atMs)}`;
  const after = afterMs === null ? "" : `, ${formatDuration(afterMs)} after it was due`;
  return `  ${verdict.padEnd(11)} ${trace.label.padEnd(8)} ${trace.worker.padEnd(8)} ${trace.name}: ${how}${after}`;
}

const written: readonly Trace[] = [...healthyTraces, ...stuckTraces];
table(
  "Cases from the field, in runs that use the spend gate",
  written.map((trace) => judge(trace, true)),
);
table(
  "The same from the worker's events alone",
  written.map((trace) => judge(trace, false)),
);
table(
  "Recordings of the real workers, from their events alone",
  recordedTraces().map((trace) => judge(trace, false)),
);
