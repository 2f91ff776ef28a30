/** Checks what a reader gives against the contract, more strictly than the runner does. */
import type { WorkerEvent, WorkerReport } from "@agentcore/contract";
import { eventProblem, reportProblems } from "../../runner/checked-event.ts";
import { shown } from "../../field-problems.ts";
import { mustHold } from "./options.ts";

/** Throws for the first event that is none: `event 3 "text": field "text" must be a string, got number`. */
export function checkEvents(events: readonly WorkerEvent[]): void {
  for (const [index, event] of events.entries()) {
    const problem = eventProblem(event);
    mustHold(problem === null, `event ${index + 1} ${problem}`);
  }
}

/** Throws for wrong fields: `report: field "usage.inputTokens" must be a number, got string`. */
export function checkReport(report: WorkerReport): void {
  const problems = reportProblems(report);
  mustHold(problems.length === 0, `report: ${problems.join("; ")}`);
  mustHold(
    report.costUsd !== null || report.costBasis === "none",
    `report: field "costBasis" must be "none" while "costUsd" is null, got ${shown(report.costBasis)}`,
  );
}
