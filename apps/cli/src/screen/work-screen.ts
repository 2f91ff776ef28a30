/** The output of `work`: one line for each event of a job, without worker output. */
import { formatDuration, type RunEvent } from "@agentcore/contract";
import { span, type Line, type Tone } from "./line.ts";
import { formatDollars, whenRetried } from "./run-view.ts";
import { shortId } from "./short-id.ts";
import { oneLine } from "./text.ts";

/** Null for events that need no line. `at` is shown as local time of day. */
export function workLine(event: RunEvent): Line | null {
  const line = (verb: string, text: string, tone: Tone = "plain"): Line => [
    span(`${timeOfDay(event.at)}  `, "dim"),
    span(event.jobId === "" ? "" : `${shortId(event.jobId)}  `, "accent"),
    span(verb, tone),
    span(text === "" ? "" : `  ${text}`),
  ];
  switch (event.type) {
    case "attempt_started":
      return line("started", `${event.worker}${event.attempt > 1 ? `, attempt ${event.attempt}` : ""}`);
    case "attempt_ended": {
      const { outcome, code, durationMs, costUsd } = event.result;
      const cost = costUsd === null ? "" : `, ${formatDollars(costUsd)}`;
      const text = `after ${formatDuration(durationMs)}${cost}${code === null ? "" : `: ${code}`}`;
      return line(outcome.replaceAll("_", " "), text, outcome === "succeeded" ? "good" : "bad");
    }
    case "retry_scheduled":
      return line("retry", whenRetried(event), "warn");
    case "permit_rejected":
      return line("refused", coded(event), "bad");
    case "attempt_stopping":
      return line("stopping", coded(event), "warn");
    case "escalation":
      return line("alarm", `${event.target}: ${coded(event)}`, "bad");
    case "job_ended":
      return event.outcome === "dead"
        ? line("dead letter", `see agentcore dlq show ${shortId(event.jobId)}`, "bad")
        : null;
    case "job_submitted":
    case "permit_granted":
    case "permit_deferred":
    case "worker_event":
    case "events_dropped":
      return null;
  }
}

/** What the queue waits for. `at`: ms since the epoch. */
export const waitLine = (at: number, text: string): Line => [
  span(`${timeOfDay(at)}  `, "dim"),
  span("waiting", "warn"),
  span(`  ${oneLine(text)}`),
];

const coded = ({ message, code }: { readonly message: string; readonly code: string }): string =>
  `${oneLine(message)} (${code})`;

function timeOfDay(at: number): string {
  return new Date(at).toLocaleTimeString("en-GB", { hour12: false });
}
