import type { Firing } from "@agentcore/triggers";
import { expect, it } from "vitest";
import { overviewDocument, type OverviewFacts } from "./overview-document.ts";

type Kind = "waiting" | "evaluating" | "running" | "analyzing";

/** Of one trigger. */
function triggerWith(kinds: readonly Kind[]) {
  const open = kinds.map((kind, index) => {
    const state = { kind } as Firing["state"];
    return [String(index), { id: String(index), trigger: "t", state } as Firing] as const;
  });
  const machine = {
    definition: { name: "d", triggers: new Map([["t", { id: "t", on: "s", enabled: true }]]) },
    triggers: new Map(),
    open: new Map(open),
  } as unknown as OverviewFacts["machine"];
  const none = { running: [], runs: [], waiting: [], budgets: [], survivors: [], escalations: [] };
  const { triggers } = overviewDocument({
    now: 0,
    startedAt: 0,
    readiness: { ready: true, state: "ready", checks: [] },
    stats: { ready: 0, delayed: 0, running: 0, succeeded: 0, dead: 0, cancelled: 0, oldestWaitMs: 0 },
    load: null,
    ...none,
    spentTodayUsd: 0,
    machine,
    nextSlotAt: () => null,
    silenceLimitMs: { silence: 1, silence_max: 1 },
  });
  return triggers[0];
}

it("counts a firing as waiting until its run begins, and one whose run is analyzed as neither", () => {
  const kinds = ["waiting", "evaluating", "running", "analyzing"] as const;
  expect(triggerWith(kinds)).toEqual({ name: "t", nextAt: null, waiting: 2, running: 1 });
});
