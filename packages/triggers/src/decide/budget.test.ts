import { afterEach, beforeEach, expect, it } from "vitest";
import { testDefinition } from "../testing/index.ts";
import { MachineRig } from "../testing/machine-rig.ts";
import { charged, spentAt, usedUpUntil } from "./budget.ts";
import { newTriggerState } from "./initial-state.ts";
import { nextWakeAt } from "./next-wake.ts";
import { waitReason } from "./waiting.ts";

const zone = process.env["TZ"];
beforeEach(() => {
  process.env["TZ"] = "Europe/Berlin";
});
afterEach(() => {
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
});

const at = (text: string): number => Date.parse(text);
const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 16);
const run = { costUsd: 1, tokens: 10 };

it.each<["hour" | "day" | "month", string, string, string]>([
  ["hour", "2026-01-15T12:34:56Z", "2026-01-15T12:00", "2026-01-15T13:00"],
  ["day", "2026-01-15T22:30:00Z", "2026-01-14T23:00", "2026-01-15T23:00"],
  ["day", "2026-01-15T23:30:00Z", "2026-01-15T23:00", "2026-01-16T23:00"],
  ["month", "2026-01-31T23:30:00Z", "2026-01-31T23:00", "2026-02-28T23:00"],
  ["month", "2026-12-15T00:00:00Z", "2026-11-30T23:00", "2026-12-31T23:00"],
  // The day of 23 hours, the day of 25 hours, and the hour that exists twice.
  ["day", "2026-03-29T12:00:00Z", "2026-03-28T23:00", "2026-03-29T22:00"],
  ["day", "2026-10-25T12:00:00Z", "2026-10-24T22:00", "2026-10-25T23:00"],
  ["hour", "2026-10-25T00:30:00Z", "2026-10-25T00:00", "2026-10-25T01:00"],
  ["hour", "2026-10-25T01:30:00Z", "2026-10-25T01:00", "2026-10-25T02:00"],
  ["month", "2026-03-15T12:00:00Z", "2026-02-28T23:00", "2026-03-31T22:00"],
])("the %s of %s in Berlin is from %s to %s", (per, now, since, endAt) => {
  const spent = charged(null, run, at(now));
  expect(iso(spent[per].since)).toBe(since);
  const used = usedUpUntil({ costUsd: 1, tokens: null, per }, [{ ...newTriggerState("a"), spent }]);
  expect(iso(used)).toBe(endAt);
  expect(spentAt(per, spent, at(`${endAt}Z`) - 1).costUsd).toBe(1);
  expect(spentAt(per, spent, at(`${endAt}Z`)).costUsd).toBe(0);
});

it("a clock that is set back a little forgets nothing that was spent", () => {
  const spent = charged(null, run, at("2026-01-15T12:00:01Z"));
  const after = charged(spent, run, at("2026-01-15T11:59:59Z"));
  expect(after.hour).toEqual({ since: at("2026-01-15T12:00:00Z"), costUsd: 2, tokens: 20 });
});

const noon = at("2026-01-15T12:00:00Z");

it.each<[string, { costUsd: number | null; tokens: number | null }]>([
  ["money", { costUsd: 1, tokens: null }],
  ["tokens", { costUsd: null, tokens: 10 }],
])("a used budget of %s keeps events waiting until the next window", (_what, ceiling) => {
  const rig = new MachineRig(testDefinition({ triggers: [{ budget: { ...ceiling, per: "hour" } }] }));
  rig.now = noon + 60_000;
  rig.event("a");
  rig.event("b");
  rig.end("a", run);
  expect(rig.seen()).toBe("a SUCCEEDED, b waiting");
  expect(waitReason(rig.state, rig.firing("b"), rig.now)).toMatchObject({
    code: "trigger_budget",
    until: noon + 3_600_000,
  });
  expect(nextWakeAt(rig.state)).toBe(noon + 3_600_000);
  rig.pass(59 * 60_000);
  expect(rig.seen()).toBe("a SUCCEEDED, b running");
});

it("a failed attempt counts, and is not tried again before the next window", () => {
  const budget = { costUsd: 1, tokens: null, per: "hour" } as const;
  const rig = new MachineRig(testDefinition({ triggers: [{ budget, onFailure: "retry" }] }));
  rig.now = noon;
  rig.event("a");
  rig.end("a", { outcome: "FAILED", ...run });
  rig.pass(3_599_000);
  expect(rig.seen()).toBe("a waiting");
  rig.pass(1_000);
  expect(rig.seen()).toBe("a running");
});

it("the budget of the daemon is one for all triggers, removed ones too", () => {
  const budget = { costUsd: 2, tokens: null, per: "day" } as const;
  const triggers = [
    { id: "one", on: "one" },
    { id: "two", on: "two" },
  ];
  const rig = new MachineRig(testDefinition({ budget, triggers }));
  rig.now = noon;
  rig.event("a", { source: "one" });
  rig.end("a", run);
  rig.give({ type: "reload", definition: testDefinition({ budget, triggers: triggers.slice(1) }) });
  rig.event("b", { source: "two" });
  rig.end("b", run);
  rig.event("c", { source: "two" });
  expect(rig.seen()).toBe("a SUCCEEDED, b SUCCEEDED, c waiting");
  expect(waitReason(rig.state, rig.firing("c"), rig.now)?.code).toBe("daemon_budget");
  expect(iso(nextWakeAt(rig.state)!)).toBe("2026-01-15T23:00");
});

it("a budget of another window counts at once what was spent before", () => {
  const rig = new MachineRig(testDefinition());
  rig.now = noon;
  rig.event("a");
  rig.end("a", run);
  const budget = { costUsd: 1, tokens: null, per: "month" } as const;
  rig.give({ type: "reload", definition: testDefinition({ triggers: [{ budget }] }) });
  rig.event("b");
  expect(rig.seen()).toBe("a SUCCEEDED, b waiting");
});
