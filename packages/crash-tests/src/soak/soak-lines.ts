/** The report of a soak, as it is printed, and what of it is against the aims. */
import { loadavg } from "node:os";
import type { DaemonSoakReport, MemorySample } from "./daemon-soak.ts";
import { quantile, slopeOf } from "./slope.ts";

/** In MB an hour, of the objects and buffers of the daemon. */
const slopeMax = 1;
/** The slope of a short time says nothing. */
const judgedSeconds = 1200;
/** What a daemon opens when it first needs it. */
const handlesSlack = 5;
const shownMax = 20;

export interface SoakVerdict {
  readonly lines: readonly string[];
  readonly isClean: boolean;
}

export function soakVerdict(report: DaemonSoakReport, seed: number): SoakVerdict {
  const { sent, findings, watchers, seconds } = report;
  const runs = sent.filter(({ isRun }) => isRun).length;
  const repeated = sent.reduce((sum, { requests }) => sum + requests - 1, 0);
  const data = slopeAfterWarmUp(report, "daemon", dataOf);
  const { before, after } = report.handles;
  const against = [
    ...findings,
    ...(seconds >= judgedSeconds && data.slope - 2 * data.error > slopeMax
      ? [`the data of the daemon grow by ${data.slope.toFixed(2)} MB an hour`]
      : []),
    ...(after > before + handlesSlack ? [`the daemon keeps ${after} descriptors, and had ${before}`] : []),
  ];
  const lines = [
    `seed                      ${seed}`,
    `load averages             ${loadavg()
      .map((one) => one.toFixed(1))
      .join(" ")}`,
    `events                    ${sent.length} sent and accepted in ${seconds} s, ${repeated} requests repeated`,
    `runs                      ${runs} asked for, ${report.runs} recorded`,
    `faults                    runtime killed ${report.runtimeKills} times, disk full ${report.fullDisks} times for 10 s`,
    `watchers                  ${Object.entries(watchers)
      .map(
        ([pace, { bytes, connections }]) => `${pace}: ${megabytes(bytes)} MB over ${connections} connections`,
      )
      .join("; ")}`,
    ...(["daemon", "runtime"] as const).flatMap((role) => [
      `memory of the ${role.padEnd(12)}data ${slopeText(slopeAfterWarmUp(report, role, dataOf))}, code ${slopeText(slopeAfterWarmUp(report, role, codeOf))}, rss ${slopeText(slopeAfterWarmUp(report, role, ({ residentMb }) => residentMb))}`,
      `${" ".repeat(26)}at the start ${levelText(report, role, 0)}, at the end ${levelText(report, role, 1)}`,
    ]),
    `202                       at the start ${latencyText(windows(report, (from, to) => sent.filter(({ at }) => at >= from && at < to).map(({ tookMs }) => tookMs)))}`,
    `event until its run       at the start ${latencyText(windows(report, (from, to) => report.starts.filter(({ at }) => at >= from && at < to).map(({ tookMs }) => tookMs)))}`,
    `descriptors of the daemon ${before} before the load, ${after} after it`,
    `processor time            ${(report.processorMs / sent.length).toFixed(2)} ms for each event, of daemon and runtime`,
    `findings                  ${against.length}`,
    ...against.slice(0, shownMax).map((finding) => `! ${finding}`),
    ...(against.length > shownMax ? [`! and ${against.length - shownMax} more`] : []),
    ...(findings.length > 0 ? [`kept: ${report.root}`] : []),
  ];
  return { lines, isClean: against.length === 0 };
}

const dataOf = ({ noted }: MemorySample): number | null => noted?.dataMb ?? null;
const codeOf = ({ noted }: MemorySample): number | null => noted?.codeMb ?? null;

/** Of the calm time at the start and of that at the end. */
function windows<T>(report: DaemonSoakReport, of: (from: number, to: number) => T): [T, T] {
  const { warmUpSeconds, calmSeconds, seconds } = report;
  return [of(warmUpSeconds, warmUpSeconds + calmSeconds), of(seconds - calmSeconds, seconds)];
}

const samplesOf = (
  { samples }: DaemonSoakReport,
  wanted: MemorySample["role"],
  from: number,
  to: number,
): readonly MemorySample[] => samples.filter(({ at, role }) => role === wanted && at >= from && at <= to);

/** In MB an hour. Each process has its own warm-up and its own level. */
function slopeAfterWarmUp(
  report: DaemonSoakReport,
  wanted: MemorySample["role"],
  valueOf: (sample: MemorySample) => number | null,
) {
  const of = report.samples.filter(({ role }) => role === wanted);
  const firstSeen = new Map<number, number>();
  for (const { pid, at } of of) if (!firstSeen.has(pid)) firstSeen.set(pid, at);
  return slopeOf(
    of
      .filter(({ pid, at }) => at >= (firstSeen.get(pid) ?? 0) + report.warmUpSeconds)
      .flatMap((sample) => {
        const value = valueOf(sample);
        return value === null ? [] : [{ x: sample.at / 3600, y: value, series: String(sample.pid) }];
      }),
  );
}

const slopeText = ({ slope, error }: { readonly slope: number; readonly error: number }): string =>
  Number.isNaN(slope) ? "no slope" : `${slope.toFixed(2)} ± ${error.toFixed(2)} MB/h`;

function levelText(report: DaemonSoakReport, role: MemorySample["role"], window: 0 | 1): string {
  const seen = windows(report, (from, to) => samplesOf(report, role, from, to))[window];
  const median = (values: readonly number[]): string => quantile(values, 0.5).toFixed(1);
  const noted = (of: typeof dataOf): string => median(seen.flatMap((sample) => of(sample) ?? []));
  return `data ${noted(dataOf)} MB, code ${noted(codeOf)} MB, rss ${median(seen.map(({ residentMb }) => residentMb))} MB, ${quantile(
    seen.map((one) => one.descriptors),
    0.5,
  )} descriptors`;
}

function latencyText([start, end]: readonly [readonly number[], readonly number[]]): string {
  const text = (values: readonly number[]): string =>
    `p50 ${quantile(values, 0.5).toFixed(1)}, p99 ${quantile(values, 0.99).toFixed(1)} ms (${values.length})`;
  return `${text(start)}, at the end ${text(end)}`;
}

const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
