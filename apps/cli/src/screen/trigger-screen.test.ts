import type { Printed, TriggerDetailsDocument } from "@agentcore/contract";
import { expect, it } from "vitest";
import { textOf } from "./line.ts";
import { triggerLines, triggerTable } from "./trigger-screen.ts";

const now = Date.parse("2026-05-01T12:00:00Z");
const trigger: Printed<TriggerDetailsDocument> = {
  type: "trigger_details",
  id: "nightly",
  on: "night",
  source: "cron",
  workflow: "/w/flow.yaml",
  state: "active",
  pausedAt: null,
  pausedBy: null,
  pauseNote: null,
  nextFireAt: "2026-05-01T13:00:00Z",
  cooldownEndsAt: null,
  waiting: 0,
  running: 0,
  runs: 0,
  failuresInARow: 0,
  lastRun: null,
  lastOutcome: null,
  lastEndedAt: null,
  lastCostUsd: null,
  spentUsd: null,
  spentTokens: null,
  budget: null,
  overlap: "buffer_all",
  debounceMs: 0,
  cooldownMs: 0,
  jitterMs: 0,
  maxQueue: 10,
  onFailure: "ignore",
  maxRetries: 3,
  maxRuns: null,
  maxChainDepth: 3,
  startAt: null,
  endAt: null,
  nextFires: [],
  skipped: {},
};
const paused = {
  ...trigger,
  id: "other",
  state: "paused" as const,
  pausedAt: "2026-05-01T11:00:00Z",
  pausedBy: "failures" as const,
  pauseNote: "3 in a row\u001b[2J",
};

it("has a column for pauses only if a trigger is paused, and nothing that moves a cursor", () => {
  const plain = triggerTable([trigger], now).map(textOf);
  expect(plain.map((line) => line.trimEnd())).toEqual(plain);
  expect(plain[0]).not.toContain("PAUSE");
  const lines = triggerTable([trigger, paused], now).map(textOf);
  expect(lines[0]).toContain("PAUSE");
  expect(lines[1]).toMatch(/^nightly +active +night \(cron\) +in 1h/);
  expect(lines[2]).toMatch(/^other +paused .* +1h\S* ago after failures: 3 in a row/);
  expect(lines.join("")).not.toContain("\u001b");
});

it("says what was spent of which budget", () => {
  const spentOf = (change: Partial<typeof trigger>) =>
    triggerLines({ ...trigger, ...change }, now)
      .map(textOf)
      .find((line) => line.startsWith("  spent"))
      ?.replace(/ +/g, " ");
  const budget = { costUsd: 2, tokens: 5000, per: "day" } as const;
  expect(spentOf({})).toBeUndefined();
  expect(spentOf({ budget })).toBe(" spent nothing of $2.00 and 5,000 tokens each day");
  expect(spentOf({ budget, spentUsd: 1.5 })).toContain("$1.50 of $2.00");
  expect(spentOf({ spentTokens: 1200 })).toBe(" spent 1,200 tokens");
});
