/** The report of the crash test of a fleet, as it is printed. */
import type { FleetReport } from "./fleet.ts";

/** Findings that are printed. */
const shownMax = 20;

export function fleetLines(report: FleetReport, seed: number): string[] {
  const { jobs, hosts, faults, attempts, estimated, elapsedMs, lost, duplicated, survivors, capped } = report;
  const total = [...faults.values()].reduce((sum, count) => sum + count, 0);
  const findings = [...lost, ...duplicated, ...report.unaccounted, ...survivors];
  return [
    `seed               ${seed}`,
    `hosts              ${hosts}`,
    `jobs               ${jobs}`,
    `faults             ${total} (${[...faults].map(([kind, count]) => `${kind} ${count}`).join(", ")})`,
    `attempts           ${attempts} (${estimated} died unseen, charged at their bound)`,
    `lost               ${lost.length}`,
    `doubled, beside    ${duplicated.length}`,
    `unaccounted cost   $${report.unaccountedUsd.toFixed(6)}`,
    `tenant with a cap  $${capped.spentUsd.toFixed(6)} spent, at most $${capped.mostUsd.toFixed(6)} with holds, of $${capped.capUsd}`,
    `survivors          ${survivors.length}`,
    `findings           ${findings.length}`,
    `seconds            ${(elapsedMs / 1000).toFixed(1)}`,
    ...findings.slice(0, shownMax).map((finding) => `! ${finding}`),
    ...(findings.length > shownMax ? [`! and ${findings.length - shownMax} more`] : []),
    ...(findings.length > 0 ? [`kept: ${report.root}`] : []),
  ];
}
