import { expect, it } from "vitest";
import type { QueueWaits, WaitingJob, WaitingLine } from "../queue-waits.ts";
import { explainWaits, type WaitFacts } from "./explain-waits.ts";

const group = { tenant: null, worker: "codex", model: null, class: "batch" } as const;
const reason = (code: string) => ({ code, message: `words of ${code}`, evidence: {} });
const line = (jobs: number, change: Partial<WaitingLine> = {}): WaitingLine => ({
  ...group,
  jobs,
  first: { jobId: "first", readyFrom: 5 },
  ...change,
});
const other = (change: Partial<WaitingJob> = {}): WaitingJob => ({
  ...group,
  jobId: "other",
  kind: "delayed",
  concurrencyKey: null,
  runAt: 0,
  readyFrom: 7,
  waitingFor: null,
  ...change,
});
const room: WaitFacts = { now: 10, full: null, held: [] };
const full: WaitFacts = { ...room, full: reason("AC_CONCURRENCY") };
const heldWorker: WaitFacts = {
  ...full,
  held: [{ scope: { kind: "worker", worker: "codex" }, reason: reason("AC_BREAKER_OPEN") }],
};
const heldKey: WaitFacts = {
  ...room,
  held: [{ scope: { kind: "concurrency_key", concurrencyKey: "/w" }, reason: reason("AC_WORKSPACE_BUSY") }],
};

const cases: readonly [
  name: string,
  waits: Partial<QueueWaits>,
  facts: WaitFacts,
  found: readonly (readonly [code: string | null, jobs: number, example: string])[],
][] = [
  ["nothing waits", {}, room, []],
  ["due jobs wait for their turn where there is room", { lines: [line(3)] }, room, [[null, 3, "first"]]],
  [
    "due jobs wait for a slot where there is none",
    { lines: [line(3)] },
    full,
    [["AC_CONCURRENCY", 3, "first"]],
  ],
  [
    "what the runtime refused to a scope holds all of its jobs, and no other",
    { lines: [line(3), line(2, { worker: "shell", first: { jobId: "second", readyFrom: 1 } })] },
    heldWorker,
    [
      ["AC_BREAKER_OPEN", 3, "first"],
      ["AC_CONCURRENCY", 2, "second"],
    ],
  ],
  [
    "jobs of a held workspace are counted apart from the rest of their line",
    {
      lines: [line(5)],
      ofKeys: [{ ...line(3, { first: { jobId: "inside", readyFrom: 2 } }), concurrencyKey: "/w" }],
    },
    heldKey,
    [
      ["AC_WORKSPACE_BUSY", 3, "inside"],
      [null, 2, "first"],
    ],
  ],
  [
    "a refusal or a failure of the job itself says more than its scope",
    { others: [other({ waitingFor: reason("AC_BUDGET_JOB"), runAt: 90 })], othersInAll: 1 },
    heldWorker,
    [["AC_BUDGET_JOB", 1, "other"]],
  ],
  [
    "a step of a workflow that is due waits for what its scope waits for",
    { others: [other({ kind: "piece" })], othersInAll: 1 },
    heldWorker,
    [["AC_BREAKER_OPEN", 1, "other"]],
  ],
  [
    "jobs that were not read are delayed ones",
    { others: [other({ runAt: 90 })], othersInAll: 4 },
    full,
    [[null, 4, "other"]],
  ],
  [
    "the job that waits longest is the example",
    {
      others: [
        other({ jobId: "new", readyFrom: 9, runAt: 90 }),
        other({ jobId: "old", readyFrom: 1, runAt: 99 }),
      ],
      othersInAll: 2,
    },
    room,
    [[null, 2, "old"]],
  ],
];

it.each(cases)("%s", (_name, waits, facts, expected) => {
  const found = explainWaits({ lines: [], ofKeys: [], others: [], othersInAll: 0, ...waits }, facts);
  expect(found.map(({ code, jobs, example }) => [code, jobs, example])).toEqual(expected);
});

it("says of jobs without a refusal whether they wait for their time, their turn or a job with their key", () => {
  const others = [other({ runAt: 90 }), other({ kind: "key" }), other({ kind: "piece" })];
  const found = explainWaits({ lines: [], ofKeys: [], others, othersInAll: 3 }, room);
  expect(found.map(({ reason: words }) => words)).toEqual([
    "waits for its time",
    "waits for the end of a job with its key",
    "waits for its turn",
  ]);
});
