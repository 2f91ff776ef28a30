/** Shows triggers and their firings to people. Documents of the API in, lines out. */
import {
  formatDuration,
  type FiringDocument,
  type Printed,
  type TriggerDetailsDocument,
  type TriggerDocument,
} from "@agentcore/contract";
import { paragraph, span, type Line, type Span, type Tone } from "./line.ts";
import { formatCount, formatDollars } from "./run-view.ts";
import { shortId, shortIdsAmong } from "./short-id.ts";
import { table } from "./table.ts";
import { oneLine } from "./text.ts";

type Trigger = Omit<Printed<TriggerDocument>, "type">;
type Firing = Printed<FiringDocument>;

const none = "–";

export function triggerTable(triggers: readonly Trigger[], now: number): Line[] {
  const hasPaused = triggers.some(({ pausedAt }) => pausedAt !== null);
  const columns = [
    { title: "TRIGGER", isWhole: true },
    { title: "STATE", isWhole: true },
    { title: "ON" },
    { title: "NEXT", align: "right", mayGo: true },
    { title: "WAITING", align: "right" },
    { title: "RUNNING", align: "right" },
    { title: "RUNS", align: "right", mayGo: true },
    { title: "SPENT", align: "right", mayGo: true },
    { title: "LAST" },
    ...(hasPaused ? [{ title: "PAUSE" }] : []),
  ] as const;
  return table(
    columns,
    triggers.map((trigger) => [
      span(trigger.id, "accent"),
      triggerStateSpan(trigger),
      span(sourceText(trigger)),
      span(nextText(trigger, now)),
      span(formatCount(trigger.waiting)),
      span(formatCount(trigger.running)),
      span(formatCount(trigger.runs)),
      span(spentText(trigger)),
      span(lastText(trigger, now), trigger.lastOutcome === "FAILED" ? "bad" : "plain"),
      ...(hasPaused ? [span(pauseText(trigger, now), "dim")] : []),
    ]),
  );
}

const triggerTones = { active: "good", paused: "warn", disabled: "dim" } as const satisfies Record<
  Trigger["state"],
  Tone
>;

const triggerStateSpan = ({ state }: Trigger): Span => span(state, triggerTones[state]);

/** `night (cron)`. */
const sourceText = ({ on, source }: Trigger): string => `${on} (${source})`;

function nextText({ state, nextFireAt }: Trigger, now: number): string {
  return state !== "active" || nextFireAt === null ? none : `in ${until(nextFireAt, now)}`;
}

function spentText({ spentUsd, spentTokens }: Trigger): string {
  if (spentUsd !== null && spentUsd > 0) return formatDollars(spentUsd);
  return spentTokens !== null && spentTokens > 0 ? `${formatCount(spentTokens)} tokens` : none;
}

function lastText({ lastOutcome, lastEndedAt }: Trigger, now: number): string {
  if (lastOutcome === null) return none;
  return lastEndedAt === null ? lastOutcome : `${lastOutcome} ${since(lastEndedAt, now)} ago`;
}

const pausers = { person: "", failures: " after failures", damage: " because its state was damaged" };

function pauseText({ pausedAt, pausedBy, pauseNote }: Trigger, now: number): string {
  if (pausedAt === null) return "";
  const note = pauseNote === null || pauseNote === "" ? "" : `: ${oneLine(pauseNote)}`;
  return `${since(pausedAt, now)} ago${pausedBy === null ? "" : pausers[pausedBy]}${note}`;
}

const since = (at: string, now: number): string => formatDuration(Math.max(0, now - Date.parse(at)));
const until = (at: string, now: number): string => formatDuration(Math.max(0, Date.parse(at) - now));

export function triggerLines(trigger: Printed<TriggerDetailsDocument>, now: number): Line[] {
  const { cooldownEndsAt, lastRun, failuresInARow } = trigger;
  const isCooling = cooldownEndsAt !== null && Date.parse(cooldownEndsAt) > now;
  return [
    [span(`${trigger.id}  `, "accent"), triggerStateSpan(trigger)],
    ...field("paused", pauseText(trigger, now), "warn"),
    ...field("on", sourceText(trigger)),
    ...field("workflow", trigger.workflow),
    ...field(
      "next",
      trigger.nextFireAt === null ? "" : `${nextText(trigger, now)}, at ${trigger.nextFireAt}`,
    ),
    ...field("waiting", formatCount(trigger.waiting)),
    ...field("running", formatCount(trigger.running)),
    ...field("runs", runsText(trigger)),
    ...field("last", lastRun === null ? "" : `${lastText(trigger, now)}, run ${shortId(lastRun)}`),
    ...field("failures", failuresInARow === 0 ? "" : `${formatCount(failuresInARow)} in a row`, "bad"),
    ...field("cooldown", isCooling ? `ends in ${until(cooldownEndsAt, now)}` : ""),
    ...field("spent", spendingText(trigger)),
    ...field("rules", rulesText(trigger)),
    ...field("skipped", skippedText(trigger.skipped)),
  ];
}

const runsText = ({ runs, maxRuns }: Printed<TriggerDetailsDocument>): string =>
  `${formatCount(runs)}${maxRuns === null ? "" : ` of ${formatCount(maxRuns)}`}`;

/** Empty without a budget if nothing was spent. */
function spendingText(trigger: Trigger): string {
  const spent = spentText(trigger);
  if (trigger.budget === null) return spent === none ? "" : spent;
  const { costUsd, tokens, per } = trigger.budget;
  const limits = [
    ...(costUsd === null ? [] : [formatDollars(costUsd)]),
    ...(tokens === null ? [] : [`${formatCount(tokens)} tokens`]),
  ];
  return `${spent === none ? "nothing" : spent} of ${limits.join(" and ")} each ${per}`;
}

function rulesText(trigger: Printed<TriggerDetailsDocument>): string {
  const { overlap, debounceMs, cooldownMs, jitterMs, maxQueue, onFailure, maxRetries } = trigger;
  const { maxChainDepth, startAt, endAt } = trigger;
  const duration = (name: string, durationMs: number): string[] =>
    durationMs === 0 ? [] : [`${name} ${formatDuration(durationMs)}`];
  return [
    `overlap ${overlap}`,
    ...duration("debounce", debounceMs),
    ...duration("cooldown", cooldownMs),
    ...duration("jitter", jitterMs),
    `at most ${formatCount(maxQueue)} wait`,
    `failure: ${onFailure}${onFailure === "ignore" ? "" : `, ${formatCount(maxRetries)} retries`}`,
    `chain up to ${formatCount(maxChainDepth)}`,
    ...(startAt === null ? [] : [`from ${startAt}`]),
    ...(endAt === null ? [] : [`until ${endAt}`]),
  ].join(", ");
}

const skippedText = (skipped: Readonly<Record<string, number>>): string =>
  Object.entries(skipped)
    .map(([code, count]) => `${formatCount(count)} ${code}`)
    .join(", ");

/** No lines for an empty text. */
function field(title: string, text: string, tone: Tone = "plain"): Line[] {
  return text === "" ? [] : [paragraph([span(`  ${title.padEnd(11)}`, "dim"), span(text, tone)])];
}

export function firingTable(firings: readonly Firing[], now: number): Line[] {
  const columns = [
    { title: "FIRING", isWhole: true },
    { title: "STATE", isWhole: true },
    { title: "EVENT", isWhole: true },
    { title: "AGE", align: "right" },
    { title: "RUN", isWhole: true },
    { title: "COST", align: "right", mayGo: true },
    { title: "WHY" },
  ] as const;
  const nameOf = shortIdsAmong(firings.flatMap(({ id, event }) => [id, event]));
  return table(
    columns,
    firings.map((firing) => [
      span(nameOf(firing.id), "accent"),
      firingStateSpan(firing),
      span(nameOf(firing.event)),
      span(since(firing.at, now)),
      span(firing.run === null ? none : shortId(firing.run)),
      span(firing.costUsd === null ? none : formatDollars(firing.costUsd)),
      span(oneLine(firing.reason ?? ""), "dim"),
    ]),
  );
}

const firingTones = {
  waiting: "plain",
  evaluating: "accent",
  running: "accent",
  analyzing: "accent",
  skipped: "dim",
  SUCCEEDED: "good",
  FAILED: "bad",
  CANCELLED: "warn",
} as const satisfies Record<string, Tone>;

/** Of one that ended, its outcome. */
export function firingStateSpan({ state, outcome }: Pick<Firing, "state" | "outcome">): Span {
  if (state !== "ended") return span(state, firingTones[state]);
  return outcome === null ? span(state) : span(outcome.toLowerCase(), firingTones[outcome]);
}
