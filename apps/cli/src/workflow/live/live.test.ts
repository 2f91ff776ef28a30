import type { StepReport, WorkflowEvent } from "@agentcore/workflow";
import { describe, expect, it } from "vitest";
import { textOf } from "../../screen/line.ts";
import { displayWidth } from "../../screen/text.ts";
import { parsedWorkflow, testReport } from "../../testing/workflow-run.ts";
import { pressesIn } from "./keys.ts";
import { liveFrame } from "./live-frame.ts";
import { isInForeground } from "./live-presenter.ts";
import { LiveRun } from "./live-run.ts";

const head = `name: fix\nversion: "1"\ntimeout: 1h\nsteps:\n`;
const shell = "worker: shell, capabilities: [read], instructions: x";
const workflow = await parsedWorkflow({
  "main.yaml": `${head}  build: { ${shell} }\n  fix: { ${shell}, max_iterations: 9, completion_check: { ${shell} } }\n  inner: { workflow: ./inner.yaml }\n`,
  "inner.yaml": `${head}  one: { ${shell} }\n`,
});

const start = 1_700_000_000_000;
const started = (steps: readonly string[]): WorkflowEvent => ({
  type: "run_started",
  at: start,
  run: "0199a2c4",
  name: "fix",
  resumed: false,
  steps,
});
const changed = (rest: Partial<StepReport>): WorkflowEvent => ({
  type: "step_changed",
  at: start,
  run: "0199a2c4",
  step: testReport({ startedAt: start, ...rest }),
});
const running = (id: string, rest: Partial<StepReport> = {}): WorkflowEvent =>
  changed({ id, status: "RUNNING", endedAt: null, ...rest });
const passed = (id: string, rest: Partial<StepReport> = {}): WorkflowEvent =>
  changed({ id, endedAt: start + 2000, ...rest });
const said = (step: string, event: object): WorkflowEvent =>
  ({
    type: "job_event",
    at: start,
    run: "0199a2c4",
    step,
    piece: "work",
    event: { type: "worker_event", jobId: "job", at: start + 500, attempt: 1, event },
  }) as unknown as WorkflowEvent;
const printed = (step: string, text: string): WorkflowEvent => said(step, { type: "stdout", text });
const cost = (step: string, costUsd: number): WorkflowEvent =>
  said(step, {
    type: "usage",
    usage: { inputTokens: 10, cachedInputTokens: 0, outputTokens: 1 },
    costUsd,
  });

function liveAfter(events: readonly WorkflowEvent[], capUsd: number | null = 5): LiveRun {
  const live = new LiveRun({ workflow, capUsd });
  for (const event of events) live.apply(event);
  return live;
}
const frameOf = (live: LiveRun, rows = 24, columns = 100): string[] =>
  liveFrame(live, start + 3000, { rows, columns }).map(textOf);

describe("the head", () => {
  it("says how far the run is, and the spend against the cap, of running jobs too", () => {
    const events = [
      started(["build", "fix"]),
      passed("build", { costUsd: 0.5 }),
      running("fix", { costUsd: 1 }),
      cost("fix", 0.25),
    ];
    expect(frameOf(liveAfter(events))[0]).toBe(
      "fix  1/2 steps, 1 running · 3.0s · $1.75 of $5.00  run 0199a2c4",
    );
    expect(frameOf(liveAfter(events, null))[0]).toContain("3.0s · $1.75  run");
  });

  it("counts what a job spent once, also when its step has it", () => {
    const live = liveAfter([
      started(["fix"]),
      running("fix"),
      cost("fix", 0.25),
      passed("fix", { costUsd: 0.25 }),
    ]);
    expect(live.totals()).toEqual({ costUsd: 0.25, steps: 1, active: 0, ended: 1 });
  });
});

describe("a row", () => {
  it.each<[readonly WorkflowEvent[], string]>([
    [[], "❯ PENDING    fix"],
    [[running("fix")], "❯ RUNNING    fix  3.0s · asking for a permit"],
    [[running("fix"), printed("fix", "one\ntwo\n")], "❯ RUNNING    fix  3.0s · two"],
    [
      [running("fix", { loops: true, iterations: 3, attempts: 4 }), cost("fix", 0.25)],
      "❯ RUNNING    fix  iteration 3 of 9 · 3.0s · $0.25 · asking for a permit",
    ],
    [[running("fix", { attempts: 2 })], "❯ RUNNING    fix  attempt 2 · 3.0s · asking for a permit"],
    [
      [running("fix"), changed({ id: "fix", status: "CHECKING", endedAt: null, loops: true })],
      "❯ CHECKING   fix  iteration 1 of 9 · 3.0s · asking for a permit",
    ],
    [[passed("fix", { loops: true, iterations: 3 })], "❯ PASS       fix  3 iterations · 2.0s"],
    [
      [passed("fix", { status: "FAILED", reason: "exit\n\u001b[31mcode 1" })],
      "❯ FAIL       fix  2.0s · exit code 1",
    ],
    [
      [changed({ id: "fix", status: "SKIPPED", startedAt: null, endedAt: null, reason: "no" })],
      "❯ SKIP       fix  no",
    ],
  ])("%# is %j", (events, row) => {
    expect(frameOf(liveAfter([started(["fix"]), ...events]))[1]).toBe(row);
  });
});

describe("the tree", () => {
  const matrix = ["unit[n=1]", "unit[n=2]", "unit[n=3]"];

  it("has the instances of a matrix below their step, open while one works", () => {
    const live = liveAfter([
      started(["build", ...matrix]),
      passed("unit[n=1]", { costUsd: 1 }),
      running("unit[n=2]"),
    ]);
    expect(frameOf(live).slice(1, 6)).toEqual([
      "  PENDING    build",
      "  RUNNING    ▾ unit  1/3 · 3.0s · $1.00",
      "  PASS         [n=1]  2.0s · $1.00",
      "❯ RUNNING      [n=2]  3.0s · asking for a permit",
      "  PENDING      [n=3]",
    ]);
    for (const id of matrix) live.apply(passed(id));
    expect(frameOf(live).slice(1, 3)).toEqual(["  PENDING    build", "  PASS       ▸ unit  3/3 · 2.0s"]);
  });

  it("has a line for what waits for an approval, with the command that answers it, however little room there is", () => {
    const approval = { message: "Ship it?", who: [], expiresAt: null, answer: null };
    const ids = Array.from({ length: 40 }, (_, index) => `s${index}`);
    const waits = changed({ id: "sub/ok", status: "WAITING", endedAt: null, approval });
    const live = liveAfter([
      started([...ids, "sub"]),
      running("sub"),
      ...ids.map((id) => running(id)),
      waits,
    ]);
    const quiet = liveAfter([started([...ids, "sub"]), running("sub"), waits]);
    const line = /WAITING +ok  .*Ship it\?  agentcore workflow approve 0199a2c4 sub\/ok {2}\(or reject\)/;
    expect(frameOf(live, 60).join("\n")).toMatch(line);
    expect(frameOf(quiet, 8).join("\n")).toMatch(line);
  });

  it("has one line for a step with a list, until its instances are known", () => {
    const live = liveAfter([started(["list", "unit"]), passed("list")]);
    expect(frameOf(live).slice(1, 3)).toEqual([
      expect.stringContaining("PASS       list"),
      expect.stringContaining("PENDING    unit"),
    ]);
    live.apply(running("unit[n=1]"));
    live.apply(passed("unit[n=2]"));
    expect(live.visible().map(({ id }) => id)).toEqual(["list", "unit", "unit[n=1]", "unit[n=2]"]);
    expect(live.totals()).toMatchObject({ steps: 3, active: 1, ended: 2 });
  });

  it("has the steps of a sub-workflow below theirs, and begins anew with each of its runs", () => {
    const live = liveAfter([started(["inner"]), running("inner"), passed("inner/one", { costUsd: 2 })]);
    live.apply(running("inner/two"));
    expect(frameOf(live).slice(1, 4)).toEqual([
      "  RUNNING    ▾ inner  3.0s · $2.00",
      "  PASS         one  2.0s · $2.00",
      "❯ RUNNING      two  3.0s · asking for a permit",
    ]);
    live.apply(running("inner", { attempts: 2, costUsd: 2 }));
    expect(live.visible().map(({ id }) => id)).toEqual(["inner"]);
    expect(live.totals().costUsd).toBe(2);
  });
});

describe("keys", () => {
  const live = (): LiveRun =>
    liveAfter([started(["a", "b", "u[n=1]", "u[n=2]", "z"]), running("b"), running("z")]);
  const after = (keys: readonly Parameters<LiveRun["press"]>[0][]): string | undefined => {
    const run = live();
    for (const key of keys) run.press(key);
    return run.selected?.id;
  };
  it.each([
    [[], "b"],
    [["up"], "a"],
    [["up", "up", "up"], "a"],
    [["down"], "u"],
    [["down", "toggle", "down"], "u[n=1]"],
    [["down", "toggle", "down", "up", "toggle", "down"], "z"],
    [["last"], "z"],
    [["last", "down"], "z"],
    [["last", "first"], "a"],
    [["first", "follow"], "b"],
    [["toggle"], "b"],
  ] as const)("%j selects %s", (keys, id) => {
    expect(after([...keys])).toBe(id);
  });

  it("the selection follows what works until a key moves it", () => {
    const run = live();
    run.apply(passed("b"));
    expect(run.selected?.id).toBe("z");
    run.press("first");
    run.apply(running("b"));
    expect(run.selected?.id).toBe("a");
  });

  it.each([
    ["k\u001b[A\u001bOA", ["up", "up", "up"]],
    ["j\u001b[B", ["down", "down"]],
    ["gG\u001b[H\u001b[4~", ["first", "last", "first", "last"]],
    ["\r \u001b", ["toggle", "toggle", "follow"]],
    ["qp\u0003\u001a", ["lines", "pause", "interrupt", "suspend"]],
    ["\u001b[1;5A\u001b[200~x日", []],
  ])("a terminal sends %j for %j", (input, presses) => {
    expect(pressesIn(input)).toEqual(presses);
  });
});

describe("the log", () => {
  it("is the end of what the selected step did, below the tree", () => {
    const lines = Array.from({ length: 50 }, (_, index) => `line ${index}`).join("\n");
    const live = liveAfter([
      started(["fix", "build"]),
      running("fix"),
      ...lines.split("\n").map((line) => printed("fix", line)),
    ]);
    const frame = frameOf(live, 15, 40);
    expect(frame[3]).toBe(`── fix ${"─".repeat(33)}`);
    expect(frame.slice(-3, -1).map((line) => line.trim())).toEqual([
      "0.0s  out     line 48",
      "0.0s  out     line 49",
    ]);
    live.press("down");
    expect(frameOf(live, 15, 40)[4]).toBe("nothing yet");
  });

  it("is kept within bounds", () => {
    const live = liveAfter([started(["fix"]), running("fix")]);
    for (let line = 0; line < 1000; line++) live.apply(printed("fix", `${line} ${"x".repeat(10_000)}`));
    const kept = (): readonly number[] => live.selected?.log.map((line) => displayWidth(textOf(line))) ?? [];
    expect(kept()).toHaveLength(200);
    expect(Math.max(...kept())).toBeLessThanOrEqual(500);
    live.apply(passed("fix"));
    expect(kept()).toHaveLength(20);
  });
});

describe("two hundred steps", () => {
  const ids = Array.from({ length: 200 }, (_, index) => `s${index}`);
  const live = liveAfter([
    started(ids),
    ...ids.slice(0, 90).map((id) => passed(id, id === "s40" ? { status: "FAILED", reason: "broke" } : {})),
    ...ids.slice(90, 93).map((id) => running(id)),
    running("s150"),
  ]);

  it("fit: what has ended and what waits is folded, what works and what failed is seen", () => {
    expect(frameOf(live, 24).slice(1, 10)).toEqual([
      "             … 40 PASS",
      "  FAIL       s40  2.0s · broke",
      "             … 49 PASS",
      "❯ RUNNING    s90  3.0s · asking for a permit",
      "  RUNNING    s91  3.0s · asking for a permit",
      "  RUNNING    s92  3.0s · asking for a permit",
      "             … 57 PENDING",
      "  RUNNING    s150  3.0s · asking for a permit",
      "             … 49 PENDING",
    ]);
  });

  it("fit into less by folding failures too, and what is selected stays", () => {
    live.press("first");
    expect(frameOf(live, 11).slice(1, -1)).toEqual([
      "❯ PASS       s0  2.0s",
      "             … 88 PASS, 1 FAIL",
      "  RUNNING    s90  3.0s · asking for a permit",
      "  RUNNING    s91  3.0s · asking for a permit",
      "  RUNNING    s92  3.0s · asking for a permit",
      "             … 57 PENDING",
      "  RUNNING    s150  3.0s · asking for a permit",
      "             … 49 PENDING",
    ]);
    live.press("follow");
  });

  it.each([3, 4, 5, 6, 8, 10, 12, 16, 24, 50, 300])("never take more than %i rows", (rows) => {
    for (const key of ["first", "last", "up", "follow"] as const) {
      live.press(key);
      const frame = frameOf(live, rows);
      expect(frame.length).toBeLessThanOrEqual(rows);
      expect(frame.filter((line) => line.startsWith("❯"))).toHaveLength(1);
    }
  });

  it("all of which work are told by number", () => {
    const all = liveAfter([started(ids), ...ids.map((id) => running(id))]);
    const frame = frameOf(all, 12);
    expect(frame.at(-2)).toBe("             … 191 more below");
    all.press("last");
    expect(frameOf(all, 12)[1]).toBe("             … 191 more above");
  });
});

it.each([
  ["1 (node) S 5 70 70 34816 70 4194304", true],
  ["1 (node (a) b) S 5 70 70 34816 71 4194304", false],
  [null, true],
])("a process with the stat %j is in the foreground: %j", (stat, foreground) => {
  expect(isInForeground(stat)).toBe(foreground);
});
