import { runGraphDocumentSchema } from "@agentcore/contract";
import { expect, it } from "vitest";
import { parsedWorkflow } from "../../testing/workflow-run.ts";
import { graphDocument } from "./graph-document.ts";

const head = `name: all\nversion: "1"\ntimeout: 1h\nsteps:\n`;
const shell = (id: string, more = ""): string =>
  `  ${id}: { worker: shell, capabilities: [read], instructions: "true"${more === "" ? "" : `, ${more}`} }\n`;

const files = {
  "main.yaml":
    head +
    shell("build") +
    shell("test", "depends_on: [build], matrix: { os: [a, b] }") +
    shell("fix", `depends_on: [test], if: "steps.test.status == 'FAILED'"`) +
    `  inner: { workflow: ./inner.yaml, depends_on: [build] }\n` +
    `finally:\n` +
    shell("told"),
  "inner.yaml": head.replace("all", "part") + shell("one") + shell("two", "depends_on: [one]"),
};

it("a drawing has every step with its place and what it waits for, and room for a state", async () => {
  const graph = graphDocument("run-1", await parsedWorkflow(files));
  expect(runGraphDocumentSchema.safeParse(graph).error).toBeUndefined();
  expect(graph.nodes.map(({ path, parent, dependsOn, kind }) => [path, parent, dependsOn, kind])).toEqual([
    ["build", null, [], "worker"],
    ["test", null, ["build"], "worker"],
    ["fix", null, ["test"], "worker"],
    ["inner", null, ["build"], "workflow"],
    ["told", null, [], "worker"],
    ["inner/one", "inner", [], "worker"],
    ["inner/two", "inner", ["inner/one"], "worker"],
  ]);
  const { boxes, edges, lines, width, height } = graph.drawing!;
  expect(boxes.map(({ path }) => path)).toEqual(graph.nodes.map(({ path }) => path));
  expect(boxes.filter(({ isStacked }) => isStacked).map(({ path }) => path)).toEqual(["test"]);
  expect(edges).toHaveLength(4);
  expect(edges.find(({ to }) => to === "fix")).toMatchObject({
    conditional: true,
    label: { text: "steps.test.status == 'FAILED'" },
  });
  expect(lines).toHaveLength(1);
  for (const box of boxes) {
    expect(box.state.columns).toBeGreaterThanOrEqual(22);
    expect(box.state.y).toBeGreaterThan(box.lines.at(-1)!.y);
    expect(box.state.y).toBeLessThan(box.y + box.height);
    const isInside = [box.x >= 0, box.y >= 0, box.x + box.width <= width, box.y + box.height <= height];
    expect(isInside).not.toContain(false);
  }
});

it("of very many steps there is no drawing, which would keep a daemon from its work", async () => {
  const many = Array.from({ length: 61 }, (_, index) => shell(`s${index}`));
  const graph = graphDocument("run-1", await parsedWorkflow({ "main.yaml": head + many.join("") }));
  expect(graph.nodes).toHaveLength(61);
  expect(graph.drawing).toBeNull();
});
