/** Shows jobs to people: the list, and one job with all its attempts. Data in, lines out. */
import {
  cureOf,
  formatDuration,
  type AttemptDocument,
  type JobDetailsDocument,
  type JobDocument,
} from "@agentcore/contract";
import { activityText, ageOf, type ActivityFacts } from "./activity-words.ts";
import { callLines, meteredText } from "./call-screen.ts";
import { paragraph, span, type Line, type Span, type Tone } from "./line.ts";
import { formatCount, formatDollars } from "./run-view.ts";
import { artifactTitle, describeReceipt, formatBytes } from "./summary.ts";
import { table } from "./table.ts";
import { shortId } from "./short-id.ts";
import { cut, oneLine } from "./text.ts";

/** On a terminal, the table cuts this to the width. */
const listColumns = 500;
const taskColumns = 500;

/** What is the same in every document about a job. */
export type JobFacts = Omit<JobDocument, "type">;

/** What the running workers do now, by job. */
export type Activities = ReadonlyMap<string, ActivityFacts>;

/** `nameOf`: the id that is shown for a job. */
export function jobTable(
  jobs: readonly JobFacts[],
  now: number,
  nameOf = shortId,
  activities: Activities = new Map(),
): Line[] {
  const steps = jobs.some(({ run }) => run !== null);
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
    jobs.map((job) => [
      span(nameOf(job.id), "accent"),
      listedState(job, now, activities.get(job.id)),
      span(job.worker),
      span(attemptText(job)),
      span(costText(job) || "–"),
      span(formatDuration(Math.max(0, now - job.submittedAt))),
      ...(steps ? [span(pieceText(job))] : []),
      span(cut(oneLine(job.instructions), listColumns), "dim"),
    ]),
  );
}

/** Empty if nothing is known to be spent. */
const costText = ({ costUsd }: JobFacts): string =>
  costUsd === null || costUsd === 0 ? "" : formatDollars(costUsd);

/** A step's job is repeated only if it was lost; its run decides about all other repeats. */
const attemptText = ({ attempt, maxAttempts, run }: JobFacts): string =>
  run === null ? `${attempt}/${maxAttempts}` : String(attempt);

/** `2727b1d1  build, check, iteration 2`; empty for a job that is not a step of a run. */
const pieceText = (job: JobFacts): string =>
  job.run === null ? "" : `${shortId(job.run)}  ${pieceName(job)}`;

/** `build, check, iteration 2`. */
export function pieceName({
  step,
  iteration,
  labels,
}: Pick<JobFacts, "step" | "iteration" | "labels">): string {
  const check = labels["workflow.piece"] === "check" ? ["check"] : [];
  return [step, ...check, ...(iteration === null ? [] : [`iteration ${iteration}`])].join(", ");
}

/** `doing`: what its worker does now; undefined: it is not known. */
export function jobLines(job: JobDetailsDocument, now: number, doing?: ActivityFacts): Line[] {
  const labels = Object.entries(job.labels).map(([name, value]) => `${name}=${value}`);
  return [
    [span(`${shortId(job.id)}  `, "accent"), stateSpan(job)],
    ...field("id", shortId(job.id) === job.id ? "" : job.id),
    ...field("worker", [job.worker, job.model ?? []].flat().join(", model ")),
    ...field("workspace", job.workspace),
    ...field("may", job.capabilities.join(", ")),
    ...field("limits", describeLimits(job)),
    ...field("key", job.key === null ? "" : `${job.key} (${job.dedup})`),
    ...field("step of", pieceText(job)),
    ...field("labels", labels.join(", ")),
    ...field("submitted", `${formatDuration(Math.max(0, now - job.submittedAt))} ago`),
    ...field("spent", costText(job)),
    ...stateLines(job, now),
    ...field("task", cut(oneLine(job.instructions), taskColumns)),
    ...field("verify", cut(oneLine(job.verify ?? ""), taskColumns)),
    ...field("outputs", job.outputs.map(({ path }) => path).join(", ")),
    ...job.attempts.flatMap((attempt) => attemptLines(attempt, doing, now)),
    ...callLines(job.calls, job.earlierCalls),
    ...job.lateResults.map(({ attempt, outcome }) => [
      span(`  attempt ${attempt}  `, "warn"),
      span(`a late result, ${outcome}: kept but not applied, because its attempt had already ended`),
    ]),
  ];
}

function attemptLines(attempt: AttemptDocument, doing: ActivityFacts | undefined, now: number): Line[] {
  const { outcome, code, summary, durationMs, costUsd, costBasis, artifacts, containment } = attempt;
  const title = `attempt ${attempt.attempt}`;
  if (outcome === null) {
    const since = attempt.startedAt === null ? "claimed, not started" : runningText(doing, now);
    return [
      ...field(title, attempt.decision === null ? since : `ended without a result: ${attempt.decision}`),
      ...field("", meteredText(attempt)),
    ];
  }
  const cost = costUsd === null ? "" : `, ${formatDollars(costUsd)} (${costBasis})`;
  return [
    ...field(
      title,
      `${outcome}${code === null ? "" : `: ${code}`} after ${formatDuration(durationMs ?? 0)}${cost}`,
      outcome === "succeeded" ? "good" : "bad",
    ),
    ...field("", meteredText(attempt)),
    ...field("", oneLine(summary ?? "")),
    ...artifacts.flatMap((artifact) =>
      field("", `${artifactTitle(artifact)} ${artifact.path} (${formatBytes(artifact.bytes)})`),
    ),
    ...(containment === null ? [] : field("", describeReceipt(containment))),
  ];
}

function runningText(doing: ActivityFacts | undefined, now: number): string {
  if (doing === undefined) return "running";
  return `running: ${activityText(doing, now) ?? doing.activity}`;
}

function stateLines(job: JobFacts, now: number): Line[] {
  switch (job.state) {
    case "queued": {
      const waitMs = (job.runAt ?? now) - now;
      return [
        ...field("runs", waitMs > 0 ? `in ${formatDuration(waitMs)}` : "when its turn comes"),
        ...reasonLines("waits for", job),
      ];
    }
    case "running":
      return reasonLines("stopping", job);
    case "succeeded":
      return [];
    case "dead":
      return [...reasonLines("dead", job), ...replayLines(job)];
    case "cancelled":
      return reasonLines("cancelled", job);
  }
}

/** What happened to a dead job. */
function replayLines({ run, replayedAs }: JobFacts): Line[] {
  if (run !== null)
    return field("decided by", `workflow run ${shortId(run)}: agentcore workflow show ${shortId(run)}`);
  return replayedAs === null ? [] : field("replayed", `as ${shortId(replayedAs)}`);
}

function reasonLines(title: string, { code, reason }: JobFacts): Line[] {
  if (code === null) return [];
  const cure = cureOf(code, "command line");
  return [...field(title, `${oneLine(reason ?? "")} (${code})`), ...field("do", cure, "accent")];
}

function describeLimits({ run, timeoutMs, maxAttempts, maxCostUsd, maxTokens }: JobFacts): string {
  const isPiece = run !== null;
  const attempts = maxAttempts === 1 ? "1 attempt" : `${maxAttempts} attempts`;
  return [
    `${formatDuration(timeoutMs)} an attempt${isPiece ? " (the step's timeout, or what was left of the run's)" : ""}`,
    isPiece ? "started again only if its process is lost" : attempts,
    maxCostUsd === null ? [] : formatDollars(maxCostUsd),
    maxTokens === null ? [] : `${formatCount(maxTokens)} tokens`,
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
} as const satisfies Record<JobFacts["state"], Tone>;

export const stateSpan = ({ state, code }: Pick<JobFacts, "state" | "code">): Span =>
  span(state === "running" && code !== null ? "stopping" : state, stateTones[state]);

/** As `stateSpan`; a job that may not start yet also says when it may, and one that runs what its worker does, if known. */
function listedState(job: JobFacts, now: number, doing: ActivityFacts | undefined): Span {
  if (doing !== undefined && job.state === "running" && job.code === null) {
    const { activity, activityAt } = doing;
    const age = activity === "working" || activityAt === null ? "" : ` ${ageOf(activityAt, now)}`;
    return span(`running, ${activity}${age}`, stateTones.running);
  }
  if (job.runAt === null || job.runAt <= now) return stateSpan(job);
  return span(`queued, due in ${formatDuration(job.runAt - now)}`, stateTones.queued);
}

/** No lines for an empty text. */
function field(title: string, text: string, tone: Tone = "plain"): Line[] {
  return text === "" ? [] : [paragraph([span(`  ${title.padEnd(11)}`, "dim"), span(text, tone)])];
}

export function deadTable(jobs: readonly JobFacts[], now: number, nameOf = shortId): Line[] {
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
    jobs.map((job) => [
      span(nameOf(job.id), "accent"),
      span(job.worker),
      span(String(job.attempt)),
      span(costText(job) || "–"),
      span(`${formatDuration(Math.max(0, now - (job.endedAt ?? now)))} ago`),
      span(job.code ?? "", "bad"),
      span(cut(oneLine(job.reason ?? ""), listColumns), "dim"),
    ]),
  );
}
