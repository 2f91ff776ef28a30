/**
 * Computes the layout of a picture: box sizes from their text, then positions by dagre (layered drawing after Sugiyama, as
 * in Gansner et al., "A Technique for Drawing Directed Graphs"). A sub-workflow is laid out separately and is one box of
 * that size in the outer layout, because no edge leads into it. Pure; lengths are in pixels.
 */
import { Graph, layout } from "@dagrejs/dagre";
import type { GraphEdge, GraphNode, WorkflowGraph } from "@agentcore/workflow";
import { cut, displayWidth } from "../../screen/text.ts";
import { factsOf, type NodeFacts, type PictureRun } from "./facts.ts";

export const metrics = {
  /** The most that a letter takes at 13 px in any common monospaced face. */
  letter: 7.9,
  row: 18,
  padding: 12,
  edgeLetter: 6.7,
  margin: 24,
} as const;

const columnsMax = 40;
const labelColumnsMax = 32;

export interface PlacedNode {
  readonly node: GraphNode;
  readonly facts: NodeFacts;
  /** Top left corner, in the coordinates of the whole picture. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly inner: Placed | null;
}

export interface PlacedEdge {
  readonly edge: GraphEdge;
  readonly points: readonly Point[];
  /** Middle of its label, and the words that fit; null if it has none. */
  readonly label: (Point & { readonly text: string; readonly width: number }) | null;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Placed {
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
  /** Left end of the line above the steps of `finally`; null if there are none. */
  readonly line: Point | null;
  readonly width: number;
  readonly height: number;
}

/** `stateColumns`: each box has room for a state of so many letters. */
export function placeGraph(graph: WorkflowGraph, run: PictureRun | null, stateColumns = 0): Placed {
  return moved(placeAtOrigin(graph, run, stateColumns), { x: metrics.margin, y: metrics.margin });
}

/** Space at the right of a step for the arrow back to it, and for the number inside the arrow. */
export function loopWidth(maxIterations: number): number {
  return (String(maxIterations).length + 1) * metrics.edgeLetter + 26;
}

interface Box extends Omit<PlacedNode, "x" | "y"> {
  readonly width: number;
  readonly height: number;
}

function placeAtOrigin(graph: WorkflowGraph, run: PictureRun | null, stateColumns: number): Placed {
  const boxes = graph.nodes.map((node) => boxOf(node, run, stateColumns));
  const main = placeGroup(
    boxes.filter(({ node }) => !node.step.isFinal),
    graph.edges,
  );
  const final = placeGroup(
    boxes.filter(({ node }) => node.step.isFinal),
    graph.edges,
  );
  if (final.nodes.length === 0) return main;
  const line = { x: 0, y: main.height + metrics.margin };
  return { ...stacked(main, moved(final, { x: 0, y: line.y + metrics.margin + metrics.row })), line };
}

/** Steps with dependencies or dependents, and below them the others. `edges` of other steps are left out. */
function placeGroup(boxes: readonly Box[], all: readonly GraphEdge[]): Placed {
  const paths = new Set(boxes.map(({ node }) => node.path));
  const edges = all.filter(({ from }) => paths.has(from));
  const tied = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const connected = placeConnected(
    boxes.filter(({ node }) => tied.has(node.path)),
    edges,
  );
  const alone = placeInRows(boxes.filter(({ node }) => !tied.has(node.path)));
  if (connected.nodes.length === 0) return alone;
  if (alone.nodes.length === 0) return connected;
  return stacked(connected, moved(alone, { x: 0, y: connected.height + metrics.margin * 2 }));
}

/** The second is below the first already. */
function stacked(above: Placed, below: Placed): Placed {
  return {
    nodes: [...above.nodes, ...below.nodes],
    edges: [...above.edges, ...below.edges],
    line: null,
    width: Math.max(above.width, below.width),
    height: below.height,
  };
}

/** Rows of words, a row for the state of a run, and the sub-workflow below them. */
function boxOf(node: GraphNode, run: PictureRun | null, stateColumns: number): Box {
  const whole = factsOf(node, run);
  const fit = (text: string): string => cut(text, columnsMax);
  const facts: NodeFacts = {
    title: fit(whole.title),
    rows: whole.rows.map(fit),
    state: whole.state === null ? null : { ...whole.state, text: fit(whole.state.text) },
  };
  const texts = [facts.title, ...facts.rows, ...(facts.state === null ? [] : [facts.state.text])];
  const inner = node.inner === null ? null : placeAtOrigin(node.inner, run, stateColumns);
  const words = Math.max(stateColumns, ...texts.map(displayWidth)) * metrics.letter;
  const loop = node.step.loop === null ? 0 : loopWidth(node.step.loop.maxIterations);
  const width = Math.max(120, words + loop, inner?.width ?? 0) + metrics.padding * 2;
  const height =
    texts.length * metrics.row +
    metrics.padding * 2 +
    (inner === null ? 0 : inner.height + metrics.padding * 2);
  return { node, facts, width, height, inner };
}

/** From some hundred steps on, dagre's exact ranking takes seconds; the other is nearly as good. */
const exactRankingMax = 150;

function placeConnected(boxes: readonly Box[], edges: readonly GraphEdge[]): Placed {
  if (boxes.length === 0) return { nodes: [], edges: [], line: null, width: 0, height: 0 };
  const graph = new Graph({ directed: true });
  const ranker = boxes.length > exactRankingMax ? "tight-tree" : "network-simplex";
  graph.setGraph({ rankdir: "TB", nodesep: 36, edgesep: 18, ranksep: 44, ranker });
  for (const { node, width, height } of boxes) graph.setNode(node.path, { width, height });
  for (const { from, to, label } of edges) {
    graph.setEdge(from, to, {
      width: label === null ? 0 : labelOf(label).width,
      height: label === null ? 0 : metrics.row,
      labelpos: "c",
    });
  }
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  return {
    nodes: boxes.map((box) => {
      const { x, y } = graph.node(box.node.path) as Point;
      return placedBox(box, { x: x - box.width / 2, y: y - box.height / 2 });
    }),
    edges: edges.map((edge) => placedEdge(edge, graph.edge(edge.from, edge.to) as LaidOutEdge)),
    line: null,
    width,
    height,
  };
}

interface LaidOutEdge {
  readonly points: readonly Point[];
  readonly x?: number;
  readonly y?: number;
}

function placedEdge(edge: GraphEdge, { points, x, y }: LaidOutEdge): PlacedEdge {
  const hasPlace = edge.label !== null && x !== undefined && y !== undefined;
  return { edge, points, label: hasPlace ? { x, y, ...labelOf(edge.label) } : null };
}

function labelOf(label: string): { readonly text: string; readonly width: number } {
  const text = cut(label.replaceAll(/\s+/g, " "), labelColumnsMax);
  return { text, width: displayWidth(text) * metrics.edgeLetter + 12 };
}

/** Steps without dependencies and dependents: side by side, in rows that together are about as wide as high. */
function placeInRows(boxes: readonly Box[]): Placed {
  const gap = 36;
  const perRow = Math.max(1, Math.min(6, Math.ceil(Math.sqrt(boxes.length))));
  const nodes: PlacedNode[] = [];
  let width = 0;
  let y = 0;
  for (let start = 0; start < boxes.length; start += perRow) {
    const row = boxes.slice(start, start + perRow);
    let x = 0;
    for (const box of row) {
      nodes.push(placedBox(box, { x, y }));
      x += box.width + gap;
    }
    width = Math.max(width, x - gap);
    y += Math.max(...row.map(({ height }) => height)) + gap;
  }
  return { nodes, edges: [], line: null, width, height: Math.max(0, y - gap) };
}

function placedBox(box: Box, at: Point): PlacedNode {
  return movedNode({ ...box, x: 0, y: 0, inner: box.inner === null ? null : innerAt(box, box.inner) }, at);
}

/** In the middle of the lower part of its step's box. */
function innerAt(box: Box, inner: Placed): Placed {
  return moved(inner, {
    x: (box.width - inner.width) / 2,
    y: box.height - inner.height - metrics.padding * 1.5,
  });
}

function moved(placed: Placed, by: Point): Placed {
  return {
    nodes: placed.nodes.map((node) => movedNode(node, by)),
    edges: placed.edges.map(({ edge, points, label }) => ({
      edge,
      points: points.map((point) => ({ x: point.x + by.x, y: point.y + by.y })),
      label: label === null ? null : { ...label, x: label.x + by.x, y: label.y + by.y },
    })),
    line: placed.line === null ? null : { x: placed.line.x + by.x, y: placed.line.y + by.y },
    width: placed.width + by.x,
    height: placed.height + by.y,
  };
}

function movedNode(node: PlacedNode, by: Point): PlacedNode {
  return {
    ...node,
    x: node.x + by.x,
    y: node.y + by.y,
    inner: node.inner === null ? null : moved(node.inner, by),
  };
}
