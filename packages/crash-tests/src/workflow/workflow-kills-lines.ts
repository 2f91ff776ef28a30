/** The report of the workflow's kills, as it is printed. */
import type { WorkflowKillsReport } from "./workflow-kills.ts";

/** Findings that are printed. */
const shownMax = 20;

export function workflowKillsLines(report: WorkflowKillsReport, seed: number): string[] {
  const { kills, killsOfTree, killsOfStart, pieces, begun, missing, differing, survivors } = report;
  const findings = [
    ...report.finishedAgain.map((piece) => `ran again: ${piece}`),
    ...missing.map((piece) => `never ran: ${piece}`),
    ...differing.map((path) => `differs: ${path}`),
    ...survivors,
  ];
  return [
    `seed                      ${seed}`,
    `kills                     ${kills} (with all its children ${killsOfTree}, before it came to the run ${killsOfStart})`,
    `outcome                   ${report.outcome}`,
    `pieces of work            ${pieces} (begun ${begun} times, since interrupted ones begin again)`,
    `finished pieces run again ${report.finishedAgain.length}`,
    `pieces that never ran     ${missing.length}`,
    `differing artifacts       ${differing.length}`,
    `survivors                 ${survivors.length}`,
    `seconds                   ${(report.elapsedMs / 1000).toFixed(1)}`,
    ...findings.slice(0, shownMax).map((finding) => `! ${finding}`),
    ...(findings.length > shownMax ? [`! and ${findings.length - shownMax} more`] : []),
    ...(findings.length > 0 ? [`kept: ${report.root}`] : []),
  ];
}
