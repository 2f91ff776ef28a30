/** `agentcore workflow run --dry-run`: says what a run would do, and starts nothing. */
import { formatDuration } from "@agentcore/contract";
import { dryRun, type Budget, type DryRun, type PlannedStep, type Workflow } from "@agentcore/workflow";
import { exitCodes } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { isDelivered } from "../output.ts";
import { span, type Line, type Span } from "../screen/line.ts";
import { formatDollars } from "../screen/run-view.ts";
import { table } from "../screen/table.ts";
import { plainScreen } from "../screen/terminal.ts";
import { oneLine } from "../screen/text.ts";

export interface DryRunOptions {
  readonly json?: boolean;
  readonly input?: Readonly<Record<string, string>>;
}

export async function showDryRun(
  workflow: Workflow,
  budget: Budget | null,
  options: DryRunOptions,
  io: Io,
): Promise<number> {
  const plan = dryRun({ workflow, inputs: options.input, ...(budget === null ? {} : { budget }) });
  if (options.json === true) io.stdout.json(documentOf(plan));
  else plainScreen(io.stdout).print(planLines(plan));
  return (await isDelivered(io.stdout)) ? exitCodes.succeeded : exitCodes.failed;
}

function documentOf({ steps, ...plan }: DryRun) {
  return { type: "dry_run", ...plan, steps: steps.map(stepDocument) };
}

interface StepDocument {
  readonly id: string;
  readonly [key: string]: unknown;
}

function stepDocument({ id, step, round, skipped, budget, inner }: PlannedStep): StepDocument {
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
    steps: inner.map(stepDocument),
  };
}

function planLines(plan: DryRun): Line[] {
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
      plan.steps.flatMap((step) => rowsOf(step, "")),
    ),
    [],
    [span("Nothing was started. Steps with the same number may start together.", "dim")],
  ];
}

function rowsOf(planned: PlannedStep, above: string): Span[][] {
  const { id, step, round, skipped, inner } = planned;
  const { action } = step;
  const path = `${above}${oneLine(id)}`;
  const worker =
    action.kind === "workflow"
      ? `workflow ${action.workflow.name}`
      : action.kind === "approval"
        ? "approval"
        : [action.work.worker, action.work.model].filter(Boolean).join(" ");
  const own = [
    span(above === "" ? (round === null ? "skip" : String(round)) : "", skipped === null ? "plain" : "dim"),
    span(path),
    span(oneLine(worker)),
    span(oneLine(step.dependsOn.join(", "))),
    span(oneLine(detailsOf(planned).join("; ")), "dim"),
  ];
  return [own, ...inner.flatMap((one) => rowsOf(one, `${path}/`))];
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
