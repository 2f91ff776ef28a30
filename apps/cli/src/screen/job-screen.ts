/** Shows jobs to people: the list, and one job with all its attempts. Data in, lines out. */
import { cureOf, formatDuration, type Job } from "@agentcore/contract";
import {
  runOfPiece,
  type AttemptRecord,
  type JobRecord,
  type JobState,
  type LateResult,
  type Reason,
} from "@agentcore/scheduler";
import { paragraph, span, type Line, type Span, type Tone } from "./line.ts";
import { formatCount, formatDollars } from "./run-view.ts";
import { artifactTitle, describeReceipt, formatBytes } from "./summary.ts";
import { table } from "./table.ts";
import { shortId } from "./short-id.ts";
import { cut, oneLine } from "./text.ts";

/** On a terminal, the table cuts this to the width. */
const listColumns = 500;
const taskColumns = 500;

/** `nameOf`: the id that is shown for a job. */
export function jobTable(jobs: readonly JobRecord[], now: number, nameOf = shortId): Line[] {
  const steps = jobs.some(({ job }) => runOfPiece(job) !== null);
  const columns = [
    { title: "JOB", isWhole: true },
    { title: "STATE", isWhole: true },
    { title: "WORKER", mayGo: true },
    { title: "ATTEMPT", align: "right", mayGo: true },
    { title: "COST", align: "right", mayGo: true },
    { title: "AGE", align: "right" },
    ...(steps ? [{ title: "STEP OF A RUN" }] : []),
    { title: "INSTRUCTIONS" },
  ] as const;
  return table(
    columns,
    jobs.map((record) => [
      span(nameOf(record.job.id), "accent"),
      listedState(record.state, now),
      span(record.job.task.worker),
      span(attemptText(record)),
      span(record.spent.costUsd === 0 ? "–" : formatDollars(record.spent.costUsd)),
      span(formatDuration(Math.max(0, now - record.submittedAt))),
      ...(steps ? [span(pieceText(record.job))] : []),
      span(cut(oneLine(record.job.task.instructions), listColumns), "dim"),
    ]),
  );
}

/** A step's job is repeated only if it was lost; its run decides about all other repeats. */
function attemptText({ attempt, job }: JobRecord): string {
  return runOfPiece(job) === null ? `${attempt}/${job.limits.maxAttempts}` : String(attempt);
}

/** `2727b1d1  build, check, iteration 2`; empty for a job that is not a step of a run. */
function pieceText(job: Job): string {
  const run = runOfPiece(job);
  return run === null ? "" : `${shortId(run)}  ${pieceName(job)}`;
}

/** `build, check, iteration 2`. */
export function pieceName({ context: { labels } }: Job): string {
  const check = labels["workflow.piece"] === "check" ? ["check"] : [];
  const iteration = labels["workflow.iteration"];
  return [
    labels["workflow.step"],
    ...check,
    ...(iteration === undefined ? [] : [`iteration ${iteration}`]),
  ].join(", ");
}

export function jobLines(
  record: JobRecord,
  attempts: readonly AttemptRecord[],
  late: readonly LateResult[],
  now: number,
): Line[] {
  const { job, state } = record;
  const labels = Object.entries(job.context.labels).map(([name, value]) => `${name}=${value}`);
  return [
    [span(`${shortId(job.id)}  `, "accent"), stateSpan(state)],
    ...field("id", shortId(job.id) === job.id ? "" : job.id),
    ...field("worker", [job.task.worker, job.task.model ?? []].flat().join(", model ")),
    ...field("workspace", job.task.workspace),
    ...field("may", job.task.capabilities.join(", ")),
    ...field("limits", describeLimits(job)),
    ...field("key", job.key === undefined ? "" : `${job.key} (${job.dedup})`),
    ...field("step of", pieceText(job)),
    ...field("labels", labels.join(", ")),
    ...field("submitted", `${formatDuration(Math.max(0, now - record.submittedAt))} ago`),
    ...field("spent", record.spent.costUsd === 0 ? "" : formatDollars(record.spent.costUsd)),
    ...stateLines(record, now),
    ...field("task", cut(oneLine(job.task.instructions), taskColumns)),
    ...field("verify", cut(oneLine(job.task.verify ?? ""), taskColumns)),
    ...field("outputs", (job.task.outputs ?? []).map(({ path }) => path).join(", ")),
    ...attempts.flatMap(attemptLines),
    ...late.map(({ ref, result }) => [
      span(`  attempt ${ref.attempt}  `, "warn"),
      span(`a late result, ${result.outcome}: kept but not applied, because its attempt had already ended`),
    ]),
  ];
}

function attemptLines(attempt: AttemptRecord): Line[] {
  const { result } = attempt;
  const title = `attempt ${attempt.attempt}`;
  if (result === null) {
    const since = attempt.started === null ? "claimed, not started" : "running";
    return field(title, attempt.decision === null ? since : `ended without a result: ${attempt.decision}`);
  }
  const code = result.code === null ? "" : `: ${result.code}`;
  const cost = result.costUsd === null ? "" : `, ${formatDollars(result.costUsd)} (${result.costBasis})`;
  return [
    ...field(
      title,
      `${result.outcome}${code} after ${formatDuration(result.durationMs)}${cost}`,
      result.outcome === "succeeded" ? "good" : "bad",
    ),
    ...field("", oneLine(result.summary)),
    ...result.artifacts.flatMap((artifact) =>
      field("", `${artifactTitle(artifact)} ${artifact.path} (${formatBytes(artifact.bytes)})`),
    ),
    ...(result.containment === null ? [] : field("", describeReceipt(result.containment))),
  ];
}

function stateLines({ job, state }: JobRecord, now: number): Line[] {
  switch (state.kind) {
    case "queued": {
      const waitMs = state.runAt - now;
      return [
        ...field("runs", waitMs > 0 ? `in ${formatDuration(waitMs)}` : "when its turn comes"),
        ...(state.waitingFor === null ? [] : reasonLines("waits for", state.waitingFor)),
      ];
    }
    case "running": {
      const cancel = state.cancelRequested;
      return cancel === null ? [] : reasonLines("stopping", cancel);
    }
    case "succeeded":
      return [];
    case "dead":
      return [...reasonLines("dead", state.reason), ...replayLines(job, state.replayedAs)];
    case "cancelled":
      return reasonLines("cancelled", state.reason);
  }
}

/** What happened to a dead job. */
function replayLines(job: Job, replayedAs: string | null): Line[] {
  const run = runOfPiece(job);
  if (run !== null)
    return field("decided by", `workflow run ${shortId(run)}: agentcore workflow show ${shortId(run)}`);
  return replayedAs === null ? [] : field("replayed", `as ${shortId(replayedAs)}`);
}

function reasonLines(title: string, { code, message }: Reason): Line[] {
  const cure = cureOf(code, "command line");
  return [...field(title, `${oneLine(message)} (${code})`), ...field("do", cure, "accent")];
}

function describeLimits(job: Job): string {
  const { limits } = job;
  const isPiece = runOfPiece(job) !== null;
  const attempts = limits.maxAttempts === 1 ? "1 attempt" : `${limits.maxAttempts} attempts`;
  return [
    `${formatDuration(limits.timeoutMs)} an attempt${isPiece ? " (the step's timeout, or what was left of the run's)" : ""}`,
    isPiece ? "started again only if its process is lost" : attempts,
    limits.maxCostUsd === undefined ? [] : formatDollars(limits.maxCostUsd),
    limits.maxTokens === undefined ? [] : `${formatCount(limits.maxTokens)} tokens`,
  ]
    .flat()
    .join(", ");
}

const stateTones = {
  queued: "plain",
  running: "accent",
  succeeded: "good",
  dead: "bad",
  cancelled: "warn",
} as const satisfies Record<JobState["kind"], Tone>;

export function stateSpan(state: JobState): Span {
  return span(
    state.kind === "running" && state.cancelRequested !== null ? "stopping" : state.kind,
    stateTones[state.kind],
  );
}

/** As `stateSpan`; a job that may not start yet also says when it may. */
function listedState(state: JobState, now: number): Span {
  if (state.kind !== "queued" || state.runAt <= now) return stateSpan(state);
  return span(`queued, due in ${formatDuration(state.runAt - now)}`, stateTones.queued);
}

/** No lines for an empty text. */
function field(title: string, text: string, tone: Tone = "plain"): Line[] {
  return text === "" ? [] : [paragraph([span(`  ${title.padEnd(11)}`, "dim"), span(text, tone)])];
}

export function deadTable(jobs: readonly JobRecord[], now: number, nameOf = shortId): Line[] {
  const columns = [
    { title: "JOB", isWhole: true },
    { title: "WORKER", mayGo: true },
    { title: "ATTEMPTS", align: "right", mayGo: true },
    { title: "COST", align: "right", mayGo: true },
    { title: "DIED", align: "right" },
    { title: "CODE", isWhole: true },
    { title: "WHY" },
  ] as const;
  return table(
    columns,
    jobs.flatMap(({ job, state, attempt, spent }) =>
      state.kind !== "dead"
        ? []
        : [
            [
              span(nameOf(job.id), "accent"),
              span(job.task.worker),
              span(String(attempt)),
              span(spent.costUsd === 0 ? "–" : formatDollars(spent.costUsd)),
              span(`${formatDuration(Math.max(0, now - state.endedAt))} ago`),
              span(state.reason.code, "bad"),
              span(cut(oneLine(state.reason.message), listColumns), "dim"),
            ],
          ],
    ),
  );
}
