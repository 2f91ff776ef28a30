/** What a running worker does now, in words, with how long it has done it. */
import { formatDuration, type JsonDocument, type OverviewDocument } from "@agentcore/contract";
import { oneLine } from "./text.ts";

type Running = JsonDocument<OverviewDocument>["running"][number];

export type ActivityFacts = Pick<
  Running,
  "activity" | "activityAt" | "tool" | "reason" | "lastOutputAt" | "startedAt"
>;

/** Of the states whose name does not say it. */
const activityWords: Partial<Record<Running["activity"], string>> = {
  waiting: "the provider has not begun to answer",
  streaming: "receives an answer",
  silent: "nothing",
  looping: "sends the same request again and again",
  finished: "reported its end, has not exited",
};

/** `receives an answer for 12s`; null for a state whose name says it. */
export function activityText(one: ActivityFacts, now: number): string | null {
  const { activity, activityAt, tool, reason, lastOutputAt, startedAt } = one;
  if (activity === "stopping" && reason !== null) return oneLine(reason);
  // A daemon of an earlier version tells no `activityAt`.
  const since = activityAt ?? lastOutputAt ?? startedAt;
  const words = activity === "tool" ? tool : activityWords[activity];
  if (words === undefined || words === null) return null;
  return since === null ? oneLine(words) : `${oneLine(words)} for ${ageOf(since, now)}`;
}

export const ageOf = (at: string, now: number): string =>
  formatDuration(wholeSeconds(Math.max(0, now - Date.parse(at))));

export const wholeSeconds = (ms: number): number => Math.round(ms / 1000) * 1000;
