/** A run as a JUnit report, which CI systems show: one test case for each step. Pure. */
import type { RunResult, StepReport } from "@agentcore/workflow";

export function junitReport(name: string, result: RunResult): string {
  const { steps, startedAt, endedAt } = result;
  const count = (...statuses: StepReport["status"][]): number =>
    steps.filter(({ status }) => statuses.includes(status)).length;
  const attributes = [
    `name="${escape(name)}"`,
    `tests="${steps.length}"`,
    `failures="${count("FAILED", "INCOMPLETE")}"`,
    `errors="${count("CANCELLED")}"`,
    `skipped="${count("SKIPPED")}"`,
    `time="${seconds(endedAt - startedAt)}"`,
  ].join(" ");
  const cases = steps.map((step) => testCase(name, step)).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n<testsuite ${attributes} timestamp="${new Date(startedAt).toISOString()}">\n${cases}</testsuite>\n</testsuites>\n`;
}

function testCase(name: string, step: StepReport): string {
  const { id, startedAt, endedAt } = step;
  const time = startedAt === null || endedAt === null ? 0 : endedAt - startedAt;
  const head = `<testcase classname="${escape(name)}" name="${escape(id)}" time="${seconds(time)}"`;
  const inner = verdict(step);
  return inner === "" ? `${head}/>\n` : `${head}>${inner}</testcase>\n`;
}

function verdict({ status, reason, errorClass }: StepReport): string {
  const message = `message="${escape(reason)}"`;
  switch (status) {
    case "FAILED":
    case "INCOMPLETE":
      return `<failure type="${escape(errorClass ?? status.toLowerCase())}" ${message}/>`;
    case "CANCELLED":
      return `<error type="cancelled" ${message}/>`;
    case "SKIPPED":
      return `<skipped ${message}/>`;
    case "SUCCEEDED":
    case "PENDING":
    case "READY":
    case "RUNNING":
    case "CHECKING":
      return "";
  }
}

const seconds = (durationMs: number): string => (durationMs / 1000).toFixed(3);

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Also without the control characters that XML cannot hold. */
function escape(text: string): string {
  return text
    .replaceAll(/[^\P{Cc}\t\n\r]/gu, "")
    .replaceAll(/[&<>"]/g, (sign) => entities[sign] ?? sign)
    .replaceAll("\n", "&#10;");
}
