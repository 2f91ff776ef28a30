import { workflowGraph, type WorkflowGraph } from "@agentcore/workflow";
import { describe, expect, it } from "vitest";
import { parsedWorkflow, testReport } from "../../testing/workflow-run.ts";
import { factsOf, type PictureRun } from "./facts.ts";
import { placeGraph, type Placed, type PlacedNode } from "./layout.ts";
import { htmlPage } from "./page.ts";
import { svgPicture } from "./svg.ts";

const graphOf = async (files: Readonly<Record<string, string>>): Promise<WorkflowGraph> =>
  workflowGraph(await parsedWorkflow(files));

const head = (name: string): string => `name: ${JSON.stringify(name)}\nversion: "1"\ntimeout: 1h\nsteps:\n`;
const shell = (id: string, more = "", script = "true"): string =>
  `  ${id}: { worker: shell, capabilities: [read], instructions: ${JSON.stringify(script)}${more === "" ? "" : `, ${more}`} }\n`;

const everything = {
  "main.yaml":
    head("all") +
    shell("build") +
    shell("test", "depends_on: [build], matrix: { os: [a, b], node: [20, 22] }, on_failure: continue") +
    shell(
      "fix",
      "depends_on: [build], max_iterations: 7, max_retries: 1, on_failure: retry, completion_check: { worker: codex, capabilities: [read], instructions: look, decision_file: d }",
    ) +
    shell("explain", `depends_on: [test], if: "steps.test.status == 'FAILED'"`) +
    `  inner: { workflow: ./inner.yaml, depends_on: [fix, test] }\n` +
    shell("alone", `if: "1 == 1", verify: "true", isolation: worktree, budget: { cost_usd: 0.5 }`),
  "inner.yaml": head("the inner part") + shell("one") + shell("two", "depends_on: [one]"),
};

const runWith = (steps: Readonly<Record<string, ReturnType<typeof testReport>[]>>): PictureRun => ({
  id: "run-1",
  outcome: "FAILED",
  message: "it <failed>",
  durationMs: 61_000,
  costUsd: 0.75,
  steps: new Map(Object.entries(steps)),
});

describe("what is said of a step", () => {
  it("is who works on it, when, how often and within what", async () => {
    const { nodes } = await graphOf(everything);
    expect(Object.fromEntries(nodes.map((node) => [node.path, factsOf(node, null).rows]))).toEqual({
      build: ["shell"],
      test: ["shell × 4"],
      fix: ["shell", "until codex finds it complete", "1 retry"],
      explain: ["shell"],
      inner: ["workflow the inner part"],
      alone: ["shell", "if 1 == 1", "verified · own worktree · up to $0.50"],
    });
  });

  const ended = { startedAt: 1000, endedAt: 3000 };
  it.each([
    [[], "PENDING", "PENDING"],
    [[testReport({ ...ended })], "SUCCEEDED", "PASS · 2s"],
    [
      [testReport({ ...ended, loops: true, iterations: 3, costUsd: 0.25 })],
      "SUCCEEDED",
      "PASS · 3 iterations · 2s · $0.25",
    ],
    [[testReport({ status: "RUNNING", startedAt: 1000, endedAt: null })], "RUNNING", "RUNNING"],
    [
      [
        testReport({ ...ended, costUsd: 1 }),
        testReport({ status: "FAILED", startedAt: 2000, endedAt: 5000, costUsd: 0.5 }),
        testReport({ ...ended }),
      ],
      "FAILED",
      "2 PASS, 1 FAIL · 4s · $1.50",
    ],
  ])("in a run is how it stands: %#", async (reports, status, text) => {
    const { nodes } = await graphOf({ "main.yaml": head("one") + shell("a") });
    const [node] = nodes;
    if (node === undefined) throw new Error("there is a step");
    expect(factsOf(node, runWith({ a: reports })).state).toEqual({ status, text });
  });
});

/** Places where two boxes of the same graph overlap, or one leaves the box around it. */
function misplaced(
  placed: Placed,
  within: { x: number; y: number; width: number; height: number },
): string[] {
  const { nodes } = placed;
  const overlaps = nodes.flatMap((a, index) =>
    nodes
      .slice(index + 1)
      .filter(
        (b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height,
      )
      .map((b) => `${a.node.path} over ${b.node.path}`),
  );
  const leaves = (node: PlacedNode): boolean =>
    node.x < within.x ||
    node.y < within.y ||
    node.x + node.width > within.x + within.width ||
    node.y + node.height > within.y + within.height;
  return [
    ...overlaps,
    ...nodes.filter(leaves).map(({ node }) => `${node.path} leaves`),
    ...nodes.flatMap((node) => (node.inner === null ? [] : misplaced(node.inner, node))),
  ];
}

describe("the layout", () => {
  const whole = (placed: Placed) => ({ x: 0, y: 0, width: placed.width, height: placed.height });

  it("keeps boxes apart, and sub-workflows inside their step", async () => {
    const placed = placeGraph(await graphOf(everything), null);
    expect(misplaced(placed, whole(placed))).toEqual([]);
    expect(placed.nodes.find(({ node }) => node.path === "inner")?.inner?.nodes).toHaveLength(2);
  });

  it("keeps two hundred steps apart that wait for each other in any way", async () => {
    const steps = Array.from({ length: 200 }, (_, index) => {
      const waits = [index - 1, index - 7, Math.floor(index / 2)].filter(
        (at) => at >= 0 && index % 9 !== 0 && at !== index,
      );
      return shell(`s${index}`, `depends_on: [${[...new Set(waits)].map((at) => `s${at}`).join(", ")}]`);
    });
    const placed = placeGraph(await graphOf({ "main.yaml": head("many") + steps.join("") }), null);
    expect(misplaced(placed, whole(placed))).toEqual([]);
    expect(placed.nodes.map(({ node }) => node.path)).toHaveLength(200);
  });

  it("puts what waits below what it waits for", async () => {
    const placed = placeGraph(await graphOf(everything), null);
    const at = new Map(placed.nodes.map((node) => [node.node.path, node]));
    for (const { edge } of placed.edges) {
      const [from, to] = [at.get(edge.from), at.get(edge.to)];
      expect((from?.y ?? NaN) + (from?.height ?? NaN)).toBeLessThan(to?.y ?? NaN);
    }
  });
});

describe("the SVG", () => {
  it("shows each step, the numbers of loops and matrices, and the words at conditional ways", async () => {
    const svg = svgPicture(await graphOf(everything), null);
    for (const text of [
      ">build<",
      ">shell × 4<",
      ">≤7<",
      ">steps.test.status == &#39;FAILED&#39;<",
      ">even after a failure<",
      ">workflow the inner part<",
      ">two<",
      ">if 1 == 1<",
    ])
      expect(svg).toContain(text);
    expect(svg.match(/class="edge conditional"/g)).toHaveLength(1);
    expect(svg).toContain("build: shell\n".trim());
  });

  it("of a run has the state in words and in color", async () => {
    const run = runWith({ build: [testReport({ status: "FAILED" })], "inner/two": [testReport({})] });
    const svg = svgPicture(await graphOf(everything), run);
    expect(svg).toContain('<title id="picture-title">Workflow all: FAILED</title>');
    expect(svg).toMatch(/class="box bad"[^>]*\/><text[^>]*>build</);
    expect(svg).toMatch(/class="box good"[^>]*\/><text[^>]*>two</);
  });
});

describe("any text is text", () => {
  const nasty = `<script>alert(1)</script>"'&]]>-->`;
  const files = {
    "main.yaml":
      `name: ${JSON.stringify(nasty)}\ndescription: ${JSON.stringify(nasty)}\nversion: "1"\ntimeout: 1h\ninputs: { x: { default: "" } }\nsteps:\n` +
      shell(
        "a",
        `description: ${JSON.stringify(nasty)}, verify: ${JSON.stringify(nasty)}, model: ${JSON.stringify(nasty)}`,
        `${nasty}\u0007`,
      ) +
      shell(
        "b",
        `depends_on: [a], if: ${JSON.stringify(`inputs.x == '<script>' && steps.a.status == 'FAILED' && inputs.x == '</script>'`)}`,
      ),
  };
  const run = { ...runWith({ a: [testReport({ reason: nasty, status: "FAILED" })] }), message: nasty };

  it.each([
    ["the picture", svgPicture],
    ["the page", htmlPage],
  ])("in %s", async (_what, draw) => {
    const text = draw(await graphOf(files), run);
    expect(text).not.toMatch(/<\/?script/);
    expect(text).not.toContain("\u0007");
    expect(text).toContain("&lt;script&gt;");
  });
});

describe("the page", () => {
  it("has for each box a section that its link leads to, and loads and runs nothing", async () => {
    const page = htmlPage(await graphOf(everything), null);
    const links = [...page.matchAll(/<a href="#([^"]+)"/g)].map((match) => match[1]);
    const ids = [...page.matchAll(/<div id="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(links)).toEqual(new Set(ids));
    expect(ids).toHaveLength(8);
    expect(page).not.toMatch(/<script|src=|@import|url\((?!#tip\))|\son[a-z]+="/);
    expect(page.match(/https?:\/\/[^"]*/g)).toEqual(["http://www.w3.org/2000/svg"]);
    expect(page).toContain("default-src 'none'");
  });

  it("of a run says how each instance ended", async () => {
    const reports = ["a", "b"].map((os) =>
      testReport({ id: `test[os=${os}]`, attempts: 2, artifacts: ["log"] }),
    );
    const page = htmlPage(await graphOf(everything), runWith({ test: reports }));
    expect(page).toContain("<dt>test[os=b]</dt><dd>PASS; 2 attempts; 2.3s; left log</dd>");
    expect(page).toContain("<dd>it &lt;failed&gt;</dd>");
  });

  it("cuts instructions that are very long, and says so", async () => {
    const files = { "main.yaml": head("long") + shell("a", "", "x".repeat(9000)) };
    expect(htmlPage(await graphOf(files), null)).toContain("… 1000 more characters</pre>");
  });
});

it("the steps of finally are below a line, and the page says when they run", async () => {
  const file = `${head("tidy")}${shell("build")}${shell("test", "depends_on: [build]")}finally:\n${shell("clean")}`;
  const graph = await graphOf({ "main.yaml": file });
  const { nodes, line } = placeGraph(graph, null);
  const bottomOf = ({ y, height }: PlacedNode): number => y + height;
  const [build, test, clean] = nodes;
  expect(line?.y).toBeGreaterThan(Math.max(bottomOf(build!), bottomOf(test!)));
  expect(clean?.y).toBeGreaterThan(line?.y ?? Infinity);
  expect(factsOf(graph.nodes[2]!, null).rows).toEqual(["shell", "finally"]);
  const page = htmlPage(graph, null);
  expect(page).toContain("Steps below the line run after all others");
  expect(page).toContain("<dt>Runs</dt><dd>after all other steps have ended, whatever the outcome</dd>");
});

it("an approval has a shape of its own, what it asks, and who may answer", async () => {
  const ask = `  ok: { depends_on: [build], approval: { message: "Ship <it>?", who: [ann, bob], timeout: 2h } }\n`;
  const graph = await graphOf({ "main.yaml": `${head("release")}${shell("build")}${ask}` });
  expect(factsOf(graph.nodes[1]!, null).rows).toEqual(["approval", "“Ship <it>?”"]);
  const picture = svgPicture(graph, null);
  expect(picture.match(/<path class="box/g)).toHaveLength(1);
  const page = htmlPage(graph, null);
  expect(page).toContain("<dt>Asks</dt><dd>Ship &lt;it&gt;?</dd><dt>May answer</dt><dd>ann, bob</dd>");
  expect(page).toContain("A box with points waits for an approval.");
  const question = { message: "Ship <it>?", who: ["ann"], expiresAt: null, answer: null };
  const run = runWith({
    ok: [testReport({ id: "ok", status: "WAITING", endedAt: null, approval: question })],
  });
  expect(htmlPage(graph, run)).toContain(
    "<dt>ok</dt><dd>WAITING; Ship &lt;it&gt;?; agentcore workflow approve run-1 ok",
  );
});
