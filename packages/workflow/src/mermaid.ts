/** The graph of a workflow as Mermaid text, which code hosts and editors draw. Pure. */
import type { Step, Workflow } from "./definition.ts";

export function mermaidGraph(workflow: Workflow): string {
  const name = new Map(workflow.steps.map(({ id }, index) => [id, `s${index}`]));
  const nodes = workflow.steps.map((step) => `  ${name.get(step.id)}${shape(step)}`);
  const edges = workflow.steps.flatMap(({ id, dependsOn }) =>
    dependsOn.map((dependency) => `  ${name.get(dependency)} --> ${name.get(id)}`),
  );
  const loops = workflow.steps.flatMap(({ id, loop }) =>
    loop === null ? [] : [`  ${name.get(id)} -. up to ${loop.maxIterations} .-> ${name.get(id)}`],
  );
  return `${["flowchart TD", ...nodes, ...edges, ...loops].join("\n")}\n`;
}

function shape(step: Step): string {
  const who = step.action.kind === "worker" ? step.action.work.worker : step.action.workflow.name;
  const times = [...step.matrix.values()].reduce((product, values) => product * values.length, 1);
  const label = [step.id, who, ...(times > 1 ? [`× ${times}`] : [])].map(quote).join("<br/>");
  return step.action.kind === "worker" ? `["${label}"]` : `[["${label}"]]`;
}

function quote(text: string): string {
  return text.replaceAll(/["#&<>]/g, (sign) => `#${sign.charCodeAt(0)};`);
}
