/** The graph of a workflow as Mermaid text, which code hosts and editors draw. Pure. */
import type { Workflow } from "./definition.ts";
import { workflowGraph, type GraphEdge, type GraphNode } from "./graph.ts";

export function mermaidGraph(workflow: Workflow): string {
  const { nodes, edges } = workflowGraph(workflow);
  const name = new Map(nodes.map(({ path }, index) => [path, `s${index}`]));
  const loops = nodes.flatMap(({ path, step: { loop } }) =>
    loop === null ? [] : [`  ${name.get(path)} -. up to ${loop.maxIterations} .-> ${name.get(path)}`],
  );
  const boxes = (isFinal: boolean): string[] =>
    nodes
      .filter(({ step }) => step.isFinal === isFinal)
      .map((node) => `  ${name.get(node.path)}${shape(node)}`);
  const last = boxes(true);
  const lines = [
    ...boxes(false),
    ...(last.length === 0 ? [] : ['  subgraph last["finally"]', ...last, "  end"]),
    ...edges.map((edge) => `  ${name.get(edge.from)} ${arrow(edge)} ${name.get(edge.to)}`),
    ...loops,
  ];
  return `${["flowchart TD", ...lines].join("\n")}\n`;
}

function shape({ step, worker, times, condition, inner }: GraphNode): string {
  const when = condition === null ? [] : [`if ${condition}`];
  const label = [step.id, worker, times, ...when].filter(Boolean).map(quote).join("<br/>");
  if (step.action.kind === "approval") return `{{"${label}"}}`;
  return inner === null ? `["${label}"]` : `[["${label}"]]`;
}

function arrow({ label, conditional }: GraphEdge): string {
  const line = conditional ? "-.->" : "-->";
  return label === null ? line : `${line}|"${quote(label)}"|`;
}

function quote(text: string): string {
  return text.replaceAll(/["#&<>]/g, (sign) => `#${sign.charCodeAt(0)};`);
}
