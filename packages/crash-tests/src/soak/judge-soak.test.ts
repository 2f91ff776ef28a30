/** The judgement about a soak sees each fault that it is there for. */
import type { Firing, TriggerEvent } from "@agentcore/triggers";
import { expect, it } from "vitest";
import { judgeSoak, type SoakGathered } from "./judge-soak.ts";

const eventOf = (id: string, key: string) => ({ id, key, source: "hook" }) as TriggerEvent;
const run = eventOf("e1", "event-0");
const other = eventOf("e2", "event-1");
const ended = {
  event: "e1",
  state: { kind: "ended", run: "r", outcome: "SUCCEEDED" },
} as unknown as Firing;
const skipped = {
  event: "e2",
  state: { kind: "skipped", reason: { code: "filter", text: "" } },
} as unknown as Firing;
const start = { event: "e1", run: "r", at: 0 };

const good: SoakGathered = {
  sent: [
    { id: "event-0", isRun: true },
    { id: "event-1", isRun: false },
  ],
  starts: [start, start],
  events: [run, other],
  firings: [ended, skipped],
  runs: new Map([["r", "SUCCEEDED"]]),
  problems: [],
};

it("finds nothing where every event is decided once, and each run that was asked for ended", () => {
  expect(judgeSoak(good)).toEqual([]);
});

it.each<[string, Partial<SoakGathered>]>([
  ["lost: event-0", { events: [other] }],
  ["event-1 is stored as 0 events", { events: [run] }],
  ["event-1 is stored as 2 events", { events: [run, other, { ...other, id: "e3" }] }],
  ["event-1: its firings are", { firings: [ended, { ...ended, event: "e2" }] }],
  ["event-1: its firings are []", { firings: [ended] }],
  ["event-2 was never sent", { events: [run, other, eventOf("e3", "event-2")] }],
  ["event-0: it has 2 firings", { firings: [ended, ended, skipped] }],
  ["event-0: 2 runs of it began", { starts: [start, { ...start, run: "s" }] }],
  ["event-0: a step of it never ran", { starts: [] }],
  ["event-0: its run r is recorded as open or missing", { runs: new Map([["r", null]]) }],
  ["the daemon ended", { problems: ["the daemon ended with 1"] }],
])("finds: %s", (finding, change) => {
  expect(judgeSoak({ ...good, ...change }).join("\n")).toContain(finding);
});
