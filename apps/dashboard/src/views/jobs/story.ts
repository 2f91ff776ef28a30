/** The story of a job, oldest first: what was decided and what happened, each with its moment and reason. */
import type { JobDecisionsDocument, JobDetailsDocument, Printed } from "@agentcore/contract";
import { countText, durationText, momentMs, moneyText } from "../../format.ts";
import type { Tone } from "../../parts/badge-tones.ts";

export type Job = Printed<JobDetailsDocument>;
export type Attempt = Job["attempts"][number];
export type Decisions = Printed<JobDecisionsDocument>;
type Permit = NonNullable<Attempt["permit"]>;

export interface Chapter {
  /** In ms since the epoch. */
  readonly at: number;
  /** Of the last of several in a row. */
  readonly until: number | null;
  /** How many in a row. */
  readonly count: number;
  readonly tone: Tone;
  readonly title: string;
  readonly text: string;
  /** Null: none. */
  readonly code: string | null;
  /** The setting that decided. */
  readonly setting: string | null;
}

const decisionTitles: Readonly<Record<string, readonly [title: string, tone: Tone]>> = {
  deferred: ["Waits", "wait"],
  rejected: ["Refused", "bad"],
  degraded: ["Granted less than asked", "warn"],
  retry: ["Tried again", "wait"],
  dead: ["Failed for good", "bad"],
  cancelled: ["Cancelled", "off"],
  lost: ["Lost its process", "bad"],
  superseded: ["Replaced by a newer job", "off"],
  parked: ["Waits", "wait"],
  stale: ["Late answer, not used", "warn"],
  replayed: ["Replayed", "good"],
};

const outcomeTones: Readonly<Record<string, Tone>> = { succeeded: "good", cancelled: "off" };

export function storyOf(job: Job, why: Decisions | null): readonly Chapter[] {
  const decisions = (why?.decisions ?? []).map(ofDecision);
  const chapters = [
    chapter(job.submittedAt, { title: "Submitted", tone: "off", text: submissionText(job) }),
    ...job.attempts.flatMap(ofAttempt),
    ...decisions,
    ...job.lateResults.map(({ attempt, at, outcome, summary }) =>
      chapter(at, {
        title: `Late result of attempt ${attempt}`,
        tone: "warn",
        text: `${outcome}: ${summary}`,
      }),
    ),
    ...ofEnd(job, why),
  ];
  // Stable: what has the same moment stays in the order above.
  return chapters.toSorted((a, b) => a.at - b.at);
}

function submissionText({ worker, model, run, maxAttempts, timeoutMs, maxCostUsd, maxTokens }: Job): string {
  const attempts = maxAttempts === 1 ? "1 attempt" : `up to ${maxAttempts} attempts`;
  return [
    model === null ? worker : `${worker} (${model})`,
    run === null ? attempts : "started again only if its process is lost",
    ...limitTexts({ timeoutMs, maxCostUsd, maxTokens }),
  ].join(" · ");
}

interface Limits {
  readonly timeoutMs: number;
  readonly maxCostUsd: number | null;
  readonly maxTokens: number | null;
}

const limitTexts = ({ timeoutMs, maxCostUsd, maxTokens }: Limits): readonly string[] => [
  `at most ${durationText(timeoutMs)}`,
  ...(maxCostUsd === null ? [] : [moneyText(maxCostUsd)]),
  ...(maxTokens === null ? [] : [`${countText(maxTokens)} tokens`]),
];

/** What a permit allows, in words. */
export const grantText = ({ grants }: Permit): string =>
  [
    grants.capabilities.join(", "),
    ...(grants.model === null ? [] : [grants.model]),
    ...limitTexts(grants),
  ].join(" · ");

function ofDecision(decision: Decisions["decisions"][number]): Chapter {
  const { type, at, lastAt, count, code, message, configuredAt } = decision;
  const [title, tone] = decisionTitles[type] ?? [type, "off"];
  return {
    ...chapter(at, { title, tone, text: message }),
    until: count > 1 ? momentMs(lastAt) : null,
    count,
    code,
    setting: configuredAt,
  };
}

function ofAttempt(attempt: Attempt): readonly Chapter[] {
  const { permit, startedAt, endedAt, outcome, summary, code } = attempt;
  const name = `attempt ${attempt.attempt}`;
  return [
    ...(permit === null
      ? []
      : [
          chapter(permit.issuedAt, {
            title: `Permit granted to ${name}`,
            tone: "good",
            text: grantText(permit),
          }),
        ]),
    ...(startedAt === null ? [] : [chapter(startedAt, { title: `Started ${name}`, tone: "busy", text: "" })]),
    ...(endedAt === null || outcome === null
      ? []
      : [
          {
            ...chapter(endedAt, {
              title: `Ended ${name}: ${outcome.replaceAll("_", " ")}`,
              tone: outcomeTones[outcome] ?? "bad",
              text: summary ?? "",
            }),
            code,
          },
        ]),
  ];
}

/** The end of the job, unless a decision says it. */
function ofEnd(job: Job, why: Decisions | null): readonly Chapter[] {
  const { state, endedAt, reason, code } = job;
  if (endedAt === null || why?.decisions.some(({ type }) => type === state) === true) return [];
  const [title, tone] = state === "succeeded" ? (["Succeeded", "good"] as const) : decisionTitles[state]!;
  return [{ ...chapter(endedAt, { title, tone, text: reason ?? "" }), code }];
}

const chapter = (at: string, told: Pick<Chapter, "title" | "tone" | "text">): Chapter => ({
  at: momentMs(at),
  until: null,
  count: 1,
  code: null,
  setting: null,
  ...told,
});
