/**
 * Formats a run as a JUnit report for CI systems: one test case per step. There is no standard; the elements, attributes
 * and their order are accepted by the schemas of Ant and of Jenkins, and a failure's text is in its `message` and in the
 * element, because readers show one or the other. Pure.
 */
import { durationMsOf, type RunResult, type StepReport } from "@agentcore/workflow";
import { escapeMarkup } from "../markup.ts";
import { oneLine } from "../screen/text.ts";
import { shownStatus } from "./status.ts";

export function junitReport(name: string, result: RunResult): string {
  const { steps, startedAt } = result;
  const time = seconds(durationMsOf(result) ?? 0);
  const count = (...statuses: StepReport["status"][]): number =>
    steps.filter((step) => statuses.includes(shownStatus(step)) && !step.isTolerated).length;
  const tolerated = steps.filter(({ isTolerated }) => isTolerated).length;
  const counts = [
    `tests="${steps.length}"`,
    `failures="${count("FAILED", "INCOMPLETE")}"`,
    `errors="${count("CANCELLED")}"`,
  ].join(" ");
  const suite = [
    `name="${escapeMarkup(name)}"`,
    counts,
    `skipped="${count("SKIPPED", "WAITING") + tolerated}"`,
    `time="${time}"`,
    `timestamp="${timestamp(startedAt)}"`,
  ].join(" ");
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escapeMarkup(name)}" ${counts} time="${time}">`,
    `<testsuite ${suite}>`,
    ...steps.map((step) => testCase(name, step)),
    "</testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function testCase(name: string, step: StepReport): string {
  const { id, isFinal } = step;
  const group = isFinal ? `${name}.finally` : name;
  const time = durationMsOf(step) ?? 0;
  const head = `<testcase name="${escapeMarkup(id)}" classname="${escapeMarkup(group)}" time="${seconds(time)}"`;
  const inner = `${verdict(step)}${output(step)}`;
  return inner === "" ? `${head}/>` : `${head}>${inner}</testcase>`;
}

/** Empty if the step ran, and printed nothing that explains its failure. */
function output(step: StepReport): string {
  const where = step.log === null ? [] : [`log: ${step.log}`];
  const cached = step.cached ? ["cached: the step did not run; its result is from the cache"] : [];
  const lines = [...cached, ...(step.output === "" ? [] : [step.output]), ...where];
  return lines.length === 0 ? "" : `<system-out>${escapeMarkup(lines.join("\n"))}</system-out>`;
}

function verdict(step: StepReport): string {
  const { reason, errorClass, isTolerated } = step;
  const status = shownStatus(step);
  // The run continues, and may succeed: a failure here would make the whole report a failure.
  if (isTolerated) {
    const what = status === "FAILED" ? "failed" : "is incomplete";
    return `<skipped message="${escapeMarkup(oneLine(`${what}, and the run goes on: ${reason}`))}"/>`;
  }
  const element = (name: string, type: string): string =>
    `<${name} message="${escapeMarkup(oneLine(reason))}" type="${escapeMarkup(type)}">${escapeMarkup(reason)}</${name}>`;
  switch (status) {
    case "FAILED":
    case "INCOMPLETE":
      return element("failure", errorClass ?? status.toLowerCase());
    case "CANCELLED":
      return element("error", "cancelled");
    case "SKIPPED":
      return `<skipped message="${escapeMarkup(oneLine(reason))}"/>`;
    case "WAITING":
      return `<skipped message="${escapeMarkup("waits for an approval")}"/>`;
    case "SUCCEEDED":
    case "PENDING":
    case "READY":
    case "RUNNING":
    case "CHECKING":
      return "";
  }
}

const seconds = (durationMs: number): string => (Math.max(0, durationMs) / 1000).toFixed(3);

/** UTC, to the second and without a zone: Ant's schema accepts no other format. */
const timestamp = (at: number): string => new Date(at).toISOString().slice(0, 19);
