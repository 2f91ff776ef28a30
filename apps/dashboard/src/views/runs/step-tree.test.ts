import { describe, expect, it } from "vitest";
import { boxState, curve, stepMs, treeRows, type Graph, type Step } from "./step-tree.ts";

const node = (path: string, parent: string | null = null): Graph["nodes"][number] => ({
  path,
  parent,
  id: path.split("/").at(-1) ?? path,
  kind: "worker",
  dependsOn: [],
});

const step = (key: string, change: Partial<Step> = {}): Step => ({
  type: "run_step",
  key,
  parent: key.includes("/") ? key.slice(0, key.lastIndexOf("/")) : null,
  path: key.replaceAll(/\[[^\]]*\]/g, ""),
  id: key.split("/").at(-1) ?? key,
  status: "SUCCEEDED",
  reason: "",
  errorClass: null,
  code: null,
  attempts: 1,
  iterations: 1,
  cached: false,
  cacheMiss: null,
  taken: false,
  loops: false,
  startedAt: null,
  endedAt: null,
  downtimeMs: 0,
  costUsd: null,
  tokens: null,
  artifacts: [],
  jobId: null,
  output: "",
  log: null,
  isTolerated: false,
  isFinal: false,
  retryAt: null,
  values: {},
  approval: null,
  ...change,
});

const nodes = [
  node("build"),
  node("inner"),
  node("inner/one", "inner"),
  node("inner/two", "inner"),
  node("last"),
];

describe("the tree", () => {
  it("has the steps of each instance of a sub-workflow below that instance", () => {
    const steps = [
      step("build"),
      step("inner[os=a]", { status: "RUNNING" }),
      step("inner[os=a]/one"),
      step("inner[os=a]/two", { status: "FAILED" }),
      step("inner[os=b]", { status: "READY" }),
      step("last", { status: "PENDING" }),
    ];
    expect(treeRows({ nodes }, steps).map(({ key, depth, status }) => [depth, key, status])).toEqual([
      [0, "build", "SUCCEEDED"],
      [0, "inner[os=a]", "RUNNING"],
      [1, "inner[os=a]/one", "SUCCEEDED"],
      [1, "inner[os=a]/two", "FAILED"],
      [0, "inner[os=b]", "READY"],
      [1, "inner[os=b]/one", "PENDING"],
      [1, "inner[os=b]/two", "PENDING"],
      [0, "last", "PENDING"],
    ]);
  });

  it("has every step before the first begins, and a step that was taken from an earlier run as skipped", () => {
    expect(treeRows({ nodes }, []).map(({ status }) => status)).toEqual(nodes.map(() => "PENDING"));
    expect(treeRows({ nodes: [node("build")] }, [step("build", { taken: true })])[0]?.status).toBe("SKIPPED");
  });
});

describe("the state of a box is", () => {
  const rowsOf = (...statuses: string[]) =>
    treeRows(
      { nodes: [node("m")] },
      statuses.map((status, index) => step(`m[n=${index}]`, { status })),
    );
  it.each([
    [["SUCCEEDED"], "SUCCEEDED", "succeeded"],
    [["SUCCEEDED", "FAILED", "RUNNING", "SUCCEEDED"], "FAILED", "1 failed, 1 running, 2 succeeded"],
    [["PENDING", "WAITING"], "WAITING", "1 waiting, 1 pending"],
    [["SKIPPED", "SUCCEEDED"], "SUCCEEDED", "1 succeeded, 1 skipped"],
  ])("of %j %s: %s", (statuses, status, text) => {
    expect(boxState(rowsOf(...statuses), 0)).toEqual({ status, text });
  });

  it("with the iterations, the time and the cost of its one instance", () => {
    const one = step("m", {
      iterations: 3,
      startedAt: "2026-01-01T00:00:00.000Z",
      endedAt: "2026-01-01T00:01:30.000Z",
      downtimeMs: 30_000,
      costUsd: 0.25,
    });
    expect(boxState(treeRows({ nodes: [node("m")] }, [one]), 0).text).toBe("succeeded · 3× · 1m · $0.25");
  });
});

it("a step that runs has worked up to now, less the time in which no process did", () => {
  const running = step("a", { startedAt: "2026-01-01T00:00:00.000Z", downtimeMs: 1000 });
  expect(stepMs(running, Date.parse("2026-01-01T00:00:05.000Z"))).toBe(4000);
  expect(stepMs(step("a"), 5)).toBeNull();
});

it.each([
  [[], ""],
  [
    [
      { x: 1, y: 2 },
      { x: 3.4, y: 4.6 },
    ],
    "M1 2L3 5",
  ],
  [
    [
      { x: 0, y: 0 },
      { x: 0, y: 10 },
      { x: 10, y: 10 },
      { x: 10, y: 20 },
    ],
    "M0 0Q0 10 5 10Q10 10 10 20",
  ],
])("a line through %j has no corners", (points, path) => {
  expect(curve(points)).toBe(path);
});
