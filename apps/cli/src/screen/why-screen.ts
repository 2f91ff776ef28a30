/**
 * `why`: shows each decision about a job, oldest first, with its code, its count, its evidence, and the setting that
 * decided. A denial of the gate names its limit; a job that waits for its turn names the jobs ahead.
 */
import { cureOf, formatDuration } from "@agentcore/contract";
import { runOfPiece, type Decision, type WhyReport } from "@agentcore/scheduler";
import { stateSpan } from "./job-screen.ts";
import { paragraph, span, type Line } from "./line.ts";
import { shortId } from "./short-id.ts";
import { oneLine } from "./text.ts";

export interface WhyFacts extends Pick<WhyReport, "record" | "decisions" | "ahead" | "blockedBy"> {
  /** Place of a setting in the configuration file; null if it has its default. */
  readonly placeOf: (setting: string) => string | null;
  readonly now: number;
  /** Processes left by runs of the job or in its workspace, in words. */
  readonly left: readonly string[];
}

const aheadShownMax = 5;

export function whyLines(facts: WhyFacts): Line[] {
  const { record, decisions, now } = facts;
  const head: Line = [span(`${shortId(record.job.id)}  `, "accent"), stateSpan(record.state)];
  const rest = [...turnLines(facts), ...leftLines(facts), ...costLines(facts)];
  if (decisions.length === 0) return [head, ...rest, ...nothingLines(facts)];
  const decided = decisions.flatMap((decision) => decisionLines(decision, facts, now));
  return [head, ...decided, ...rest];
}

function decisionLines(decision: Decision, { placeOf }: WhyFacts, now: number): Line[] {
  const ago = `${formatDuration(Math.max(0, now - decision.lastAt))} ago`;
  const often =
    decision.count > 1
      ? ` ×${decision.count} in ${formatDuration(Math.max(0, decision.lastAt - decision.at))}`
      : "";
  const attempt = decision.attempt > 0 ? ` attempt ${decision.attempt}` : "";
  const { setting, ...evidence } = decision.evidence;
  const facts = Object.entries(evidence).map(
    ([name, value]) => `${name}=${typeof value === "string" ? oneLine(value) : JSON.stringify(value)}`,
  );
  const cure = cureOf(decision.code, "command line");
  return [
    [
      span(`  ${ago.padStart(12)}  `, "dim"),
      span(`${decision.type}${often}${attempt}`, "strong"),
      span(`  ${decision.code}`, "warn"),
    ],
    indented(oneLine(decision.message)),
    ...(facts.length === 0 ? [] : [indented(facts.join("  "), "dim")]),
    ...(typeof setting === "string"
      ? [indented(`${setting}: ${placeOf(setting) ?? "its default"}`, "accent")]
      : []),
    ...(cure === "" ? [] : [indented(cure, "accent")]),
  ];
}

function costLines({ record, placeOf }: WhyFacts): Line[] {
  const note = record.result?.costNote;
  if (note === undefined) return [];
  const prices = `prices: ${placeOf("prices") ?? "none are set"}; unpriced: ${placeOf("unpriced") ?? "its default"}`;
  return [indented(oneLine(note)), indented(prices, "accent")];
}

function leftLines({ left }: WhyFacts): Line[] {
  if (left.length === 0) return [];
  return [
    ...left.map((each) => indented(oneLine(each))),
    indented("nothing else starts there until it is gone; agentcore doctor says how to end it", "accent"),
  ];
}

function turnLines({ record, decisions, ahead, blockedBy, now }: WhyFacts): Line[] {
  if (record.state.kind !== "queued") return [];
  const run = runOfPiece(record.job);
  if (run !== null) {
    return [
      indented(`it is a step of workflow run ${shortId(run)} and starts only in that run`),
      indented(`if its process has ended, continue with agentcore workflow resume ${shortId(run)}`, "accent"),
    ];
  }
  const delay = decisions.length === 0 ? delayOf(record.state.runAt, now) : null;
  if (delay !== null) return [indented(delay)];
  const blocked = blockedBy === null ? [] : [indented(`${shortId(blockedBy)} runs in the same workspace`)];
  if (ahead.length === 0) return blocked;
  const shown = ahead
    .slice(0, aheadShownMax)
    .map(({ jobId, waitingFor }) => `${shortId(jobId)}${waitingFor === null ? "" : ` (${waitingFor.code})`}`);
  const more = ahead.length > aheadShownMax ? `, and ${ahead.length - aheadShownMax} more` : "";
  const line = indented(`queued behind ${shown.join(", ")}${more}`);
  const isMoving = blockedBy !== null || ahead.some(({ waitingFor }) => waitingFor !== null);
  const hint = "if no process runs the queue, start one: agentcore work";
  return [...blocked, line, ...(isMoving ? [] : [indented(hint, "accent")])];
}

/** Null for a job that is due. */
function delayOf(runAt: number, now: number): string | null {
  if (runAt <= now) return null;
  const time = new Date(runAt).toISOString().replace(/\.\d+Z$/, "Z");
  return `it was submitted with a delay: not before ${time}, in ${formatDuration(runAt - now)}`;
}

function nothingLines({ record, ahead, blockedBy, now }: WhyFacts): Line[] {
  switch (record.state.kind) {
    case "queued":
      if (runOfPiece(record.job) !== null) return [];
      return ahead.length > 0 || blockedBy !== null || delayOf(record.state.runAt, now) !== null
        ? []
        : [indented("nothing blocks it: it waits for a process that runs the queue (`agentcore work`)")];
    case "running":
      return [indented("it is running; no decision went against it")];
    case "succeeded":
    case "dead":
    case "cancelled":
      return [indented("no decision went against it")];
  }
}

function indented(text: string, tone: "plain" | "dim" | "accent" = "plain"): Line {
  return paragraph([span(" ".repeat(16)), span(text, tone)]);
}
