/**
 * Decides what follows from the looks of a task's probe: when the next one is due, what the last one found, and whether the
 * run must stop. A pure transition; `probing.ts` runs the looks and carries out the decisions.
 *
 * A look finds `progressing`, `stalled` or `terminal`, or is an `error`. A number of looks in a row without progress, set
 * by the task, stops the run; `terminal` stops it at once. A result without a class is judged by its digest: an unchanged
 * digest means no progress. Errors say nothing about progress, and have their own count and threshold.
 */
import type {
  ErrorCode,
  ProbeClass,
  ProbeFinding,
  ProbeOutput,
  ProbeSpec,
  StopCause,
} from "@agentcore/contract";
import { readProbe, type ReadProbe } from "./probe-answer.ts";

export interface ProbeWatch {
  readonly spec: ProbeSpec;
  /** On the monotonic clock; `Infinity` while a look is in progress. */
  readonly dueMs: number;
  readonly lookedAtMs: number;
  readonly digest: string | null;
  /** Looks in a row that found no progress, and looks in a row that were errors. */
  readonly stalledFor: number;
  readonly errorsFor: number;
}

export type ProbeInput =
  | { readonly kind: "tick" }
  | { readonly kind: "looked"; readonly output: ProbeOutput };

/** The judgment of one look. */
export interface ProbeReport extends Omit<ProbeFinding, "class" | "by"> {
  readonly found: ProbeClass;
  readonly inRow: number;
  readonly digest: string | null;
}

export interface ProbeStep {
  readonly watch: ProbeWatch;
  /** Whether a look must begin now. */
  readonly looks: boolean;
  /** Null unless a look has just ended. */
  readonly report: ProbeReport | null;
  readonly stop: { readonly cause: StopCause; readonly finding: ProbeFinding } | null;
}

export function startProbeWatch(spec: ProbeSpec, nowMs: number): ProbeWatch {
  const due = { dueMs: nowMs + spec.intervalMs, lookedAtMs: nowMs };
  return { spec, ...due, digest: null, stalledFor: 0, errorsFor: 0 };
}

export function stepProbe(watch: ProbeWatch, input: ProbeInput, nowMs: number): ProbeStep {
  switch (input.kind) {
    case "tick": {
      const looks = nowMs >= watch.dueMs;
      const next = looks ? { ...watch, dueMs: Infinity, lookedAtMs: nowMs } : watch;
      return { watch: next, looks, report: null, stop: null };
    }
    case "looked":
      return afterLook(watch, readProbe(input.output, watch.spec.requireZeroExit), nowMs);
  }
}

function afterLook(before: ProbeWatch, read: ReadProbe, nowMs: number): ProbeStep {
  const watch = { ...before, dueMs: Math.max(nowMs, before.lookedAtMs + before.spec.intervalMs) };
  return read.ok ? afterAnswer(watch, read) : afterError(watch, read.why);
}

function afterAnswer(before: ProbeWatch, { answer, digest }: Extract<ReadProbe, { ok: true }>): ProbeStep {
  const isSame = digest === before.digest;
  const found = answer.class ?? (isSame ? "stalled" : "progressing");
  // A "stalled" answer starts the count again if the probe gives a digest and that digest has changed.
  const continues = isSame || (answer.class === "stalled" && answer.digest === undefined);
  // The first of several equal answers counts too.
  const stalledFor = answer.class === "progressing" ? 0 : continues ? before.stalledFor + 1 : 1;
  const watch = { ...before, digest, stalledFor, errorsFor: 0 };
  const { fingerprints = [], reasons = [], summary = null } = answer;
  const report = { found, inRow: Math.max(1, stalledFor), digest, fingerprints, reasons, summary };
  const isDue = found === "terminal" || (found === "stalled" && stalledFor >= before.spec.stallThreshold);
  return { watch, looks: false, report, stop: isDue ? stopFor(watch.spec, found, "answer", report) : null };
}

function afterError(before: ProbeWatch, why: string): ProbeStep {
  const { onError, errorThreshold } = before.spec;
  const errorsFor = before.errorsFor + 1;
  const watch = { ...before, errorsFor };
  const common = { fingerprints: [], reasons: [why], summary: null };
  const report: ProbeReport = { found: "error", inRow: errorsFor, digest: null, ...common };
  const countsAs = onError === "stall" ? "stalled" : onError;
  const isDue = countsAs !== "ignore" && errorsFor >= errorThreshold;
  return {
    watch,
    looks: false,
    report,
    stop: isDue ? stopFor(before.spec, countsAs, "error", report) : null,
  };
}

const codes: Readonly<Record<ProbeFinding["class"], ErrorCode>> = {
  stalled: "AC_PROBE_STALLED",
  terminal: "AC_PROBE_TERMINAL",
};

function stopFor(
  spec: ProbeSpec,
  found: ProbeFinding["class"],
  by: ProbeFinding["by"],
  report: ProbeReport,
): ProbeStep["stop"] {
  if (!spec.stopsOn.includes(found)) return null;
  const { inRow, fingerprints, reasons, summary } = report;
  const times = inRow === 1 ? "" : ` ${inRow} times in a row`;
  const what = by === "error" ? "the probe gave no answer" : `the probe found the run ${found}`;
  const why = reasons.length === 0 ? "" : `: ${reasons.join("; ")}`;
  const finding: ProbeFinding = { class: found, by, fingerprints, reasons, summary };
  const evidence = { found, by, inRow, fingerprints, reasons };
  return {
    finding,
    cause: { kind: "stalled", code: codes[found], message: `${what}${times}${why}`, evidence },
  };
}
