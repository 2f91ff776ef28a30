/**
 * `why`: shows each decision about a job, oldest first, with its code, its count, its evidence, and the setting that
 * decided. A denial of the gate names its limit; a job that waits for its turn names the jobs ahead.
 */
import { cureOf, formatDuration, type JobDecisionsDocument } from "@agentcore/contract";
import { stateSpan } from "./job-screen.ts";
import { paragraph, span, type Line } from "./line.ts";
import { shortId } from "./short-id.ts";
import { oneLine } from "./text.ts";

type Decision = JobDecisionsDocument["decisions"][number];

const aheadShownMax = 5;

export function whyLines(job: JobDecisionsDocument, now: number): Line[] {
  const { decisions } = job;
  const head: Line = [span(`${shortId(job.id)}  `, "accent"), stateSpan(job)];
  const rest = [...turnLines(job, now), ...leftLines(job), ...costLines(job)];
  if (decisions.length === 0) return [head, ...rest, ...nothingLines(job, now)];
  return [head, ...decisions.flatMap((decision) => decisionLines(decision, now)), ...rest];
}

function decisionLines(decision: Decision, now: number): Line[] {
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
      ? [indented(`${setting}: ${decision.configuredAt ?? "its default"}`, "accent")]
      : []),
    ...(cure === "" ? [] : [indented(cure, "accent")]),
  ];
}

function costLines({ cost }: JobDecisionsDocument): Line[] {
  if (cost === null) return [];
  const prices = `prices: ${cost.prices ?? "none are set"}; unpriced: ${cost.unpriced ?? "its default"}`;
  return [indented(oneLine(cost.note)), indented(prices, "accent")];
}

function leftLines({ left }: JobDecisionsDocument): Line[] {
  if (left.length === 0) return [];
  return [
    ...left.map((each) => indented(oneLine(each))),
    indented("nothing else starts there until it is gone; agentcore doctor says how to end it", "accent"),
  ];
}

function turnLines(job: JobDecisionsDocument, now: number): Line[] {
  const { state, run, runAt, decisions, ahead, blockedBy } = job;
  if (state !== "queued") return [];
  if (run !== null) {
    return [
      indented(`it is a step of workflow run ${shortId(run)} and starts only in that run`),
      indented(`if its process has ended, continue with agentcore workflow resume ${shortId(run)}`, "accent"),
    ];
  }
  const delay = decisions.length === 0 ? delayOf(runAt, now) : null;
  if (delay !== null) return [indented(delay)];
  const blocked = blockedBy === null ? [] : [indented(`${shortId(blockedBy)} runs in the same workspace`)];
  if (ahead.length === 0) return blocked;
  const shown = ahead
    .slice(0, aheadShownMax)
    .map(({ id, code }) => `${shortId(id)}${code === null ? "" : ` (${code})`}`);
  const more = ahead.length > aheadShownMax ? `, and ${ahead.length - aheadShownMax} more` : "";
  const line = indented(`queued behind ${shown.join(", ")}${more}`);
  const isMoving = blockedBy !== null || ahead.some(({ code }) => code !== null);
  const hint = "if no process runs the queue, start one: agentcore work";
  return [...blocked, line, ...(isMoving ? [] : [indented(hint, "accent")])];
}

/** Null for a job that is due. */
function delayOf(runAt: number | null, now: number): string | null {
  if (runAt === null || runAt <= now) return null;
  const time = new Date(runAt).toISOString().replace(/\.\d+Z$/, "Z");
  return `it was submitted with a delay: not before ${time}, in ${formatDuration(runAt - now)}`;
}

function nothingLines(job: JobDecisionsDocument, now: number): Line[] {
  switch (job.state) {
    case "queued":
      if (job.run !== null) return [];
      return job.ahead.length > 0 || job.blockedBy !== null || delayOf(job.runAt, now) !== null
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
