/** The test of money: overshoot of a shared cap, kills of the runtime while workers spend, and healthy runs that must not be cut. */
import { falseCuts, type FalseCutRow } from "./false-cuts.ts";
import { overshoot, overshootCases, type OvershootRow } from "./overshoot.ts";
import { spendKills, type SpendKillsReport } from "./spend-kills.ts";

export interface SpendOptions {
  readonly permits: number;
  readonly kills: number;
  readonly healthyRuns: number;
  readonly seed: number;
  /** Default: all. */
  readonly cases?: readonly string[];
  readonly print: (line: string) => void;
}

export interface SpendReport {
  readonly overshoot: readonly OvershootRow[];
  readonly kills: SpendKillsReport;
  readonly falseCuts: readonly FalseCutRow[];
  /** The same with ceilings that are close to what the runs cost. */
  readonly tight: readonly FalseCutRow[];
  /** What must not be. */
  readonly findings: readonly string[];
}

/** The ceiling of a healthy run is this many times what it costs. */
const headroom = 3;
/** Printed beside: holds are worst cases, so that a ceiling so near refuses some runs that would have stayed below it. */
const tightHeadroom = 1.25;

export async function spend(options: SpendOptions): Promise<SpendReport> {
  const { permits, kills, healthyRuns, seed, cases, print } = options;
  const wanted = overshootCases.filter(({ what }) => cases?.includes(what) ?? true);
  const rows = await overshoot(wanted, permits, seed);
  const killed = await spendKills({ kills, permits, seed, print });
  const healthy = await falseCuts({ runs: healthyRuns, headroom, seed });
  const tight = await falseCuts({ runs: Math.ceil(healthyRuns / 4), headroom: tightHeadroom, seed });
  const findings = [...rows, killed, ...healthy].flatMap((part) => part.findings);
  return { overshoot: rows, kills: killed, falseCuts: healthy, tight, findings };
}

export function spendLines(report: SpendReport, seed: number): string[] {
  const { kills, findings } = report;
  return [
    `seed               ${seed}`,
    ...report.overshoot.map(overshootLine),
    `kills              ${kills.kills} of the runtime: ${usd(kills.billedMicroUsd)} billed, ${usd(kills.bookedMicroUsd)} booked, of which ${usd(kills.withoutCallsMicroUsd)} for permits that had sent nothing`,
    `ended calls        ${kills.exactCalls}, booked at exactly what was billed: ${usd(kills.exactMicroUsd)}`,
    `bounded calls      ${kills.openCalls} open at a kill, ${kills.estimatedCalls} ended without a report of what they used`,
    ...report.falseCuts.map((row) => `healthy            ${healthyLine(row)}`),
    ...report.tight.map((row) => `tight ceiling      ${healthyLine(row)}`),
    `findings           ${findings.length}`,
    ...findings.slice(0, 20).map((finding) => `! ${finding}`),
  ];
}

function overshootLine(row: OvershootRow): string {
  const { permits, refusedPermits, stopped, calls, shortened, hiddenMicroUsd } = row;
  return [
    `overshoot          ${row.what}: ${usd(row.beyondCapMicroUsd)} beyond the cap of $${row.capUsd}`,
    `${usd(row.beyondCeilingsMicroUsd)} beyond ceilings of $${row.ceilingUsd}`,
    ...(hiddenMicroUsd > 0 ? [`hidden reasoning beyond holds ${usd(hiddenMicroUsd)}`] : []),
    `billed ${usd(row.billedMicroUsd)}, booked ${usd(row.ledgerMicroUsd)}`,
    `${permits} permits, ${refusedPermits} refused, ${stopped} stopped at their ceiling, ${calls} calls, ${shortened} shortened`,
  ].join("; ");
}

function healthyLine({ kind, runs, headroom: times, calls, refused, cut, shortened }: FalseCutRow): string {
  return `${kind}: ${runs} runs below ${times} times their cost, ${calls} calls; ${refused} refused, ${cut} cut; ${shortened} responses shortened`;
}

function usd(microUsd: number): string {
  return `$${(microUsd / 1e6).toFixed(6)}`;
}
