import type { WorkerResult } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import type { Expectation } from "./cases.ts";
import { deviations } from "./deviations.ts";
import type { CaseRecord } from "./drive-case.ts";

const containment = {
  level: "sealed",
  implementation: "unshare",
  processesSeen: 3,
  survivors: 0,
  signals: [],
  emptyAfterMs: 1,
  provedBy: "pid-namespace",
} as const;

const result: WorkerResult = {
  outcome: "succeeded",
  errorClass: null,
  code: null,
  retryAfterMs: null,
  summary: "done",
  artifacts: [],
  observations: { commands: [{ command: "bash -lc 'cat a.txt'", exitCode: 0 }], filesChanged: ["a.txt"] },
  usage: { inputTokens: 10, cachedInputTokens: 0, outputTokens: 1 },
  costUsd: null,
  costBasis: "none",
  session: null,
  exitCode: 0,
  containment: { ...containment, signals: [] },
  startedAt: 0,
  durationMs: 1000,
};

const record: CaseRecord = {
  result,
  events: [],
  requests: 2,
  seconds: 3,
  stopToResultMs: undefined,
  seenBefore: [{ pid: 7, command: "sleep 3600" }],
  seenAfter: [],
  files: { "a.txt": "text\n" },
  denied: ["Write"],
  warnings: [],
};

const expected: Expectation = {
  outcome: "succeeded",
  errorClass: null,
  maxSeconds: 10,
  files: { "a.txt": "text\n" },
  commands: ["cat a.txt"],
  usage: { inputTokens: 10, cachedInputTokens: 0, outputTokens: 1 },
  requests: [2, 2],
  denied: /^Write$/,
  sleepersSeen: 1,
};

interface Row {
  readonly why: string;
  readonly seen?: Partial<CaseRecord>;
  readonly result?: Partial<WorkerResult>;
  readonly expected?: Partial<Expectation>;
  readonly says: RegExp;
}

const rows: readonly Row[] = [
  {
    why: "a process is left",
    seen: { seenAfter: [{ pid: 9, command: "sh x" }] },
    says: /process 9 \(sh x\) is alive/,
  },
  { why: "there is no receipt", result: { containment: null }, says: /receipt says nothing/ },
  {
    why: "the receipt has survivors",
    result: { containment: { ...containment, signals: [], survivors: 2 } },
    says: /receipt says 2/,
  },
  { why: "the outcome differs", result: { outcome: "failed" }, says: /outcome is "failed", not "succeeded"/ },
  { why: "the class differs", result: { errorClass: "auth" }, says: /error class is "auth", not null/ },
  { why: "it took too long", seen: { seconds: 11 }, says: /took 11\.0 s, not at most 10/ },
  { why: "the stop took too long", seen: { stopToResultMs: 10_001 }, says: /came 10001 ms after the stop/ },
  { why: "retry-after differs", expected: { retryAfterMs: 1000 }, says: /retry-after is null, not 1000/ },
  {
    why: "usage differs",
    expected: { usage: { inputTokens: 1, cachedInputTokens: 0, outputTokens: 1 } },
    says: /usage/,
  },
  {
    why: "the cost differs",
    result: { costUsd: 0.1 + 0.2, costBasis: "reported" },
    expected: { cost: { usd: 0.4, basis: "reported" } },
    says: /cost is \{"usd":0\.3,"basis":"reported"\}, not/,
  },
  { why: "the model was asked too often", seen: { requests: 3 }, says: /asked 3 times, not 2/ },
  { why: "the model was asked too seldom", seen: { requests: 1 }, says: /asked 1 times, not 2/ },
  { why: "a file is missing", seen: { files: {} }, says: /text of a\.txt is null/ },
  { why: "a file has another text", seen: { files: { "a.txt": "x" } }, says: /text of a\.txt is "x"/ },
  {
    why: "a file is there that must not be",
    expected: { absent: ["a.txt"] },
    says: /a\.txt is in the workspace/,
  },
  {
    why: "a change was not observed",
    result: { observations: { commands: result.observations.commands, filesChanged: [] } },
    says: /a\.txt is not among the files changed/,
  },
  {
    why: "a command was not observed",
    result: { observations: { commands: [], filesChanged: ["a.txt"] } },
    says: /no observed command has "cat a\.txt"/,
  },
  {
    why: "a setting has no effect",
    seen: { warnings: ["maxSteps has no effect: Codex has no such setting"] },
    says: /what has no effect is \["maxSteps"\], not \[\]/,
  },
  { why: "no tool was denied", seen: { denied: [] }, says: /no denied tool matches/ },
  { why: "nothing slept", seen: { seenBefore: [] }, says: /sleeping processes during the run is 0, not 1/ },
];

describe("one deviation is said when", () => {
  it.each(rows)("$why", ({ seen, result: changed, expected: other, says }) => {
    const found = deviations(
      { ...record, ...seen, result: { ...result, ...changed } },
      { ...expected, ...other },
    );
    expect(found).toEqual([expect.stringMatching(says)]);
  });
});

it("a record that is as expected has none", () => {
  expect(deviations(record, expected)).toEqual([]);
});
