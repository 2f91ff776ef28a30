/** The board of `top`: the overview of a daemon as lines, for a screen of any size or whole. Documents in, lines out. */
import { formatDuration, type JsonDocument, type OverviewDocument } from "@agentcore/contract";
import { activityText, ageOf, wholeSeconds } from "./activity-words.ts";
import { span, type Line, type Span, type Tone } from "./line.ts";
import { formatCount, formatDollars, formatElapsed } from "./run-view.ts";
import { approveCommand } from "./approve-command.ts";
import { shortIdsAmong } from "./short-id.ts";
import { table } from "./table.ts";
import { oneLine } from "./text.ts";

export type Board = JsonDocument<OverviewDocument>;

type Running = Board["running"][number];

export interface TopView {
  readonly board: Board;
  /** The clock of the daemon, in ms since the epoch. */
  readonly now: number;
  /** What is said in the last line. */
  readonly remark: Span;
}

interface Section {
  readonly title: string;
  /** For a screen of this width; the first may be the head of a table. */
  readonly lines: (columns: number) => readonly Line[];
  /** Lines that are shown before other sections get more than theirs. */
  readonly atLeast: number;
}

const none = "–";

/** At most as many lines as rows. */
export function topFrame(
  { board, now, remark }: TopView,
  { rows, columns }: { readonly rows: number; readonly columns: number },
): Line[] {
  const laid = sections(board, now).map(({ title, lines, atLeast }) => ({
    title,
    lines: lines(columns),
    atLeast,
  }));
  const head = headLine(board, now, columns);
  // The head, and the last line.
  const room = Math.max(0, rows - 2);
  const shares = sharesOf(laid, room);
  const body = laid.flatMap(({ title, lines }, index) => sectionLines(title, lines, shares[index] ?? 0));
  return [head, ...body.slice(0, room), [remark]].slice(0, rows);
}

/** Everything, for a pipe or a file. */
export function topLines(board: Board, now: number): Line[] {
  const wide = Number.MAX_SAFE_INTEGER;
  const body = sections(board, now).flatMap(({ title, lines }) => sectionLines(title, lines(wide), Infinity));
  return [headLine(board, now, wide), ...body];
}

/** How many rows each section gets, with its title and the empty line before it. First what each needs least, then in order. */
function sharesOf(
  laid: readonly { readonly lines: readonly Line[]; readonly atLeast: number }[],
  room: number,
): readonly number[] {
  const frame = 2;
  let left = room;
  const shares = laid.map(({ lines, atLeast }) => {
    const share = Math.min(left, frame + Math.min(lines.length, atLeast));
    // A title alone says nothing.
    const given = share > frame ? share : 0;
    left -= given;
    return given;
  });
  return shares.map((share, index) => {
    if (share === 0) return 0;
    const more = Math.min(left, frame + (laid[index]?.lines.length ?? 0) - share);
    left -= more;
    return share + more;
  });
}

function sectionLines(title: string, lines: readonly Line[], share: number): Line[] {
  if (share === 0) return [];
  const room = share - 2;
  const hidden = lines.length > room ? lines.length - room + 1 : 0;
  const shown = hidden > 0 ? lines.slice(0, Math.max(0, room - 1)) : lines;
  const more: Line[] = hidden > 0 ? [[span(`… ${formatCount(hidden)} more`, "dim")]] : [];
  return [[], [span(title, "strong")], ...shown, ...more];
}

/** What is less important is left out where there is little room. */
function headLine(board: Board, now: number, columns: number): Line {
  const { name, ready, startedAt, queue, spentTodayUsd, budgets, pressure } = board;
  const day = budgets.find(
    ({ scope, kind, window }) => scope === "global" && kind === "cost_usd" && window === "day",
  );
  const spent = spentTodayUsd === null ? none : formatDollars(spentTodayUsd);
  const parts: Span[] = [
    span(name ?? "daemon", "strong"),
    span(ready, ready === "ready" ? "good" : "warn"),
    span(`${formatCount(queue.running)} running`, queue.running > 0 ? "accent" : "plain"),
    span(`${formatCount(queue.ready)} waiting`),
    span(`${spent} today${day === undefined ? "" : ` of ${formatDollars(day.limit)}`}`),
    ...(pressure === null
      ? [span("the runtime does not answer", "bad" as const)]
      : pressure === "accept"
        ? []
        : [span(`backpressure: ${pressure}`, "warn" as const)]),
    ...(queue.dead === 0 ? [] : [span(`${formatCount(queue.dead)} dead`, "bad" as const)]),
    ...(queue.delayed === 0 ? [] : [span(`${formatCount(queue.delayed)} delayed`)]),
    span(`up ${ageOf(startedAt, now)}`, "dim"),
  ];
  const kept: Span[] = [];
  let width = 0;
  for (const part of parts) {
    width += part.text.length + (kept.length === 0 ? 0 : 3);
    if (width > columns && kept.length > 0) break;
    kept.push(...(kept.length === 0 ? [part] : [span(" · "), part]));
  }
  return kept;
}

function sections(board: Board, now: number): readonly Section[] {
  const all: readonly (Section & { readonly isEmpty?: boolean })[] = [
    {
      title: "NEEDS ATTENTION",
      lines: () => board.attention.map((one) => attentionLine(one, now)),
      atLeast: 3,
      isEmpty: board.attention.length === 0,
    },
    { title: "RUNNING", lines: fitted(() => runningLines(board.running, now)), atLeast: 4 },
    {
      title: "WAITING",
      lines: fitted(() => waitingLines(board.waiting, now)),
      atLeast: 3,
      isEmpty: board.waiting.length === 0,
    },
    {
      title: "WORKFLOW RUNS",
      lines: fitted(() => runLines(board.runs, now)),
      atLeast: 3,
      isEmpty: board.runs.length === 0,
    },
    {
      title: "BREAKERS",
      lines: () => board.breakers.map((one) => breakerLine(one, now)),
      atLeast: 2,
      isEmpty: board.breakers.length === 0,
    },
    {
      title: "BUDGETS",
      lines: fitted(() => budgetLines(board.budgets)),
      atLeast: 2,
      isEmpty: board.budgets.length === 0,
    },
    {
      title: "TRIGGERS",
      lines: fitted(() => triggerLines(board, now)),
      atLeast: 2,
      isEmpty: board.triggers.length === 0,
    },
  ];
  return all.filter(({ isEmpty }) => isEmpty !== true);
}

const fitted =
  (lines: () => readonly Line[]) =>
  (columns: number): readonly Line[] =>
    columns === Number.MAX_SAFE_INTEGER ? lines() : lines().flatMap((line) => line.fit?.(columns) ?? [line]);

const attentionTones: Readonly<Record<Board["attention"][number]["kind"], Tone>> = {
  unready: "bad",
  survivors: "bad",
  escalation: "bad",
  approval: "warn",
  dead_letters: "warn",
  trigger_paused: "warn",
};

function attentionLine({ kind, text, at, run, step }: Board["attention"][number], now: number): Line {
  const age = at === null ? "" : `  ${ageOf(at, now)} ago`;
  const how = kind === "approval" && run !== null && step !== null ? `  ${approveCommand(run, step)}` : "";
  return [
    span("! ", attentionTones[kind]),
    span(oneLine(text), attentionTones[kind]),
    span(age, "dim"),
    span(how),
  ];
}

const activityTones: Readonly<Record<Running["activity"], Tone>> = {
  starting: "dim",
  working: "good",
  waiting: "accent",
  streaming: "good",
  tool: "accent",
  silent: "warn",
  looping: "warn",
  finished: "good",
  stopping: "warn",
};

function runningLines(running: readonly Running[], now: number): readonly Line[] {
  if (running.length === 0) return [[span("nothing runs", "dim")]];
  const nameOf = shortIdsAmong(running.map(({ job }) => job));
  const hasSteps = running.some(({ step }) => step !== null);
  const titles = [
    { title: "JOB", isWhole: true },
    { title: "STATE", isWhole: true },
    { title: "WORKER", mayGo: true },
    ...(hasSteps ? [{ title: "STEP", mayGo: true }] : []),
    { title: "TIME", align: "right" },
    { title: "SPENT", align: "right", mayGo: true },
    { title: "DOES" },
  ] as const;
  return table(
    titles,
    running.map((one) => [
      span(nameOf(one.job), "accent"),
      span(one.activity, activityTones[one.activity]),
      span(one.model === null ? one.worker : `${one.worker} ${one.model}`),
      ...(hasSteps ? [span(one.step ?? none)] : []),
      span(one.startedAt === null ? none : elapsed(one.startedAt, now)),
      span(spentText(one)),
      span(doesText(one, now), "dim"),
    ]),
  );
}

function spentText({ costUsd, maxCostUsd, tokens, maxTokens }: Running): string {
  if (costUsd !== null || maxCostUsd !== null) {
    const ceiling = maxCostUsd === null ? "" : `/${formatDollars(maxCostUsd)}`;
    return `${costUsd === null ? none : formatDollars(costUsd)}${ceiling}`;
  }
  if (tokens === null) return none;
  return `${formatCount(tokens)}${maxTokens === null ? "" : `/${formatCount(maxTokens)}`} tokens`;
}

function doesText(one: Running, now: number): string {
  const { activity, tool, instructions } = one;
  const text = activityText(one, now);
  if (text === null) return oneLine(instructions);
  return activity === "stopping" || tool !== null ? text : `${text}: ${oneLine(instructions)}`;
}

function waitingLines(waiting: Board["waiting"], now: number): readonly Line[] {
  return table(
    [
      { title: "JOBS", align: "right" },
      { title: "CODE", isWhole: true, mayGo: true },
      { title: "SINCE", align: "right", mayGo: true },
      { title: "WHY" },
    ],
    waiting.map(({ jobs, code, oldestAt, reason }) => [
      span(formatCount(jobs)),
      span(code ?? none, code === null ? "dim" : "warn"),
      span(oldestAt === null ? none : ageOf(oldestAt, now)),
      span(oneLine(reason)),
    ]),
  );
}

function runLines(runs: Board["runs"], now: number): readonly Line[] {
  const nameOf = shortIdsAmong(runs.map(({ id }) => id));
  return table(
    [
      { title: "RUN", isWhole: true },
      { title: "NAME" },
      { title: "STATE", isWhole: true },
      { title: "DONE", align: "right" },
      { title: "FAILED", align: "right" },
      { title: "AT WORK", align: "right", mayGo: true },
      { title: "SPENT", align: "right", mayGo: true },
      { title: "AGE", align: "right", mayGo: true },
    ],
    runs.map((run) => [
      span(nameOf(run.id), "accent"),
      span(oneLine(run.name)),
      span(run.state, run.state === "RUNNING" ? "accent" : "warn"),
      span(`${formatCount(run.done)}/${formatCount(run.steps)}`),
      span(formatCount(run.failed), run.failed > 0 ? "bad" : "plain"),
      span(formatCount(run.running)),
      span(
        `${run.costUsd === null ? none : formatDollars(run.costUsd)}${run.maxCostUsd === null ? "" : `/${formatDollars(run.maxCostUsd)}`}`,
      ),
      span(ageOf(run.submittedAt, now)),
    ]),
  );
}

function breakerLine({ name, state, probeAt }: Board["breakers"][number], now: number): Line {
  const next =
    probeAt === null ? "" : `, tried again in ${formatDuration(Math.max(0, Date.parse(probeAt) - now))}`;
  return [span(name, "bad"), span(` is ${state.replaceAll("_", " ")}${next}`)];
}

function budgetLines(budgets: Board["budgets"]): readonly Line[] {
  return table(
    [
      { title: "SCOPE" },
      { title: "PER", isWhole: true },
      { title: "SPENT", align: "right" },
      { title: "HELD", align: "right", mayGo: true },
      { title: "LIMIT", align: "right" },
      { title: "LEFT", align: "right" },
    ],
    budgets.map(({ scope, kind, window, limit, held, spent, left }) => {
      const amount = (value: number): string =>
        kind === "cost_usd" ? formatDollars(value) : `${formatCount(value)} tokens`;
      const tone: Tone = left <= 0 ? "bad" : left / limit < 0.2 ? "warn" : "good";
      return [
        span(oneLine(scope)),
        span(window ?? "total"),
        span(amount(spent)),
        span(amount(held)),
        span(amount(limit)),
        span(amount(left), tone),
      ];
    }),
  );
}

function triggerLines({ triggers, pauses }: Board, now: number): readonly Line[] {
  const paused = new Set(pauses.map(({ trigger }) => trigger));
  return table(
    [
      { title: "TRIGGER" },
      { title: "NEXT", align: "right" },
      { title: "WAITING", align: "right" },
      { title: "RUNNING", align: "right" },
    ],
    triggers.map(({ name, nextAt, waiting, running }) => [
      span(oneLine(name)),
      paused.has(name)
        ? span("paused", "warn")
        : span(nextAt === null ? none : formatDuration(wholeSeconds(Math.max(0, Date.parse(nextAt) - now)))),
      span(formatCount(waiting)),
      span(formatCount(running)),
    ]),
  );
}

const elapsed = (at: string, now: number): string => formatElapsed(Math.max(0, now - Date.parse(at)));
