/** `budget`: shows every limit as a tree, and how much of it is held, spent, and left; then what is held, and what calls cost. */
import type { BudgetDocument, CallSpendDocument, HoldDocument, PricingDocument } from "@agentcore/contract";
import { formatDuration } from "@agentcore/contract";
import { wholeSeconds } from "./activity-words.ts";
import { paragraph, span, type Line, type Span, type Tone } from "./line.ts";
import { formatCount, formatDollars } from "./run-view.ts";
import { shortIdsAmong } from "./short-id.ts";
import { table } from "./table.ts";
import { oneLine } from "./text.ts";
import { unpricedWords } from "./unpriced.ts";

type BudgetFacts = Omit<BudgetDocument, "type">;
type HoldFacts = Omit<HoldDocument, "type">;

const none = span("–", "dim");

const limitColumns = [
  { title: "SCOPE" },
  { title: "UNIT", isWhole: true },
  { title: "PER", isWhole: true },
  { title: "LIMIT", align: "right" },
  { title: "HELD", align: "right", mayGo: true },
  { title: "SPENT", align: "right" },
  { title: "LEFT", align: "right" },
] as const;

/** The tree: `global`, the tenants, workers and providers in it, and in these the jobs that hold something. */
export function budgetLines(
  levels: readonly BudgetFacts[],
  holds: readonly HoldFacts[],
  unpriced: PricingDocument["unpriced"],
): Line[] {
  if (levels.length === 0) {
    return [[span("No cost or token limit is set; see `limits` in `agentcore schema`.", "dim")]];
  }
  const scopes = Map.groupBy(levels, ({ scope }) => scope);
  const jobs = jobsByScope(scopes, holds);
  const rows = ["global", ...[...scopes.keys()].filter((scope) => scope !== "global")].flatMap((scope) => {
    const depth = scope === "global" ? 0 : 1;
    return [
      ...scopeRows(scope, depth, scopes.get(scope) ?? []),
      ...(jobs.get(scope) ?? []).flatMap(({ name, limits }) => scopeRows(`job:${name}`, depth + 1, limits)),
    ];
  });
  const notes = [
    ["tenant:*", "tenant:* is each further tenant, separately; a run without a tenant counts in none."],
    ["job:*", "job:* is each job, over all its attempts."],
  ] as const;
  const price = paragraph([span(`Without a price for its model, ${unpricedWords[unpriced]}.`, "dim")]);
  return [
    ...table(limitColumns, rows),
    price,
    ...notes.filter(([scope]) => scopes.has(scope)).map(([, text]) => paragraph([span(text, "dim")])),
  ];
}

interface JobNode {
  readonly name: string;
  readonly limits: readonly (Omit<BudgetFacts, "scope" | "window"> & { readonly window: null })[];
}

/** Under the innermost scope of the job that has a limit. */
function jobsByScope(
  scopes: ReadonlyMap<string, unknown>,
  holds: readonly HoldFacts[],
): ReadonlyMap<string, readonly JobNode[]> {
  const limited = holds.filter(({ job }) => job.length > 0);
  const jobs = [...Map.groupBy(limited, ({ jobId }) => jobId).values()].flatMap(([hold]) => hold ?? []);
  const nameOf = shortIdsAmong(jobs.map(({ jobId }) => jobId));
  const nodes = jobs.map(({ jobId, worker, provider, tenant, job }) => {
    const all = [`worker:${worker}`, `provider:${provider}`, `tenant:${tenant}`];
    const limits = job.map((limit) => ({ ...limit, window: null }));
    return { parent: all.find((scope) => scopes.has(scope)) ?? "global", name: nameOf(jobId), limits };
  });
  return Map.groupBy(nodes, ({ parent }) => parent);
}

/** A row for each limit of the scope, with its name in the first one. A scope without a limit is there for those below it. */
function scopeRows(
  name: string,
  depth: number,
  limits: readonly Omit<BudgetFacts, "scope">[],
): readonly (readonly Span[])[] {
  const first = span(`${"  ".repeat(depth)}${oneLine(name)}`);
  if (limits.length === 0) return [[first, none, none, span("none", "dim"), none, none, none]];
  return limits.map((limit, index) => [index === 0 ? first : span(""), ...cells(limit)]);
}

/** What attempts that have not ended hold, and whose process that is; nothing if there are none. */
export function holdLines(holds: readonly HoldFacts[], now: number): Line[] {
  if (holds.length === 0) return [];
  const jobName = shortIdsAmong(holds.map(({ jobId }) => jobId));
  const permitName = shortIdsAmong(holds.map(({ permitId }) => permitId));
  const columns = [
    { title: "HELD BY PERMIT", isWhole: true },
    { title: "JOB", isWhole: true },
    { title: "ATTEMPT", align: "right", mayGo: true },
    { title: "WORKER", mayGo: true },
    { title: "DOLLARS", align: "right" },
    { title: "TOKENS", align: "right", mayGo: true },
    { title: "FOR", align: "right" },
    { title: "OWNER", isWhole: true },
  ] as const;
  const rows = holds.map(({ permitId, jobId, attempt, worker, costUsd, tokens, heldAt, owner }) => [
    span(permitName(permitId)),
    span(jobName(jobId)),
    span(formatCount(attempt)),
    span(oneLine(worker)),
    costUsd === 0 ? none : span(formatDollars(costUsd)),
    tokens === 0 ? none : span(formatCount(tokens)),
    span(formatDuration(wholeSeconds(Math.max(0, now - heldAt)))),
    span(`${owner.pid} ${owner.state}`, owner.state === "dead" ? "warn" : "plain"),
  ]);
  const isOrphaned = holds.some(({ owner }) => owner.state === "dead");
  const note = "What a dead process held is charged when the next runtime of this state directory starts.";
  return [[span("")], ...table(columns, rows), ...(isOrphaned ? [paragraph([span(note, "dim")])] : [])];
}

/** What calls through the spend gate cost, by worker, model and tenant; nothing if there were none. */
export function callSpendLines({
  sinceAt,
  workers,
  models,
  tenants,
}: Omit<CallSpendDocument, "type">): Line[] {
  if (workers.length === 0) return [];
  const since = new Date(sinceAt).toISOString().slice(0, "2026-11-30".length);
  const rows = Object.entries({ worker: workers, model: models, tenant: tenants }).flatMap(
    ([kind, entries]) =>
      entries.map(({ name, calls, tokens, costUsd, heldUsd }) => [
        span(name === null ? `no ${kind}` : `${kind}:${oneLine(name)}`),
        span(formatCount(calls)),
        span(formatCount(tokens)),
        span(heldUsd === 0 ? "–" : formatDollars(heldUsd)),
        span(formatDollars(costUsd)),
      ]),
  );
  const columns = [
    { title: "SPENT BY" },
    { title: "CALLS", align: "right" },
    { title: "TOKENS", align: "right", mayGo: true },
    { title: "OPEN", align: "right", mayGo: true },
    { title: "SPENT", align: "right" },
  ] as const;
  const note = span(`By the calls through the spend gate since ${since}, of jobs that are kept.`, "dim");
  return [[span("")], ...table(columns, rows), paragraph([note])];
}

function cells({ kind, window, limit, held, spent, left }: Omit<BudgetFacts, "scope">): Span[] {
  const amount = (value: number): string => (kind === "cost_usd" ? formatDollars(value) : formatCount(value));
  return [
    span(kind === "cost_usd" ? "usd" : kind),
    span(window ?? "total"),
    span(amount(limit)),
    span(amount(held)),
    span(amount(spent)),
    span(amount(left), toneOf(left / limit)),
  ];
}

function toneOf(share: number): Tone {
  if (share <= 0) return "bad";
  return share < 0.2 ? "warn" : "good";
}
