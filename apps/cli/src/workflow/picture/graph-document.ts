/**
 * The graph of a run's steps as a document, with a drawing for programs that show it. The drawing has room for the state of each
 * step but not the state, so that it stays the same while the run goes on. Pure.
 */
import type { RunGraphDocument } from "@agentcore/contract";
import { workflowGraph, type Workflow, type WorkflowGraph } from "@agentcore/workflow";
import type { PictureRun } from "./facts.ts";
import { metrics, placeGraph, type Placed, type PlacedEdge, type PlacedNode } from "./layout.ts";

/** A daemon does nothing else while it computes a layout: this many steps take about 0.1 s. */
const drawnMax = 60;
/** Letters of the state of a step, such as `2 PASS, 1 RUNNING`. */
const stateColumns = 22;
/** From the upper end of a row to the line on which its letters stand. */
const baseline = 13;

type Nodes = RunGraphDocument["nodes"];
type Drawing = NonNullable<RunGraphDocument["drawing"]>;

export function graphDocument(run: string, workflow: Workflow): RunGraphDocument {
  const graph = workflowGraph(workflow);
  const nodes = nodesOf(graph, null);
  return { type: "run_graph", run, nodes, drawing: nodes.length > drawnMax ? null : drawingOf(graph) };
}

function nodesOf({ nodes, edges }: WorkflowGraph, parent: string | null): Nodes {
  const own = nodes.map(({ path, step }) => ({
    path,
    parent,
    id: step.id,
    kind: step.action.kind,
    dependsOn: edges.filter(({ to }) => to === path).map(({ from }) => from),
  }));
  const inner = nodes.flatMap((node) => (node.inner === null ? [] : nodesOf(node.inner, node.path)));
  return [...own, ...inner];
}

function drawingOf(graph: WorkflowGraph): Drawing {
  const placed = placeGraph(graph, notBegun, stateColumns);
  return {
    width: Math.ceil(placed.width + metrics.margin),
    height: Math.ceil(placed.height + metrics.margin),
    ...partsOf(placed),
  };
}

/** Gives each box a row for its state. */
const notBegun: PictureRun = {
  id: "",
  outcome: "",
  message: null,
  durationMs: 0,
  costUsd: 0,
  steps: new Map(),
};

type Parts = Pick<Drawing, "boxes" | "edges" | "lines">;

function partsOf({ nodes, edges, line, width }: Placed): Parts {
  const inner = nodes.flatMap((one) => (one.inner === null ? [] : [partsOf(one.inner)]));
  const own = line === null ? [] : [{ ...line, width: Math.max(0, width - line.x) }];
  return {
    boxes: [...nodes.map(boxOf), ...inner.flatMap(({ boxes }) => boxes)],
    edges: [...edges.map(edgeOf), ...inner.flatMap((parts) => parts.edges)],
    lines: [...own, ...inner.flatMap(({ lines }) => lines)],
  };
}

function boxOf({ node, facts, x, y, width, height }: PlacedNode): Drawing["boxes"][number] {
  const rowAt = (index: number) => ({
    x: x + metrics.padding,
    y: y + metrics.padding + index * metrics.row + baseline,
  });
  const texts = [facts.title, ...facts.rows];
  return {
    path: node.path,
    x,
    y,
    width,
    height,
    lines: texts.map((text, index) => ({ ...rowAt(index), text })),
    state: { ...rowAt(texts.length), columns: Math.floor((width - metrics.padding * 2) / metrics.letter) },
    isStacked: node.times !== "",
  };
}

const edgeOf = ({
  edge: { from, to, conditional },
  points,
  label,
}: PlacedEdge): Drawing["edges"][number] => ({
  from,
  to,
  conditional,
  points: points.map(({ x, y }) => ({ x, y })),
  label,
});
