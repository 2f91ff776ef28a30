/**
 * The view of a run for people, as a pure fold: each event gives a new view and the lines to print for it. The view has the
 * content of the status line (spend against ceiling, last action); printed lines are never changed. No clock: times come
 * from the events.
 */
import {
  formatDuration,
  type PermitRecord,
  type RunEvent,
  tokensOf,
  type WorkerEvent,
} from "@agentcore/contract";
import { span, type Line, type Tone } from "./line.ts";
import { shortId } from "./short-id.ts";
import { oneLine } from "./text.ts";

type Phase = "waiting" | "running" | "stopping" | "ended";

export interface RunView {
  readonly phase: Phase;
  /** Time of the first event, in ms since the epoch; null before it. */
  readonly startedAt: number | null;
  readonly maxAttempts: number;
  /** Whether the worker's capabilities are enforced; a shell may do all that its user may. */
  readonly enforcesCapabilities: boolean;
  readonly attempt: number;
  /** Cost of earlier attempts; the current one is in `attemptCostUsd`. */
  readonly earlierCostUsd: number;
  readonly attemptCostUsd: number | null;
  readonly ceilingUsd: number | null;
  readonly tokens: number | null;
  readonly lastAction: string;
  /** Commands in flight by tool call id, for their names when they end. */
  readonly inFlight: ReadonlyMap<string, string>;
}

export interface Step {
  readonly view: RunView;
  readonly lines: readonly Line[];
}

/** Most lines of one text that are shown; the log has all of them. */
const textLinesMax = 40;

export interface ViewedJob {
  readonly maxAttempts: number;
  readonly maxCostUsd: number | null;
  /** Default: true. */
  readonly enforcesCapabilities?: boolean;
}

export function emptyView(job: ViewedJob): RunView {
  return {
    phase: "waiting",
    startedAt: null,
    maxAttempts: job.maxAttempts,
    enforcesCapabilities: job.enforcesCapabilities ?? true,
    attempt: 0,
    earlierCostUsd: 0,
    attemptCostUsd: null,
    ceilingUsd: job.maxCostUsd,
    tokens: null,
    lastAction: "asking for a permit",
    inFlight: new Map(),
  };
}

export function advance(before: RunView, event: RunEvent): Step {
  const view = before.startedAt === null ? { ...before, startedAt: event.at } : before;
  const at = event.at - (view.startedAt ?? event.at);
  const line: Entry = (verb, text, tone = "plain") => entry(at, verb, text, tone);
  switch (event.type) {
    case "worker_event":
      return onWorkerEvent(view, event.event, line);
    case "permit_granted":
    case "permit_deferred":
    case "permit_rejected":
      return onPermit(view, event, line);
    case "attempt_started":
    case "attempt_stopping":
    case "attempt_ended":
    case "retry_scheduled":
      return onAttempt(view, event, line);
    case "job_submitted":
      return event.deduplicated
        ? step(view, [line("joined", `job ${shortId(event.jobId)} has the same key`, "warn")])
        : step({ ...view, lastAction: "waiting for a permit" }, []);
    case "job_ended":
      return step({ ...view, phase: "ended" }, []);
    case "events_dropped":
      return step(view, [
        line("", `… ${formatCount(event.count)} events not shown; the log has them`, "dim"),
      ]);
    case "escalation":
      return step(view, [line("alarm", `${event.target}: ${coded(event)}`, "bad")]);
  }
}

type Entry = (verb: string, text: string, tone?: Tone) => Line;
type EventOf<T extends RunEvent["type"]> = Extract<RunEvent, { type: T }>;

function onPermit(
  view: RunView,
  event: EventOf<"permit_granted" | "permit_deferred" | "permit_rejected">,
  line: Entry,
): Step {
  switch (event.type) {
    case "permit_granted": {
      const { grants, degraded } = event.permit;
      return step({ ...view, attempt: event.attempt, ceilingUsd: view.ceilingUsd ?? grants.maxCostUsd }, [
        line("permit", describeGrants(event.permit, view.enforcesCapabilities)),
        ...degraded.map(({ field, from, to, reason, code }) =>
          line("reduced", `${describeReduction(field, from, to)}: ${reason} (${code})`, "warn"),
        ),
      ]);
    }
    case "permit_deferred":
      return step({ ...view, phase: "waiting", lastAction: `waiting: ${oneLine(event.message)}` }, [
        line("wait", `${coded(event)}; trying again in ${formatDuration(event.retryAfterMs)}`, "warn"),
      ]);
    case "permit_rejected":
      return step({ ...view, phase: "ended" }, [line("refused", coded(event), "bad")]);
  }
}

function onAttempt(
  view: RunView,
  event: EventOf<"attempt_started" | "attempt_stopping" | "attempt_ended" | "retry_scheduled">,
  line: Entry,
): Step {
  switch (event.type) {
    case "attempt_started": {
      const which = view.maxAttempts > 1 ? `, attempt ${event.attempt} of ${view.maxAttempts}` : "";
      const next = {
        phase: "running",
        attempt: event.attempt,
        lastAction: `${event.worker} starts`,
      } as const;
      return step({ ...view, ...next }, [line("start", `${event.worker}${which}`)]);
    }
    case "attempt_stopping":
      return step({ ...view, phase: "stopping", lastAction: `stopping: ${oneLine(event.message)}` }, [
        line("stop", coded(event), "warn"),
      ]);
    case "attempt_ended": {
      const earlierCostUsd = view.earlierCostUsd + (event.result.costUsd ?? 0);
      return step(
        { ...view, earlierCostUsd, attemptCostUsd: null, inFlight: new Map(), lastAction: "ended" },
        [],
      );
    }
    case "retry_scheduled":
      return step({ ...view, phase: "waiting", lastAction: "waiting to try again" }, [
        line("retry", whenRetried(event), "warn"),
      ]);
  }
}

/** The decision, with its code. */
const coded = ({ message, code }: { readonly message: string; readonly code: string }): string =>
  `${oneLine(message)} (${code})`;

/** The reason of the default policy includes the time. */
export function whenRetried(event: EventOf<"retry_scheduled">): string {
  const when = `in ${formatDuration(event.delayMs)}`;
  return event.message.includes(when) ? coded(event) : `${when}: ${coded(event)}`;
}

type WorkerEventOf<T extends WorkerEvent["type"]> = Extract<WorkerEvent, { type: T }>;

/** What each event of a worker adds to the view. */
const workerSteps: {
  readonly [T in WorkerEvent["type"]]: (view: RunView, event: WorkerEventOf<T>, line: Entry) => Step;
} = {
  started(view, { model, session }, line) {
    const known = [
      model === null ? [] : `model ${model}`,
      session === null ? [] : `session ${session}`,
    ].flat();
    const lines = known.length === 0 ? [] : [line("worker", known.join(" · "), "dim")];
    return step({ ...view, lastAction: "thinking" }, lines);
  },
  text: (view, { text }, line) =>
    step({ ...view, lastAction: lastLineOf(text) }, textLines("say", text, line)),
  stdout: (view, { text }, line) =>
    step({ ...view, lastAction: lastLineOf(text) || view.lastAction }, textLines("out", text, line)),
  stderr: (view, { text }, line) => step(view, textLines("err", text, line, "dim")),
  tool_call(view, { id, tool, command, summary }, line) {
    const what = oneLine(command ?? summary);
    const inFlight = new Map(view.inFlight).set(id, what);
    const [verb, text] = command === undefined ? ["tool", `${tool} ${what}`] : ["run", what];
    return step({ ...view, inFlight, lastAction: `${verb} ${text}` }, [line(verb, text, "accent")]);
  },
  tool_result(view, { id, ok, exitCode, summary }, line) {
    const what = view.inFlight.get(id) ?? "";
    const inFlight = new Map(view.inFlight);
    inFlight.delete(id);
    const next = { ...view, inFlight, lastAction: "thinking" };
    if (ok && (exitCode ?? 0) === 0) return step(next, []);
    const verb = exitCode === null ? "failed" : `exit ${exitCode}`;
    return step(next, [line(verb, [what, oneLine(summary)].filter(Boolean).join(": "), "warn")]);
  },
  file_change: (view, { change, path }, line) =>
    step({ ...view, lastAction: `${change} ${oneLine(path)}` }, [line(change, oneLine(path), "accent")]),
  usage: (view, { usage, costUsd }) =>
    step({ ...view, tokens: tokensOf(usage), attemptCostUsd: costUsd ?? view.attemptCostUsd }, []),
  progress(view, event, line) {
    const text = oneLine(event.text);
    // A worker may repeat the same text many times a minute, as a sign of life.
    return view.lastAction === text
      ? step(view, [])
      : step({ ...view, lastAction: text }, [line("wait", text, "dim")]);
  },
  ended: (view) => step({ ...view, lastAction: "finished; exiting" }, []),
  calls: (view, { waiting, streaming }) =>
    step(view.inFlight.size > 0 ? view : { ...view, lastAction: callsText(waiting, streaming, view) }, []),
  denied: (view, { tool, text }, line) => step(view, [line("denied", `${tool} ${oneLine(text)}`, "warn")]),
  warning: (view, { text }, line) => step(view, [line("note", oneLine(text), "warn")]),
  probe: (view, event, line) => step(view, probeLines(event, line)),
  // Not for people; the log and `--json` include it.
  raw: (view) => step(view, []),
};

const answering = "the provider answers";
const waitingForProvider = "waiting for the provider";

function callsText(waiting: number, streaming: number, { lastAction }: RunView): string {
  if (streaming > 0) return answering;
  if (waiting > 0) return waitingForProvider;
  return lastAction === answering || lastAction === waitingForProvider ? "thinking" : lastAction;
}

function onWorkerEvent<T extends WorkerEvent["type"]>(
  view: RunView,
  event: WorkerEventOf<T>,
  line: Entry,
): Step {
  return workerSteps[event.type](view, event, line);
}

const step = (view: RunView, lines: readonly Line[]): Step => ({ view, lines });

function entry(atMs: number, verb: string, text: string, tone: Tone): Line {
  return [
    span(formatElapsed(atMs).padStart(7), "dim"),
    span(`  ${verb.padEnd(8)}`, tone === "plain" ? "strong" : tone),
    span(text, tone),
  ];
}

function textLines(verb: string, text: string, line: Entry, tone: Tone = "plain"): Line[] {
  const lines = text
    .split(/\r\n|\r|\n/)
    .map(oneLine)
    .filter(Boolean);
  const shown = lines.slice(0, textLinesMax).map((part, index) => line(index === 0 ? verb : "", part, tone));
  const left = lines.length - shown.length;
  return left > 0 ? [...shown, line("", `… ${left} more lines in the log`, "dim")] : shown;
}

/** Looks that find progress are not shown: there may be thousands of them. */
function probeLines({ found, inRow, reasons }: Extract<WorkerEvent, { type: "probe" }>, line: Entry): Line[] {
  if (found === "progressing") return [];
  const times = inRow === 1 ? "" : ` (${inRow} in a row)`;
  return [
    line("probe", [`${found}${times}`, oneLine(reasons.join("; "))].filter(Boolean).join(": "), "warn"),
  ];
}

const lastLineOf = (text: string): string =>
  oneLine(
    text
      .trimEnd()
      .split(/\r\n|\r|\n/)
      .at(-1) ?? "",
  );

function describeGrants({ grants }: PermitRecord, isEnforced: boolean): string {
  return [
    `${grants.capabilities.join(", ")}${isEnforced ? "" : " (not enforced)"}`,
    `up to ${formatDuration(grants.timeoutMs)}`,
    grants.maxCostUsd === null ? "no cost ceiling" : `up to ${formatDollars(grants.maxCostUsd)}`,
    grants.maxTokens === null ? [] : `up to ${formatCount(grants.maxTokens)} tokens`,
    grants.model === null ? [] : `model ${grants.model}`,
  ]
    .flat()
    .join(" · ");
}

/** `cost ceiling lowered from $5.00 to $3.00`. */
function describeReduction(field: Degradation["field"], from: unknown, to: unknown): string {
  const [name, format] = grantWords[field];
  const value = (each: unknown): string => (each === null || each === undefined ? "none" : format(each));
  return `${name} lowered from ${value(from)} to ${value(to)}`;
}

type Degradation = PermitRecord["degraded"][number];

const grantWords: Readonly<Record<Degradation["field"], readonly [string, (value: unknown) => string]>> = {
  capabilities: ["capabilities", (value) => (Array.isArray(value) ? value.join(", ") : String(value))],
  maxCostUsd: ["cost ceiling", (value) => formatDollars(Number(value))],
  maxTokens: ["token ceiling", (value) => formatCount(Number(value))],
  model: ["model", String],
  timeoutMs: ["time limit", (value) => formatDuration(Number(value))],
};

/** Spent so far; null while nothing is known. */
export function spentUsd(view: RunView): number | null {
  if (view.attemptCostUsd === null && view.earlierCostUsd === 0) return null;
  return view.earlierCostUsd + (view.attemptCostUsd ?? 0);
}

/** `$0.12`, `$0.0042` below a cent, `$0`. */
export function formatDollars(dollars: number): string {
  if (dollars === 0) return "$0";
  return dollars < 0.01 ? `$${dollars.toPrecision(2)}` : `$${dollars.toFixed(2)}`;
}

export const formatCount = (count: number): string => count.toLocaleString("en-US");

/** `0.4s`, `42s`, `3m07s`, `2h05m`. */
export function formatElapsed(elapsedMs: number): string {
  const seconds = Math.max(0, elapsedMs) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole}s`;
  const two = (value: number): string => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}
