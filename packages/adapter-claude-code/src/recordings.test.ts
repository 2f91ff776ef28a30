/**
 * Every recording of the real CLI, replayed. The rows are what each must come to; `RECORDINGS.md` is the same table for
 * people (`UPDATE_RECORDINGS=1` writes it anew).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  damagedReplayProblems,
  recordingsDocument,
  replayRows,
  squeezeMarkdown,
  unreadOutput,
  type RecordingRow,
} from "@agentcore/worker-kit/testing";
import { expect, it } from "vitest";
import { claudeCodeAdapter } from "./adapter.ts";

const rows: Readonly<Record<string, RecordingRow>> = {
  e400: {
    what: "400",
    outcome: "failed",
    errorClass: "invalid_request",
    tokens: [0, 0, 0],
    costUsd: 0,
    costBasis: "reported",
    session: "d72442c2-5509-4f1f-926e-a79b1be15492",
  },
  e401: {
    what: "401, retried inside for 150 s",
    stop: "deadline",
    outcome: "timed_out",
    errorClass: "timeout",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "d392305f-649d-42b3-b294-2bdec7f5280e",
    fatal: "auth",
  },
  e402: {
    what: "402",
    outcome: "failed",
    errorClass: "quota_exhausted",
    tokens: [0, 0, 0],
    costUsd: 0,
    costBasis: "reported",
    session: "07bfe536-09e2-4b3b-81b1-29504001b5e5",
  },
  e404: {
    what: "404, model unknown",
    outcome: "failed",
    errorClass: "invalid_request",
    tokens: [0, 0, 0],
    costUsd: 0,
    costBasis: "reported",
    session: "a33814e7-cc44-4ad0-86be-4d7c9d2c78fe",
  },
  e429: {
    what: "429 on every try",
    outcome: "failed",
    errorClass: "rate_limited",
    tokens: [0, 0, 0],
    costUsd: 0,
    costBasis: "reported",
    session: "ad4122eb-b467-468c-8ee3-12f069b2e9b0",
  },
  e500: {
    what: "500 on every try",
    outcome: "failed",
    errorClass: "provider_unavailable",
    tokens: [0, 0, 0],
    costUsd: 0,
    costBasis: "reported",
    session: "785e30ec-d7bc-496c-b57e-090a25be5578",
  },
  flaky500: {
    what: "500 twice, then an answer",
    outcome: "succeeded",
    errorClass: null,
    tokens: [1000, 200, 50],
    costUsd: 0.00381,
    costBasis: "reported",
    session: "5699a48c-2beb-4291-bf75-6979814768cc",
  },
  garbage: {
    what: "200 with HTML",
    outcome: "failed",
    errorClass: "provider_unavailable",
    tokens: [0, 0, 0],
    costUsd: 0,
    costBasis: "reported",
    session: "980f6a0b-735d-4017-b85b-0e5aacfedb2f",
  },
  "k-bg-int-pid": {
    what: "SIGINT while a shell tool ran",
    stop: "cancelled",
    outcome: "cancelled",
    errorClass: "cancelled",
    tokens: [1000, 200, 50],
    costUsd: 0.00381,
    costBasis: "reported",
    session: "b7f27f26-82b0-4a19-8a52-e67f98d6cbce",
    commands: [["/opt/agents 301 & /opt/agents 302", null]],
  },
  "k-hang-term-pid": {
    what: "SIGTERM while the model was silent",
    stop: "cancelled",
    outcome: "cancelled",
    errorClass: "cancelled",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "6acd9810-b0d4-46d9-9c05-8e3be5ab2b5d",
  },
  mid402: {
    what: "402 after a good tool turn",
    outcome: "failed",
    errorClass: "quota_exhausted",
    tokens: [1000, 200, 50],
    costUsd: 0.00381,
    costBasis: "reported",
    session: "6317b132-ed5e-4844-b2e2-94ac6d04e16d",
    files: ["hello.txt"],
  },
  success: {
    what: "wrote a file, ran a command",
    outcome: "succeeded",
    errorClass: null,
    tokens: [3300, 2100, 120],
    costUsd: 0.01233,
    costBasis: "reported",
    session: "b74d90b7-3f14-48e2-bc46-4067b45871be",
    commands: [["echo shell-ran > shell.txt && cat hello.txt", 0]],
    files: ["hello.txt"],
  },
  "t-badresume": {
    what: "a session that does not exist",
    outcome: "failed",
    errorClass: "invalid_request",
    tokens: [0, 0, 0],
    costUsd: 0,
    costBasis: "reported",
    session: "99999999-1111-4222-8333-444455556666",
  },
  "t-budget": {
    what: "`--max-budget-usd` reached",
    outcome: "budget_exhausted",
    errorClass: "budget_exhausted",
    tokens: [3000, 600, 150],
    costUsd: 0.01143,
    costBasis: "reported",
    session: "1f29abae-4357-4403-8fbb-a9d539749acc",
    commands: [
      ["echo loop >> loop.txt", 0],
      ["echo loop >> loop.txt", 0],
      ["echo loop >> loop.txt", null],
    ],
  },
  "t-disallow": {
    what: "`--disallowedTools Bash`, the rest of the work was done",
    outcome: "succeeded",
    errorClass: null,
    tokens: [3300, 2100, 120],
    costUsd: 0.01233,
    costBasis: "reported",
    session: "cc053f02-ef0b-4141-8469-0a2bfb4a2acd",
    denied: ["bash"],
    commands: [["echo shell-ran > shell.txt && cat hello.txt", null]],
    files: ["hello.txt"],
  },
  "t-maxturns": {
    what: "`--max-turns` reached",
    outcome: "failed",
    errorClass: "task_failed",
    tokens: [2000, 400, 100],
    costUsd: 0.00762,
    costBasis: "reported",
    session: "a3be6f23-04a6-48c8-86d4-7aebc042dfc8",
    commands: [
      ["echo loop >> loop.txt", 0],
      ["echo loop >> loop.txt", 0],
    ],
  },
  "t-noperm": {
    what: "no tool was permitted, and the model said done",
    outcome: "failed",
    errorClass: "permission_denied",
    tokens: [3300, 2100, 120],
    costUsd: 0.01233,
    costBasis: "reported",
    session: "685cb79f-f241-4288-80ab-c24a8e698385",
    denied: ["Write", "Bash"],
    commands: [["echo shell-ran > shell.txt && cat hello.txt", null]],
  },
  "t-partial": {
    what: "a slow answer, printed piece by piece",
    outcome: "succeeded",
    errorClass: null,
    tokens: [1000, 200, 50],
    costUsd: 0.00381,
    costBasis: "reported",
    session: "05048647-b7b7-4092-a37c-a7fd43da4982",
  },
  "t-resume": {
    what: "resumed a session",
    outcome: "succeeded",
    errorClass: null,
    tokens: [1000, 200, 50],
    costUsd: 0.00381,
    costBasis: "reported",
    session: "3f1f1d1e-1111-4222-8333-444455556666",
  },
};

const intro = [
  "# Recordings of Claude Code 2.1.330",
  "",
  "What the CLI printed when it was driven against a scripted model server, and what the adapter makes of it. The files",
  "are in `recordings/`. A question mark stands for what the CLI did not say. The test beside the adapter replays each one",
  "and compares it with this table; a recording without a line fails it.",
].join("\n");

const suite = {
  adapter: claudeCodeAdapter,
  folder: fileURLToPath(new URL("../recordings", import.meta.url)),
  rows,
};

it("come to what their rows say, each of them", () => {
  expect(replayRows(suite)).toEqual(rows);
});

it("leave no line unread, and give no event that the contract forbids", () => {
  expect(unreadOutput(suite)).toEqual([]);
});

it.each([1, 7, 4096])("come to the same in chunks of %i bytes", (chunkBytes) => {
  expect(replayRows(suite, chunkBytes)).toEqual(rows);
});

it("are listed in RECORDINGS.md", () => {
  const path = fileURLToPath(new URL("../RECORDINGS.md", import.meta.url));
  const document = recordingsDocument(intro, rows);
  if (process.env["UPDATE_RECORDINGS"] === "1") writeFileSync(path, document);
  expect(squeezeMarkdown(readFileSync(path, "utf8"))).toBe(squeezeMarkdown(document));
});

const seed = Number(process.env["AGENTCORE_SEED"] ?? 20_261_124);

it(`never make the reader throw when damaged (AGENTCORE_SEED=${seed})`, () => {
  expect(damagedReplayProblems(suite, seed)).toEqual([]);
});
