/** The checks of the crash tests find what they are for: one planted fault each, in an account that is otherwise clean. */
import { expect, it } from "vitest";
import type { TrueAttempt } from "./truth-ledger.ts";
import { isClean, judge, type Gathered, type RecordedJob, type Verdict } from "./verdict.ts";

const attempt = (number: number, fields: Partial<TrueAttempt> = {}): TrueAttempt => ({
  attempt: number,
  run: `run-${number}`,
  startedAt: number * 100,
  lastSeenAt: number * 100 + 50,
  ended: true,
  costUsd: 0.01,
  ...fields,
});

const recorded: RecordedJob = {
  id: "a",
  state: "succeeded",
  spentUsd: 0.06,
  attempts: [
    { attempt: 1, costUsd: 0.05, costBasis: "estimated" },
    { attempt: 2, costUsd: 0.01, costBasis: "reported" },
  ],
};

const clean: Gathered = {
  acknowledgedIds: ["a"],
  jobs: new Map([["a", recorded]]),
  truth: new Map([["a", { attempts: [attempt(1, { ended: false }), attempt(2)], overlaps: 0 }]]),
  maxAttempts: new Map([["a", 2]]),
  answers: [{ jobId: "a", state: "succeeded" }],
  announcedEnds: ["a"],
  bookedUsd: 0.06,
  heldUsd: 0,
  survivors: [],
};

const withJob = (fields: Partial<RecordedJob>): Partial<Gathered> => ({
  jobs: new Map([["a", { ...recorded, ...fields }]]),
});
const withAttempts = (...attempts: TrueAttempt[]): Partial<Gathered> => ({
  truth: new Map([["a", { attempts, overlaps: 0 }]]),
});

it("an attempt that died unseen may be charged more than it spent", () => {
  expect(judge(clean)).toMatchObject({ lost: [], duplicated: [], unaccounted: [], survivors: [] });
  expect(isClean(judge(clean))).toBe(true);
});

it.each<[string, Partial<Gathered>, keyof Verdict, string]>([
  ["a job that vanished", { jobs: new Map() }, "lost", "is not there"],
  ["a job without an end", withJob({ state: "running" }), "lost", "is running"],
  ["a wrong answer", { answers: [{ jobId: "a", state: "dead" }] }, "lost", "was told dead"],
  ["a second end", { announcedEnds: ["a", "a"] }, "duplicated", "announced twice"],
  [
    "a lock found taken",
    { truth: new Map([["a", { attempts: [attempt(1), attempt(2)], overlaps: 1 }]]) },
    "duplicated",
    "beside itself",
  ],
  [
    "intervals that overlap",
    withAttempts(attempt(1, { lastSeenAt: 210 }), attempt(2)),
    "duplicated",
    "before the one before was over",
  ],
  ["an attempt run twice", withAttempts(attempt(2), attempt(2, { startedAt: 900 })), "duplicated", "twice"],
  ["too many attempts", { maxAttempts: new Map([["a", 1]]) }, "duplicated", "2 times of 1"],
  ["a run that nobody asked for", { acknowledgedIds: [] }, "duplicated", "never acknowledged"],
  [
    "a bound below the truth",
    withAttempts(attempt(1, { costUsd: 0.051 }), attempt(2)),
    "unaccounted",
    "spent 0.051, recorded 0.05",
  ],
  [
    "a reported cost above the truth",
    withAttempts(attempt(1), attempt(2, { costUsd: 0.009 })),
    "unaccounted",
    "spent 0.009, recorded 0.01",
  ],
  ["a job that forgot an attempt's cost", withJob({ spentUsd: 0.05 }), "unaccounted", "it counts 0.05"],
  ["a book below the truth", { bookedUsd: 0.015 }, "unaccounted", "0.015 are booked"],
  ["money still held", { heldUsd: 0.05 }, "unaccounted", "still held"],
  ["a process that lives", { survivors: ["process 1: sleep"] }, "survivors", "process 1"],
])("finds %s", (_, fault, kind, words) => {
  const verdict = judge({ ...clean, ...fault });
  expect(isClean(verdict)).toBe(false);
  expect(verdict[kind]).toEqual(expect.arrayContaining([expect.stringContaining(words)]));
});
