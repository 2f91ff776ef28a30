import { jsonDocument, type OverviewDocument } from "@agentcore/contract";
import { testOverview } from "@agentcore/api/testing";
import { expect, it } from "vitest";
import { cutLine, span, textOf } from "./line.ts";
import { displayWidth } from "./text.ts";
import { topFrame, topLines, type Board } from "./top-screen.ts";

const board = (change: Partial<OverviewDocument> = {}): Board => jsonDocument({ ...testOverview, ...change });
const remark = span("q ends");
const [running] = testOverview.running;
const many = board({
  queue: { ...testOverview.queue, running: 60, ready: 12_345 },
  running: Array.from({ length: 60 }, (_, at) => ({
    ...running!,
    job: `job-${at}`,
    activity: (["starting", "working", "tool", "silent", "stopping"] as const)[at % 5]!,
    reason: at % 5 === 4 ? "enough" : null,
    instructions: "日本語の長い説明 \u001b[31mred\u001b[0m\r\n\u0007 ".repeat(5),
  })),
  attention: Array.from({ length: 20 }, (_, at) => ({
    ...testOverview.attention[0]!,
    kind: "approval" as const,
    text: `flow ask-${at}: \u001b]0;title\u0007ship?`,
    run: "r1",
    step: `ask-${at}`,
    at: 1000,
  })),
});

/** As the terminal gets it. */
const frame = (shown: Board, columns: number, rows: number): string[] =>
  topFrame({ board: shown, now: 60_000, remark }, { columns, rows }).map((line) =>
    textOf(cutLine(line, columns)),
  );

it.each([
  [60, 24],
  [100, 30],
  [200, 60],
  [20, 5],
  [80, 3],
  [300, 200],
])("fits %i columns and %i rows, with nothing that moves the cursor", (columns, rows) => {
  for (const shown of [
    board(),
    many,
    board({ running: [], runs: [], waiting: [], attention: [], budgets: [], breakers: [], triggers: [] }),
  ]) {
    const lines = frame(shown, columns, rows);
    expect(lines.length).toBeLessThanOrEqual(rows);
    expect(lines.at(-1)).toBe("q ends");
    for (const line of lines) {
      expect(displayWidth(line)).toBeLessThanOrEqual(columns);
      // eslint-disable-next-line no-control-regex
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }
  }
});

it("shows every section, with what each attempt does", () => {
  expect(frame(board(), 120, 40)).toEqual([
    "test · ready · 1 running · 2 waiting · $2.00 today of $5.00 · 3 dead · 1 delayed · up 1m",
    "",
    "NEEDS ATTENTION",
    "! 3 dead letters",
    "",
    "RUNNING",
    "JOB  STATE  WORKER              STEP  TIME        SPENT  DOES",
    "j1   tool   claude-code sonnet  test   30s  $0.12/$1.00  npm test for 20s",
    "",
    "WAITING",
    "JOBS  CODE            SINCE  WHY",
    "   2  AC_CONCURRENCY     5s  4 of 4 jobs run",
    "",
    "WORKFLOW RUNS",
    "RUN  NAME     STATE    DONE  FAILED  AT WORK        SPENT  AGE",
    "r1   nightly  RUNNING   2/4       1        1  $0.40/$2.00  50s",
    "",
    "BREAKERS",
    "provider:anthropic is open, tried again in 30s",
    "",
    "BUDGETS",
    "SCOPE   PER  SPENT   HELD  LIMIT   LEFT",
    "global  day  $2.00  $1.00  $5.00  $2.00",
    "",
    "TRIGGERS",
    "TRIGGER    NEXT  WAITING  RUNNING",
    "nightly  paused        1        0",
    "q ends",
  ]);
});

it.each([
  ["waiting", "the provider has not begun to answer for 20s: Run the tests"],
  ["streaming", "receives an answer for 20s: Run"],
  ["silent", "nothing for 20s: Run"],
  ["looping", "sends the same request again and again for 20s: Run"],
  ["finished", "reported its end, has not exited for 20s: Run"],
] as const)("says what %s means, and for how long", (activity, words) => {
  const lines = frame(board({ running: [{ ...running!, activity, tool: null }] }), 200, 40);
  expect(lines.find((line) => line.startsWith("j1"))).toContain(words);
});

it("gives each section its least before any gets more, and says how much is hidden", () => {
  const lines = frame(many, 100, 30);
  expect(lines.filter((line) => /^[A-Z ]+$/.test(line) && line.length > 4)).toEqual(
    expect.arrayContaining(["NEEDS ATTENTION", "RUNNING", "WAITING", "WORKFLOW RUNS"]),
  );
  expect(lines.some((line) => /^… \d+ more$/.test(line))).toBe(true);
  expect(lines.find((line) => line.startsWith("! flow ask-0: ship?"))).toContain(
    "agentcore workflow approve r1 ask-0",
  );
});

it("says what is wrong in the head line", () => {
  const [head] = frame(board({ ready: "draining", pressure: null, spentTodayUsd: null }), 160, 5);
  expect(head).toMatch(/^test · draining · .* · – today of \$5\.00 · the runtime does not answer/);
});

it("shows everything where there is no screen", () => {
  const lines = topLines(many, 60_000).map(textOf);
  expect(lines.filter((line) => line.startsWith("job-"))).toHaveLength(60);
  expect(lines.filter((line) => line.startsWith("! "))).toHaveLength(20);
});
