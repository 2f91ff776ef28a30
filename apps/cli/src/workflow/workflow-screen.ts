/** Shows a workflow run as lines for people: one for each change of a step, and a summary at the end. Pure. */
import { approveCommand } from "../screen/approve-command.ts";
import { formatDuration } from "@agentcore/contract";
import { durationMsOf, type RunResult, type StepReport } from "@agentcore/workflow";
import { span, type Line, type Tone } from "../screen/line.ts";
import { shortId } from "../screen/short-id.ts";
import { table } from "../screen/table.ts";
import { oneLine } from "../screen/text.ts";
import { approvalText, hasEnded, iterationsText, retryText, shownStatus, statusLabel } from "./status.ts";

/** `PASS  build  2.3s`. `now`: wall clock, in ms. */
export function stepLine(step: StepReport, now: number, run: string): Line {
  const { text, tone } = statusLabel(shownStatus(step));
  const retry = retryText(step, now);
  const asked = approvalText(step, run);
  const going = asked === "" ? iterationOf(step) : [asked];
  const next = retry === "" ? going : [retry, oneLine(step.reason)];
  const place = step.isFinal ? ["finally"] : [];
  const details = [...place, ...(hasEnded(step) ? endDetails(step) : next)].join("  ");
  return [
    span(text.padEnd(10), tone),
    span(` ${step.id}`),
    span(details === "" ? "" : `  ${details}`, "dim"),
  ];
}

function iterationOf({ loops, iterations, attempts }: StepReport): string[] {
  if (loops && iterations > 1) return [`iteration ${iterations}`];
  return attempts > 1 ? [`attempt ${attempts}`] : [];
}

function endDetails(step: StepReport): string[] {
  const { costUsd } = step;
  const iterations = iterationsText(step);
  return [
    ...(iterations === "" ? [] : [`(${iterations})`]),
    ...(durationOf(step) === "" ? [] : [durationOf(step)]),
    ...(costUsd === null ? [] : [`$${costUsd.toFixed(4)}`]),
    ...(whyOf(step) === "" ? [] : [whyOf(step)]),
  ];
}

function durationOf(report: StepReport): string {
  const durationMs = durationMsOf(report);
  return durationMs === null ? "" : formatDuration(durationMs);
}

/** Why a step ended as it did, or what it waits for; who approved it, if somebody did; why it was not taken from the cache. */
function whyOf(step: StepReport): string {
  const { reason, approval, cacheMiss } = step;
  const status = shownStatus(step);
  if (status === "WAITING") return oneLine(approval?.message ?? "");
  if (status !== "SUCCEEDED" || approval !== null) return oneLine(reason);
  return cacheMiss === null ? "" : `not in the cache: ${oneLine(cacheMiss)}`;
}

/** The commands that answer the approvals that a run waits for. */
export function approvalLines(waiting: readonly { readonly step: string }[], run: string): Line[] {
  return waiting.map(({ step }) => [
    span(`waits for an approval: ${approveCommand(run, step)}`, "accent"),
    span("  (or reject)", "dim"),
  ]);
}

/** The table of steps that a run ends with. */
export function stepTable(steps: readonly StepReport[]): Line[] {
  const rows = steps.map((step) => {
    const { text, tone } = statusLabel(shownStatus(step));
    const { id, costUsd, isFinal } = step;
    const remarks = [...(isFinal ? ["finally"] : []), iterationsText(step)].filter((text) => text !== "");
    const times = remarks.length === 0 ? "" : ` (${remarks.join(", ")})`;
    return [
      span(text, tone),
      span(`${id}${times}`),
      span(durationOf(step)),
      span(costUsd === null ? "" : `$${costUsd.toFixed(4)}`),
      span(whyOf(step), "dim"),
    ];
  });
  const columns = [
    { title: "RESULT", isWhole: true },
    { title: "STEP" },
    { title: "TIME", align: "right" },
    { title: "COST", align: "right", mayGo: true },
    { title: "WHY" },
  ] as const;
  return table(columns, rows);
}

/** Failures whose output is shown; more would hide the first. */
const failuresShownMax = 5;

/** The last output of the failed steps, and where the rest of it is. */
export function failureLines(steps: readonly StepReport[]): Line[] {
  const failed = steps.filter(({ status, jobId }) => status === "FAILED" && jobId !== null);
  const more = failed.length - failuresShownMax;
  return [
    ...failed
      .slice(0, failuresShownMax)
      .flatMap(({ id, output, log, jobId }): Line[] => [
        [],
        [
          span(id, "strong"),
          span(`  job ${shortId(jobId ?? "")}${log === null ? "" : `, log ${log}`}`, "dim"),
        ],
        ...output
          .split("\n")
          .flatMap((line): Line[] => (line === "" ? [] : [[span("  | ", "dim"), span(line)]])),
      ]),
    ...(more > 0 ? [[], [span(`and ${more} more: agentcore workflow logs RUN STEP`, "dim")]] : []),
  ];
}

/** How to continue a run that was stopped or failed. */
function goOnLines({ outcome, run }: RunResult): Line[] {
  if (outcome === "SUCCEEDED") return [];
  const command = outcome === "INTERRUPTED" ? "resume" : "retry";
  const what = outcome === "INTERRUPTED" ? "go on with it" : "begin what failed again";
  return [[span(`${what}: agentcore workflow ${command} ${shortId(run)}`, "accent")]];
}

const outcomeTones: Readonly<Record<RunResult["outcome"], Tone>> = {
  SUCCEEDED: "good",
  FAILED: "bad",
  TIMED_OUT: "bad",
  CANCELLED: "warn",
  INTERRUPTED: "warn",
};

export function summary(result: RunResult): Line[] {
  const { outcome, reason, costUsd, run } = result;
  const money = costUsd === null ? "" : `  $${costUsd.toFixed(4)}`;
  return [
    [],
    ...stepTable(result.steps),
    ...failureLines(result.steps),
    [],
    [
      span("Workflow: "),
      span(outcome, outcomeTones[outcome]),
      span(`  (${formatDuration(durationMsOf(result) ?? 0)})${money}`),
      span(`  run ${shortId(run)}`, "dim"),
    ],
    ...(reason === null ? [] : [[span(reason, "dim")]]),
    ...approvalLines(
      result.steps.flatMap(({ id, status }) => (status === "WAITING" ? [{ step: id }] : [])),
      run,
    ),
    ...goOnLines(result),
  ];
}
