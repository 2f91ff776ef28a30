/** The headline crash test's report, as it is printed. */
import type { HeadlineReport } from "./headline.ts";

/** Findings of one kind that are printed. */
const shownMax = 20;

export function headlineLines(report: HeadlineReport, seed: number): string[] {
  const { jobs, kills, attempts, estimated, elapsedMs, lost, duplicated, survivors } = report;
  const total = Object.values(kills).reduce((sum, count) => sum + count, 0);
  const findings = [...lost, ...duplicated, ...report.unaccounted, ...survivors];
  return [
    `seed               ${seed}`,
    `jobs               ${jobs}`,
    `kills              ${total} (${Object.entries(kills)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(", ")})`,
    `attempts           ${attempts} (${estimated} died unseen, charged at their bound)`,
    `lost               ${lost.length}`,
    `duplicated         ${duplicated.length}`,
    `unaccounted cost   $${report.unaccountedUsd.toFixed(6)}`,
    `survivors          ${survivors.length}`,
    `seconds            ${(elapsedMs / 1000).toFixed(1)}`,
    ...findings.slice(0, shownMax).map((finding) => `! ${finding}`),
    ...(findings.length > shownMax ? [`! and ${findings.length - shownMax} more`] : []),
    ...(findings.length > 0 ? [`kept: ${report.root}`] : []),
  ];
}
