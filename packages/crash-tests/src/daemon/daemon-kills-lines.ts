/** The report of the daemon's kills, as it is printed. */
import type { DaemonKillsReport } from "./daemon-kills.ts";

/** Findings that are printed. */
const shownMax = 20;

export function daemonKillsLines(report: DaemonKillsReport, seed: number): string[] {
  const { kills, findings } = report;
  return [
    `seed                      ${seed}`,
    `kills                     daemon ${kills.daemon}, runtime ${kills.runtime}, both ${kills.both}`,
    `deliveries                ${report.deliveries}, acknowledged ${report.acknowledged}, requests repeated ${report.repeated}`,
    `runs                      ${report.runs}, of which ${report.resumed} were interrupted in a step and went on`,
    `findings                  ${findings.length}`,
    `seconds                   ${(report.elapsedMs / 1000).toFixed(1)}`,
    ...findings.slice(0, shownMax).map((finding) => `! ${finding}`),
    ...(findings.length > shownMax ? [`! and ${findings.length - shownMax} more`] : []),
    ...(findings.length > 0 ? [`kept: ${report.root}`] : []),
  ];
}
