/** The judgement about the daemon's kills sees each fault that it is there for. */
import { expect, it } from "vitest";
import { judgeDaemon, type DaemonGathered } from "./daemon-verdict.ts";

const ended = {
  kind: "ended",
  run: "r",
  outcome: "SUCCEEDED",
  message: null,
  startedAt: 0,
  endedAt: 1,
  attempt: 1,
  costUsd: null,
  tokens: null,
} as const;
const first = { event: "e", run: "r", step: "first" };
const second = { ...first, step: "second" };
const event = { id: "e", key: "k", source: "free" };
const firing = { event: "e", state: ended };

const good: DaemonGathered = {
  acknowledged: ["k", "k"],
  events: [event],
  firings: [firing],
  runs: new Map([["r", "SUCCEEDED"]]),
  steps: ["first", "second"],
  ledger: [first, first, second],
  overlaps: [],
  survivors: [],
  problems: [],
};

it("finds nothing where every delivery led to one run, interrupted or not", () => {
  expect(judgeDaemon(good)).toEqual({ acknowledged: 1, runs: 1, findings: [] });
});

it.each<[string, Partial<DaemonGathered>]>([
  ["lost: k2", { acknowledged: ["k", "k2"] }],
  ["k is stored as 2 events", { events: [event, { ...event, id: "f" }] }],
  ["k: it has 0 firings", { firings: [] }],
  ["k: it has 2 firings", { firings: [firing, firing] }],
  ["k: its firing is", { firings: [{ event: "e", state: { ...ended, outcome: "FAILED" } }] }],
  ["k: its run r is recorded as open or missing", { runs: new Map([["r", null]]) }],
  ["k: 2 runs of it began", { ledger: [first, second, { ...second, run: "s" }] }],
  ["k: a step of it never ran", { ledger: [first] }],
  ["k: its first step ran again after its end", { ledger: [first, second, first] }],
  ["two steps of event e were alive at a time", { overlaps: ["e"] }],
  ["left behind: process 1", { survivors: ["process 1"] }],
  ["the daemon ended", { problems: ["the daemon ended with 1"] }],
])("finds: %s", (finding, change) => {
  expect(judgeDaemon({ ...good, ...change }).findings.join("\n")).toContain(finding);
});
