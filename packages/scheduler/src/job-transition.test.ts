import { testSeed } from "@agentcore/contract/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attemptRef, isDue, isTerminal, type JobRecord, type JobStateKind } from "./job-record.ts";
import type { Settlement } from "./job-store.ts";
import { newRecord, transition, type JobEvent } from "./job-transition.ts";
import {
  cancelReason,
  defer,
  die,
  endCancelled,
  retry,
  succeed,
  testJob,
  testSubmission,
} from "./testing/fixtures.ts";

const parameters = { seed: testSeed("job transitions") };

const settle =
  (make: (record: JobRecord) => Settlement) =>
  (record: JobRecord): JobEvent => ({
    type: "settle",
    settlement: make(record),
  });

const events = {
  claim: (): JobEvent => ({ type: "claim", owner: "o", at: 5 }),
  succeeded: settle(succeed),
  retry: settle(retry),
  dead: settle(die),
  cancelled: settle(endCancelled),
  defer: settle(defer),
  request_cancel: (): JobEvent => ({ type: "request_cancel", reason: cancelReason, at: 6 }),
  take_over: (): JobEvent => ({ type: "take_over", owner: "p" }),
  mark_replayed: (): JobEvent => ({ type: "mark_replayed", replayedAs: "newer" }),
} as const;
type EventName = keyof typeof events;

function apply(record: JobRecord, name: EventName): JobRecord | undefined {
  const next = transition(record, events[name](record));
  return next.applied ? next.record : undefined;
}

function reached(...names: EventName[]): JobRecord {
  return names.reduce((record, name) => apply(record, name) ?? record, newRecord(testSubmission(testJob())));
}

const states: Record<string, JobRecord> = {
  queued: reached(),
  running: reached("claim"),
  "running, cancel requested": reached("claim", "request_cancel"),
  succeeded: reached("claim", "succeeded"),
  dead: reached("claim", "dead"),
  cancelled: reached("request_cancel"),
};

/** State → event → next state; a missing entry means stale. */
const table: Record<string, Partial<Record<EventName, JobStateKind>>> = {
  queued: { claim: "running", request_cancel: "cancelled" },
  running: {
    succeeded: "succeeded",
    retry: "queued",
    dead: "dead",
    cancelled: "cancelled",
    defer: "queued",
    request_cancel: "running",
    take_over: "running",
  },
  "running, cancel requested": {
    succeeded: "succeeded",
    retry: "cancelled",
    dead: "dead",
    cancelled: "cancelled",
    defer: "cancelled",
    request_cancel: "running",
    take_over: "running",
  },
  succeeded: {},
  dead: { mark_replayed: "dead" },
  cancelled: {},
};

describe("a job", () => {
  const names = Object.keys(events) as EventName[];
  const rows = Object.keys(states).flatMap((state) =>
    names.map((event) => ({ state, event, next: table[state]?.[event] ?? "stale" })),
  );
  it.each(rows)("that is $state: $event → $next", ({ state, event, next }) => {
    expect(apply(states[state]!, event)?.state.kind ?? "stale").toBe(next);
  });

  it.each(["attempt", "epoch"] as const)("takes nothing that names another %s", (field) => {
    const record = reached("claim");
    for (const make of [succeed, retry, die, endCancelled, defer]) {
      const settlement = make(record);
      const ref = { ...settlement.ref, [field]: settlement.ref[field] - 1 };
      expect(transition(record, { type: "settle", settlement: { ...settlement, ref } }).applied).toBe(false);
    }
  });

  it("is due when the wall clock was set back further than it was meant to wait", () => {
    const state = { kind: "queued", runAt: 10_000, delayMs: 5000, waitingFor: null } as const;
    expect(isDue(state, 9999)).toBe(false);
    expect(isDue(state, 4000)).toBe(false);
    expect(isDue(state, 3999)).toBe(true);
    expect(isDue({ ...state, delayMs: null }, 0)).toBe(false);
  });

  it("never reuses an attempt that began, never lowers its epoch, and never leaves an end", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names), { maxLength: 60 }), (sequence) => {
        let record = newRecord(testSubmission(testJob()));
        const begun = new Set<number>();
        for (const name of sequence) {
          const next = apply(record, name);
          if (next === undefined) continue;
          expect(next.epoch).toBeGreaterThanOrEqual(record.epoch);
          if (isTerminal(record.state)) expect(next.state.kind).toBe(record.state.kind);
          if (name === "claim") {
            expect(next.epoch).toBe(record.epoch + 1);
            expect(begun.has(next.attempt)).toBe(false);
          }
          // A deferred attempt never began: its number may be used again, its epoch may not.
          if (name !== "defer" && next.state.kind !== "running" && record.state.kind === "running")
            begun.add(record.attempt);
          expect(
            transition(next, { type: "settle", settlement: { ...succeed(record), ref: attemptRef(record) } })
              .applied,
          ).toBe(next.state.kind === "running" && next.epoch === record.epoch);
          record = next;
        }
      }),
      parameters,
    );
  });
});
