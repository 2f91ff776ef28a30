import { expect, it } from "vitest";
import { testReport, testRunResult } from "../testing/workflow-run.ts";
import { junitReport } from "./junit.ts";

it("has a case for each step, with the words of those that did not pass", () => {
  const steps = [
    testReport({ id: "a" }),
    testReport({ id: "b", status: "FAILED", reason: "exit code 1\nno way", errorClass: "task_failed" }),
    testReport({ id: "c", status: "INCOMPLETE", reason: "left" }),
    testReport({ id: "d", status: "SKIPPED", reason: "x", startedAt: null, endedAt: null }),
    testReport({ id: "e", status: "CANCELLED", reason: "y" }),
    testReport({ id: "f", isFinal: true }),
    testReport({ id: "g", status: "WAITING", endedAt: null }),
  ];
  expect(junitReport("ci", testRunResult(steps)).split("\n")).toEqual([
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="ci" tests="7" failures="2" errors="1" time="5.000">',
    '<testsuite name="ci" tests="7" failures="2" errors="1" skipped="2" time="5.000" timestamp="2023-11-14T22:13:20">',
    '<testcase name="a" classname="ci" time="2.300"/>',
    '<testcase name="b" classname="ci" time="2.300"><failure message="exit code 1 no way" type="task_failed">exit code 1&#10;no way</failure></testcase>',
    '<testcase name="c" classname="ci" time="2.300"><failure message="left" type="incomplete">left</failure></testcase>',
    '<testcase name="d" classname="ci" time="0.000"><skipped message="x"/></testcase>',
    '<testcase name="e" classname="ci" time="2.300"><error message="y" type="cancelled">y</error></testcase>',
    '<testcase name="f" classname="ci.finally" time="2.300"/>',
    '<testcase name="g" classname="ci" time="0.000"><skipped message="waits for an approval"/></testcase>',
    "</testsuite>",
    "</testsuites>",
    "",
  ]);
});

it("has the end of the output of what failed; a failure that the run goes on after is none of the suite's", () => {
  const failed = {
    status: "FAILED",
    reason: "no",
    output: "first\nlast <line>",
    log: "/logs/b/stderr.log",
  } as const;
  const report = junitReport(
    "ci",
    testRunResult([
      testReport({ id: "a", ...failed }),
      testReport({ id: "b", ...failed, isTolerated: true }),
    ]),
  );
  expect(report).toContain('tests="2" failures="1" errors="0" skipped="1"');
  const printed =
    "<system-out>first&#10;last &lt;line&gt;&#10;log: /logs/b/stderr.log</system-out></testcase>";
  expect(report).toContain(`<failure message="no" type="failed">no</failure>${printed}`);
  expect(report).toContain(`<skipped message="failed, and the run goes on: no"/>${printed}`);
});

it("holds any text", () => {
  const nasty = "</failure>]]>&\u0007\u001b[31mred\u001b[0m \u0000 \ud800 \"'日本\uffff";
  const steps = [testReport({ id: "b<c>", status: "FAILED", reason: nasty })];
  const report = junitReport('x"y', testRunResult(steps));
  expect(report).toContain('name="x&quot;y"');
  expect(report).toContain('name="b&lt;c&gt;"');
  expect(report).toContain("&lt;/failure&gt;]]&gt;&amp;red   &quot;&#39;日本</failure>");
  expect(report.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
});

it("an empty run is an empty suite", () => {
  expect(junitReport("ci", testRunResult([]))).toContain('tests="0" failures="0" errors="0" skipped="0"');
});
