import { expect, it } from "vitest";
import { summaryText } from "./summary.ts";

const queue = { ready: 0, delayed: 0, running: 0, dead: 0, oldestWaitMs: 0 };
const nothing = { text: "", at: null, run: null, step: null, job: null, trigger: null, count: null };
const run = { id: "r", name: "n", state: "RUNNING", steps: 1, done: 0, failed: 0, running: 1, waiting: 0 };

it("says in one sentence what runs, what waits and whether somebody is needed", () => {
  expect(summaryText({ name: null, queue, runs: [], attention: [] })).toBe(
    "0 jobs run, 0 wait. Nothing needs you.",
  );
  const runs = [{ ...run, submittedAt: "2026-01-01T00:00:00Z", costUsd: null, maxCostUsd: null }];
  const attention = [
    { ...nothing, kind: "approval" as const },
    { ...nothing, kind: "trigger_paused" as const },
  ];
  expect(
    summaryText({ name: null, queue: { ...queue, running: 1, ready: 1, delayed: 2 }, runs, attention }),
  ).toBe("1 job runs, 3 wait, 1 workflow run goes on. 1 thing needs you.");
});
