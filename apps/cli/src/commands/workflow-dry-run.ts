/** `agentcore workflow run --dry-run`: says what a run would do, and starts nothing. */
import { formatDuration } from "@agentcore/contract";
import {
  cacheForecasts,
  dryRun,
  type Budget,
  type CacheForecast,
  type DryRun,
  type PlannedStep,
  type Workflow,
} from "@agentcore/workflow";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { isDelivered } from "../output.ts";
import { loadOptionsConfig, type StateOptions } from "../queue/open-queue.ts";
import { span, type Line, type Span } from "../screen/line.ts";
import { formatDollars } from "../screen/run-view.ts";
import { table } from "../screen/table.ts";
import { plainScreen } from "../screen/terminal.ts";
import { oneLine } from "../screen/text.ts";
import { resolveStateDir } from "../state/state-dir.ts";

export interface DryRunOptions extends StateOptions {
  readonly input?: Readonly<Record<string, string>>;
  /** False for `--no-cache`. */
  readonly cache?: boolean;
}

/** By the path of a step's ids. */
type Forecasts = ReadonlyMap<string, CacheForecast>;

export async function showDryRun(
  workflow: Workflow,
  { budget, workspace }: { readonly budget: Budget | null; readonly workspace: string },
  options: DryRunOptions,
  io: Io,
): Promise<number> {
  const asked = { workflow, inputs: options.input, ...(budget === null ? {} : { budget }) };
  const plan = dryRun(asked);
  let forecasts: Forecasts = new Map();
  if (options.cache !== false && usesCache(plan.steps)) {
    const loaded = await loadOptionsConfig(options, io);
    const { stepCache: directory } = resolveStateDir(options.stateDir, loaded, io.cwd, io.env);
    forecasts = await cacheForecasts(plan, { ...asked, workspace, directory });
  }
  if (options.json === true) io.stdout.json(documentOf(plan, forecasts));
  else plainScreen(io.stdout).print(planLines(plan, forecasts));
  return (await isDelivered(io.stdout)) ? exitCodes.succeeded : exitCodes.failed;
}

function usesCache(steps: readonly PlannedStep[]): boolean {
  return steps.some(({ step, inner }) => step.cache !== null || usesCache(inner));
}

function documentOf({ steps, ...plan }: DryRun, forecasts: Forecasts) {
  return { type: "dry_run", ...plan, steps: steps.map((step) => stepDocument(step, "", forecasts)) };
}

interface StepDocument {
  readonly id: string;
  readonly [key: string]: unknown;
}

function stepDocument(
  { id, step, round, skipped, budget, inner }: PlannedStep,
  above: string,
  forecasts: Forecasts,
): StepDocument {
  const { action, loop, retry } = step;
  const work = action.kind === "worker" ? action.work : null;
  return {
    id,
    step: step.id,
    round,
    skipped,
    dependsOn: step.dependsOn,
    condition: step.condition,
    matrixLists: Object.fromEntries(step.matrixLists),
    secrets: step.secrets,
    worker: work?.worker ?? null,
    model: work?.model ?? null,
    capabilities: work?.capabilities ?? [],
    workflow: action.kind === "workflow" ? action.workflow.file : null,
    approval:
      action.kind === "approval"
        ? { message: action.message, who: action.who, timeoutMs: action.timeoutMs }
        : null,
    isFinal: step.isFinal,
    check: loop === null ? null : { worker: loop.check.worker, maxIterations: loop.maxIterations },
    timeoutMs: step.timeoutMs,
    maxRetries: step.maxRetries,
    retry,
    onFailure: step.onFailure,
    isolation: step.isolation,
    budget,
    artifacts: step.outputs.map(({ name }) => name),
    values: step.values.map(({ name }) => name),
    cache: forecasts.get(`${above}${id}`) ?? null,
    steps: inner.map((one) => stepDocument(one, `${above}${id}/`, forecasts)),
  };
}

function planLines(plan: DryRun, forecasts: Forecasts): Line[] {
  const columns = ["ROUND", "STEP", "WORKER", "AFTER", "DETAILS"].map((title) => ({ title }));
  const { budget, concurrency, group, notifiesOn, timeoutMs } = plan;
  const limits = [
    `at most ${formatDuration(timeoutMs)}`,
    ...(concurrency === null ? [] : [`${concurrency} at once`]),
    ...(group === null ? [] : [`one run of the group ${oneLine(group)} at a time`]),
    ...(notifiesOn.length === 0 ? [] : [`notifies on ${notifiesOn.join(", ")}`]),
    ...(budget === null ? [] : [`up to ${amountText(budget)}`]),
  ];
  return [
    [span(oneLine(plan.name), "strong"), span(`  ${limits.join(", ")}`, "dim")],
    ...table(
      columns,
      plan.steps.flatMap((step) => rowsOf(step, "", forecasts)),
    ),
    [],
    [span("Nothing was started. Steps with the same number may start together.", "dim")],
  ];
}

function rowsOf(planned: PlannedStep, above: string, forecasts: Forecasts): Span[][] {
  const { id, step, round, skipped, inner } = planned;
  const { action } = step;
  const path = `${above}${id}`;
  const details = [...detailsOf(planned), ...cacheDetails(forecasts.get(path))];
  const worker =
    action.kind === "workflow"
      ? `workflow ${action.workflow.name}`
      : action.kind === "approval"
        ? "approval"
        : [action.work.worker, action.work.model].filter(Boolean).join(" ");
  const own = [
    span(above === "" ? (round === null ? "skip" : String(round)) : "", skipped === null ? "plain" : "dim"),
    span(oneLine(path)),
    span(oneLine(worker)),
    span(oneLine(step.dependsOn.join(", "))),
    span(oneLine(details.join("; ")), "dim"),
  ];
  return [own, ...inner.flatMap((one) => rowsOf(one, `${path}/`, forecasts))];
}

function detailsOf({ step, skipped, budget }: PlannedStep): string[] {
  const { action, loop, maxRetries, timeoutMs, condition, isFinal, isolation, matrixLists, secrets } = step;
  if (skipped !== null) return [skipped];
  return [
    ...(isFinal ? ["finally"] : []),
    ...(action.kind === "approval" ? approvalDetails(action) : []),
    ...(condition === null ? [] : [`if ${condition.trim()}`]),
    ...[...matrixLists].map(([key, text]) => `for each ${key} in ${text}`),
    ...(secrets.length === 0 ? [] : [`gets ${secrets.join(", ")}`]),
    ...(loop === null
      ? []
      : [`until ${loop.check.worker} finds it complete, at most ${loop.maxIterations} times`]),
    ...(maxRetries === 0 ? [] : [`${maxRetries} ${maxRetries === 1 ? "retry" : "retries"}`]),
    ...(timeoutMs === null ? [] : [`at most ${formatDuration(timeoutMs)}`]),
    ...(isolation === "worktree" ? ["own worktree"] : []),
    ...(budget === null ? [] : [`up to ${amountText(budget)}`]),
  ];
}

function cacheDetails(forecast: CacheForecast | undefined): string[] {
  if (forecast === undefined) return [];
  const { state, reason } = forecast;
  const text = { hit: "cached", miss: "not in the cache", unknown: "not known whether it is cached" }[state];
  return [reason === "" ? text : `${text}: ${reason}`];
}

function approvalDetails({
  message,
  who,
  timeoutMs,
}: Extract<PlannedStep["step"]["action"], { kind: "approval" }>): string[] {
  return [
    message,
    ...(who.length === 0 ? [] : [`asks ${who.join(", ")}`]),
    ...(timeoutMs === null ? [] : [`waits at most ${formatDuration(timeoutMs)}`]),
  ];
}

function amountText({ costUsd, tokens }: Budget): string {
  const parts = [
    ...(costUsd === null ? [] : [formatDollars(costUsd)]),
    ...(tokens === null ? [] : [`${tokens} tokens`]),
  ];
  return parts.join(" and ");
}
