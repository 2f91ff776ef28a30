/**
 * Draws a workflow as self-contained SVG: no script, nothing loaded. In a page, the boxes link to the details of each step;
 * alone, it is one picture with a title and a description. Pure.
 */
import { nodesWithin, type WorkflowGraph } from "@agentcore/workflow";
import { escapeMarkup } from "../../markup.ts";
import { statusLabel } from "../status.ts";
import { factsOf, type PictureRun } from "./facts.ts";
import {
  loopWidth,
  metrics,
  placeGraph,
  type Placed,
  type PlacedEdge,
  type PlacedNode,
  type Point,
} from "./layout.ts";
import { boxClass, pictureStyle } from "./style.ts";

export interface SvgOptions {
  /** The link of a step's box, by its path; absent in a standalone picture. */
  readonly linkTo?: (path: string) => string;
}

/** Most steps that a description names; a longer one helps nobody who must listen to it. */
const describedMax = 60;

export function svgPicture(
  graph: WorkflowGraph,
  run: PictureRun | null,
  { linkTo }: SvgOptions = {},
): string {
  const placed = placeGraph(graph, run);
  const width = Math.ceil(placed.width + metrics.margin);
  const height = Math.ceil(placed.height + metrics.margin);
  const role = linkTo === undefined ? "img" : "group";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="workflow" role="${role}" aria-labelledby="picture-title picture-desc" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title id="picture-title">${escapeMarkup(titleOf(graph, run))}</title>`,
    `<desc id="picture-desc">${escapeMarkup(describe(graph, run))}</desc>`,
    `<style>${pictureStyle()}</style>`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>',
    `<rect class="paper" width="${width}" height="${height}"/>`,
    drawAll(placed, linkTo),
    "</svg>",
    "",
  ].join("\n");
}

export function titleOf(graph: WorkflowGraph, run: PictureRun | null): string {
  return `Workflow ${graph.workflow.name}${run === null ? "" : `: ${run.outcome}`}`;
}

function describe(graph: WorkflowGraph, run: PictureRun | null): string {
  const nodes = nodesWithin(graph);
  const lines = nodes.slice(0, describedMax).map((node) => {
    const { rows, state } = factsOf(node, run);
    const { dependsOn, loop } = node.step;
    return [
      `${node.path}: ${rows.join(", ")}`,
      loop === null ? "" : `up to ${loop.maxIterations} iterations`,
      dependsOn.length === 0 ? "" : `after ${dependsOn.join(", ")}`,
      state?.text ?? "",
    ]
      .filter((part) => part !== "")
      .join("; ");
  });
  const more = nodes.length > lines.length ? [`and ${nodes.length - lines.length} more`] : [];
  return [`${nodes.length} steps.`, ...lines, ...more].join("\n");
}

function drawAll(placed: Placed, linkTo: SvgOptions["linkTo"]): string {
  const { nodes, edges } = placed;
  return [...drawLine(placed), ...edges.map(drawEdge), ...nodes.map((node) => drawNode(node, linkTo))].join(
    "\n",
  );
}

/** Between the steps and those of `finally`. */
function drawLine({ line, width }: Placed): readonly string[] {
  if (line === null) return [];
  const { x, y } = line;
  return [
    `<path class="edge conditional" d="M${at(line)}H${round(Math.max(width, x))}"/><text class="label" x="${round(x)}" y="${round(y + metrics.row)}">finally</text>`,
  ];
}

function drawNode(placed: PlacedNode, linkTo: SvgOptions["linkTo"]): string {
  const { node, facts, x, y, width, height, inner } = placed;
  const tone = facts.state === null ? null : statusLabel(facts.state.status).tone;
  const place = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
  const stacked =
    node.times !== ""
      ? `<rect class="${boxClass(tone)}" x="${round(x + 5)}" y="${round(y + 5)}" width="${round(width)}" height="${round(height)}" rx="6"/>`
      : "";
  const rows: readonly (readonly [name: string, text: string])[] = [
    ["title", facts.title],
    ...facts.rows.map((text) => ["dim", text] as const),
    ...(facts.state === null ? [] : [["title", facts.state.text] as const]),
  ];
  const texts = rows.map(([name, text], index) => {
    const at = `x="${round(x + metrics.padding)}" y="${round(y + metrics.padding + index * metrics.row + 13)}"`;
    return `<text class="${name}" ${at}>${escapeMarkup(text)}</text>`;
  });
  const words = [node.step.id, ...facts.rows, ...(facts.state === null ? [] : [facts.state.text])];
  const own = [
    `<title>${escapeMarkup([...words, node.step.description ?? ""].filter(Boolean).join("\n"))}</title>`,
    stacked,
    node.step.action.kind === "approval"
      ? `<path class="${boxClass(tone)}" d="${hexagon(placed)}"/>`
      : `<rect class="${boxClass(tone)}" ${place} rx="6"/>`,
    ...texts,
    drawLoop(placed),
  ].join("");
  const drawn =
    linkTo === undefined
      ? `<g>${own}</g>`
      : `<a href="${escapeMarkup(linkTo(node.path))}" aria-label="${escapeMarkup([node.path, ...words.slice(1)].join(", "))}">${own}</a>`;
  return inner === null ? drawn : `${drawn}\n${drawAll(inner, linkTo)}`;
}

/** Around the box of a step: its words stay inside. */
function hexagon({ x, y, width, height }: PlacedNode): string {
  const point = metrics.padding;
  const middle = round(y + height / 2);
  return `M${at({ x, y })}H${round(x + width)}L${round(x + width + point)} ${middle}L${at({ x: x + width, y: y + height })}H${round(x)}L${round(x - point)} ${middle}Z`;
}

/** The arrow from a step back to itself, with the most times that it may be taken. */
function drawLoop({ node, x, y, width }: PlacedNode): string {
  const { loop } = node.step;
  if (loop === null) return "";
  const length = loopWidth(loop.maxIterations) - 22;
  const right = x + width - 6;
  const top = y + 8;
  return (
    `<path class="loop" marker-end="url(#tip)" d="M${round(right)} ${round(top)}h${round(-length)}a11 11 0 0 0 0 22h${round(length)}"/>` +
    `<text class="label" text-anchor="middle" x="${round(right - length / 2 - 3)}" y="${round(top + 15)}">≤${loop.maxIterations}</text>`
  );
}

function drawEdge({ edge, points, label }: PlacedEdge): string {
  const line = `<path class="edge${edge.conditional ? " conditional" : ""}" marker-end="url(#tip)" d="${smooth(points)}"/>`;
  if (label === null) return line;
  const { x, y, text, width } = label;
  const words = `<title>${escapeMarkup(edge.label ?? "")}</title>`;
  return `${line}<g>${words}<rect class="behind" x="${round(x - width / 2)}" y="${round(y - 9)}" width="${round(width)}" height="18"/><text class="label" text-anchor="middle" x="${round(x)}" y="${round(y + 4)}">${escapeMarkup(text)}</text></g>`;
}

/** Straight at both ends, and through the middles of the parts between its points: quadratic curves, which cannot overshoot. */
function smooth(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.pop();
  if (first === undefined || last === undefined) return "";
  let path = `M${at(first)}`;
  rest.forEach((point, index) => {
    const next = rest[index + 1];
    const end = next === undefined ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    path += `Q${at(point)} ${at(end)}`;
  });
  return rest.length === 0 ? `${path}L${at(last)}` : path;
}

const at = ({ x, y }: Point): string => `${round(x)} ${round(y)}`;
const round = (value: number): number => Math.round(value * 10) / 10;
