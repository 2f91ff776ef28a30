/**
 * Builds the graph of a workflow for pictures: a node for each step, an edge for each dependency with its condition, and
 * the graph of each sub-workflow inside its step. Pure; every picture is drawn from it.
 */
import type { Step, Workflow } from "./definition.ts";
import { combinationsIn } from "./plan/matrix-lists.ts";
import { functionOf, parseExpression, referencesOf } from "./expression.ts";

export interface WorkflowGraph {
  readonly workflow: Workflow;
  /** In the order of the file. */
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface GraphNode {
  /** Ids of the steps from the outermost workflow to here, joined with `/`. */
  readonly path: string;
  readonly step: Step;
  /** Name of the worker, or of the sub-workflow; `approval` for an approval. */
  readonly worker: string;
  /** Combinations of its matrix; 1 if it has none. */
  readonly instances: number;
  /** Such as `× 4`, or `× list` if a list is known only when the step begins; empty for one instance. */
  readonly times: string;
  /** The sub-workflow; null for a worker. */
  readonly inner: WorkflowGraph | null;
  /** Its condition, if no edge shows it because it refers to no step that it waits for. */
  readonly condition: string | null;
}

export interface GraphEdge {
  /** Paths of nodes of the same graph. */
  readonly from: string;
  readonly to: string;
  /** The condition of this edge, or that the edge also applies after failures. Null: `from` must succeed. */
  readonly label: string | null;
  /** Whether the step at its end may be skipped. */
  readonly conditional: boolean;
}

export function workflowGraph(workflow: Workflow, path = ""): WorkflowGraph {
  const below = (id: string): string => (path === "" ? id : `${path}/${id}`);
  const byId = new Map(workflow.steps.map((step) => [step.id, step]));
  const edges = workflow.steps.flatMap((step) =>
    step.dependsOn.map((id) => ({ from: below(id), to: below(step.id), ...wayTo(step, byId.get(id)) })),
  );
  const nodes = workflow.steps.map((step): GraphNode => {
    const own = below(step.id);
    const isShown = step.dependsOn.some((id) => isAbout(step, id));
    return {
      path: own,
      step,
      worker: workerOf(step),
      ...instancesOf(step),
      inner: step.action.kind !== "workflow" ? null : workflowGraph(step.action.workflow, own),
      condition: isShown ? null : step.condition,
    };
  });
  return { workflow, nodes, edges };
}

function instancesOf({ matrix, matrixLists }: Step): Pick<GraphNode, "instances" | "times"> {
  const instances = combinationsIn(matrix);
  const known = instances > 1 ? [`× ${instances}`] : [];
  return { instances, times: [...known, ...[...matrixLists].map(() => "× list")].join(" ") };
}

/** All nodes of the graph and of its inner graphs. */
export function nodesWithin(graph: WorkflowGraph): readonly GraphNode[] {
  return graph.nodes.flatMap((node) => [node, ...(node.inner === null ? [] : nodesWithin(node.inner))]);
}

function wayTo(step: Step, from: Step | undefined): Pick<GraphEdge, "label" | "conditional"> {
  const conditional = step.condition !== null;
  if (from !== undefined && isAbout(step, from.id)) return { label: step.condition, conditional };
  if (from?.onFailure === "continue") return { label: "even after a failure", conditional };
  if (from?.loop?.onExhausted === "continue") return { label: "even when incomplete", conditional };
  return { label: null, conditional };
}

function workerOf({ action }: Step): string {
  switch (action.kind) {
    case "worker":
      return action.work.worker;
    case "workflow":
      return action.workflow.name;
    case "approval":
      return "approval";
  }
}

/** Whether its condition refers to the step that it waits for, by its id or with a status function. */
function isAbout({ condition }: Step, id: string): boolean {
  const parsed = condition === null ? null : parseExpression(condition);
  if (parsed === null || !parsed.ok) return false;
  return referencesOf(parsed.expression).some(
    (path) => functionOf(path) !== undefined || (path[0] === "steps" && path[1] === id),
  );
}
