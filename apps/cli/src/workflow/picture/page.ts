/**
 * Builds an HTML page of a workflow: the picture, and below it the details of each step. Self-contained and without
 * scripts: the boxes link to the steps, whose details open automatically. Pure.
 */
import { formatDuration } from "@agentcore/contract";
import {
  durationMsOf,
  nodesWithin,
  type GraphNode,
  type StepReport,
  type WorkSpec,
  type WorkflowGraph,
} from "@agentcore/workflow";
import { basename } from "node:path";
import { escapeMarkup } from "../../markup.ts";
import { formatCount, formatDollars } from "../../screen/run-view.ts";
import { approveCommand } from "../../screen/approve-command.ts";
import { iterationsText, shownStatus, statusLabel } from "../status.ts";
import { factsOf, type PictureRun } from "./facts.ts";
import { boxClass, pageStyle } from "./style.ts";
import { svgPicture, titleOf } from "./svg.ts";

/** The page may load nothing and run nothing, regardless of its content. */
const policy = "default-src 'none'; style-src 'unsafe-inline'";

export function htmlPage(graph: WorkflowGraph, run: PictureRun | null): string {
  const nodes = nodesWithin(graph);
  const ids = new Map(nodes.map(({ path }, index) => [path, `step-${index + 1}`]));
  const linkTo = (path: string): string => `#${ids.get(path) ?? ""}`;
  const { name, description } = graph.workflow;
  return [
    "<!doctype html>",
    '<html lang="en">',
    `<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<title>${escapeMarkup(titleOf(graph, run))}</title><style>${pageStyle()}</style></head>`,
    "<body><main>",
    `<h1>${escapeMarkup(name)}</h1>`,
    description === null ? "" : `<p>${escapeMarkup(description)}</p>`,
    listOf([...(run === null ? [] : runRows(run)), ...workflowRows(graph)]),
    `<figure><div class="scroll" role="region" tabindex="0" aria-label="Graph of the steps">${svgPicture(graph, run, { linkTo })}</div>`,
    `<figcaption class="dim">${legend(nodes)}</figcaption></figure>`,
    "<h2>Steps</h2>",
    ...nodes.map((node) => stepSection(node, ids.get(node.path) ?? "", run)),
    "</main></body></html>",
    "",
  ].join("\n");
}

type Row = readonly [name: string, value: string];

function runRows(run: PictureRun): readonly Row[] {
  return [
    ["Run", run.id],
    ["State", run.outcome],
    ...(run.message === null ? [] : [["Why", run.message] as const]),
    ["Time", formatDuration(run.durationMs)],
    ["Cost", formatDollars(run.costUsd)],
  ];
}

function workflowRows({ workflow }: WorkflowGraph): readonly Row[] {
  const { budget, concurrency, inputs, timeoutMs } = workflow;
  return [
    ["Time limit", formatDuration(timeoutMs)],
    ...(concurrency === null ? [] : [["Steps at once", String(concurrency)] as const]),
    ...(budget === null ? [] : [["Budget", budgetText(budget)] as const]),
    ...(inputs.size === 0 ? [] : [["Inputs", [...inputs.keys()].join(", ")] as const]),
  ];
}

function budgetText({
  costUsd,
  tokens,
}: {
  readonly costUsd: number | null;
  readonly tokens: number | null;
}) {
  return [
    costUsd === null ? [] : formatDollars(costUsd),
    tokens === null ? [] : `${formatCount(tokens)} tokens`,
  ]
    .flat()
    .join(", ");
}

function legend(nodes: readonly GraphNode[]): string {
  const has = (test: (node: GraphNode) => boolean): boolean => nodes.some(test);
  return [
    "An arrow leads from a step to its dependants.",
    ...(has(({ step }) => step.condition !== null)
      ? ["A dashed arrow leads to a step that runs only on a condition."]
      : []),
    ...(has(({ step }) => step.loop !== null) ? ["An arrow back shows the maximum of repetitions."] : []),
    ...(has(({ step }) => step.action.kind === "approval")
      ? ["A box with points waits for an approval."]
      : []),
    ...(has(({ step }) => step.isFinal)
      ? ["Steps below the line run after all others, whatever the outcome."]
      : []),
    ...(has(({ times }) => times !== "") ? ["Stacked boxes show one step per combination."] : []),
  ].join(" ");
}

/** The summary shows how the step ended. The rest appears when it is opened, or when the picture's link leads to it. */
function stepSection(node: GraphNode, id: string, run: PictureRun | null): string {
  const { rows, state } = factsOf(node, run);
  const reports = run?.steps.get(node.path) ?? [];
  const mark =
    state === null
      ? ""
      : `<span class="${boxClass(statusLabel(state.status).tone).replace("box", "state")}">${escapeMarkup(state.text)}</span> `;
  return [
    `<details><summary>${mark}<strong>${escapeMarkup(node.path)}</strong> <span class="dim">${escapeMarkup(rows[0] ?? "")}</span></summary>`,
    `<div id="${id}" tabindex="-1">`,
    listOf([...stepRows(node), ...reportRows(reports, node.path, run)]),
    instructionsOf(node),
    "</div></details>",
  ].join("");
}

function stepRows(node: GraphNode): readonly Row[] {
  const { step } = node;
  const { action, condition, dependsOn, loop } = step;
  return [
    ...(step.description === null ? [] : [["Is for", step.description] as const]),
    ...actionRows(action),
    ...(dependsOn.length === 0 ? [] : [["Waits for", dependsOn.join(", ")] as const]),
    ...(step.isFinal ? [["Runs", "after all other steps have ended, whatever the outcome"] as const] : []),
    ...(condition === null ? [] : [["Only if", condition] as const]),
    ...(loop === null ? [] : loopRows(loop)),
    ...matrixRows(step),
    ...limitRows(step),
  ];
}

function actionRows(action: GraphNode["step"]["action"]): readonly Row[] {
  switch (action.kind) {
    case "worker":
      return workRows(action.work);
    case "workflow":
      return [["Workflow", basename(action.workflow.file)]];
    case "approval":
      return [
        ["Asks", action.message],
        ["May answer", action.who.length === 0 ? "everybody" : action.who.join(", ")],
        ...(action.timeoutMs === null ? [] : [["Longest wait", formatDuration(action.timeoutMs)] as const]),
      ];
  }
}

function matrixRows({ matrix, matrixLists }: GraphNode["step"]): readonly Row[] {
  const known = [...matrix].map(([key, values]) => `${key}: ${values.join(", ")}`);
  const lists = [...matrixLists].map(([key, text]) => `${key}: ${text}`);
  const text = [...known, ...lists].join("; ");
  return text === "" ? [] : [["Matrix", text]];
}

function workRows({ worker, model, capabilities }: WorkSpec): readonly Row[] {
  return [
    ["Worker", model === null ? worker : `${worker}, model ${model}`],
    ["May", capabilities.join(", ")],
  ];
}

function loopRows({ maxIterations, check }: NonNullable<GraphNode["step"]["loop"]>): readonly Row[] {
  return [
    ["Repeated", `up to ${maxIterations} times, until ${check.worker} finds it complete`],
    ["Check", check.instructions],
  ];
}

function limitRows({
  budget,
  isolation,
  maxRetries,
  onFailure,
  timeoutMs,
  verify,
}: GraphNode["step"]): readonly Row[] {
  return [
    ...(timeoutMs === null ? [] : [["Time limit", formatDuration(timeoutMs)] as const]),
    ...(budget === null ? [] : [["Budget", budgetText(budget)] as const]),
    ...(maxRetries === 0 ? [] : [["Retries", String(maxRetries)] as const]),
    ...(onFailure === "continue" ? [["After a failure", "the run goes on"] as const] : []),
    ...(isolation === "none" ? [] : [["Isolation", "its own git worktree"] as const]),
    ...(verify === null ? [] : [["Verified by", verify] as const]),
  ];
}

/** One row for each instance of the step in the run. */
function reportRows(reports: readonly StepReport[], path: string, run: PictureRun | null): readonly Row[] {
  const above = path.slice(0, path.lastIndexOf("/") + 1);
  return reports.map((report) => {
    const { id, status, reason, attempts, costUsd, tokens, artifacts, approval, cacheMiss } = report;
    const durationMs = durationMsOf(report);
    const parts = [
      statusLabel(shownStatus(report)).text,
      ...(status === "WAITING" && approval !== null
        ? [approval.message, approveCommand(run?.id ?? "RUN", `${above}${id}`)]
        : []),
      iterationsText(report),
      cacheMiss === null ? "" : `not in the cache: ${cacheMiss}`,
      attempts > 1 ? `${attempts} attempts` : "",
      durationMs === null ? "" : formatDuration(durationMs),
      costUsd === null ? "" : formatDollars(costUsd),
      tokens > 0 ? `${formatCount(tokens)} tokens` : "",
      artifacts.length === 0 ? "" : `left ${artifacts.join(", ")}`,
      reason,
    ];
    return [id, parts.filter((part) => part !== "").join("; ")];
  });
}

/** Most characters of instructions on a page; the file has them whole. */
const instructionsMax = 8000;

function instructionsOf({ step: { action } }: GraphNode): string {
  if (action.kind !== "worker") return "";
  const { instructions } = action.work;
  const left = instructions.length - instructionsMax;
  const text =
    left > 0 ? `${instructions.slice(0, instructionsMax)}\n… ${left} more characters` : instructions;
  return `<pre tabindex="0" role="group" aria-label="Instructions">${escapeMarkup(text)}</pre>`;
}

function listOf(rows: readonly Row[]): string {
  const items = rows.map(([name, value]) => `<dt>${escapeMarkup(name)}</dt><dd>${escapeMarkup(value)}</dd>`);
  return `<dl>${items.join("")}</dl>`;
}
