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
import { openCodeAdapter } from "./adapter.ts";

const rows: Readonly<Record<string, RecordingRow>> = {
  badmodel: {
    what: "a model that the configuration does not have",
    outcome: "failed",
    errorClass: "invalid_request",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "ses_df6fad686ffextbX018hcy5cWZ",
  },
  cutonce: {
    what: "the stream cut once, then an answer",
    outcome: "succeeded",
    errorClass: null,
    tokens: [800, 200, 50],
    costUsd: 0.00321,
    costBasis: "reported",
    session: "ses_df6fc5a3effeIHh0euW5qPp5Jb",
  },
  e400: {
    what: "400",
    outcome: "failed",
    errorClass: "invalid_request",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "ses_df6fd37cbffejj72lri4gHkqpV",
  },
  e401: {
    what: "401",
    outcome: "failed",
    errorClass: "auth",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "ses_df6fd70efffeR2EOEFZN0FjsJK",
  },
  e402: {
    what: "402",
    outcome: "failed",
    errorClass: "quota_exhausted",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "ses_df6fd53d6ffecTjDMZhMNoNMDA",
  },
  e404: {
    what: "404, model unknown",
    outcome: "failed",
    errorClass: "invalid_request",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "ses_df6fd3252ffeSF7oMPJQMe6g4w",
  },
  e429: {
    what: "429 on every try",
    outcome: "failed",
    errorClass: "rate_limited",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "ses_df700b2caffeYDEzjU6HevXnLw",
  },
  e500: {
    what: "500 on every try",
    outcome: "failed",
    errorClass: "provider_unavailable",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "ses_df6ff81c3ffeZKisGDLDmROIFZ",
  },
  flaky500: {
    what: "500 at first, then an answer",
    outcome: "succeeded",
    errorClass: null,
    tokens: [800, 200, 50],
    costUsd: 0.00321,
    costBasis: "reported",
    session: "ses_df6fbe20effeRpk5Oyd1MBftrv",
  },
  garbage: {
    what: "200 with HTML, asked again 368 times in 150 s",
    stop: "deadline",
    outcome: "timed_out",
    errorClass: "timeout",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "ses_df6fd1cd1ffe7a4DL2VC5HhhSm",
    fatal: "provider_unavailable",
  },
  "k-bg-int-pid": {
    what: "SIGINT while a shell tool ran: ignored, then SIGKILL",
    stop: "cancelled",
    outcome: "cancelled",
    errorClass: "cancelled",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "ses_df6f890ebffeEOBqwIlAQ6mu2o",
  },
  "k-hang-term-pid": {
    what: "SIGTERM while the model was silent",
    stop: "cancelled",
    outcome: "cancelled",
    errorClass: "cancelled",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: null,
  },
  mid402: {
    what: "402 after a good tool turn",
    outcome: "failed",
    errorClass: "quota_exhausted",
    tokens: [800, 200, 50],
    costUsd: 0.00321,
    costBasis: "reported",
    session: "ses_df6fb8987ffeqtC0isUV1NYUYZ",
    files: ["hello.txt"],
  },
  success: {
    what: "wrote a file, ran a command",
    outcome: "succeeded",
    errorClass: null,
    tokens: [1200, 2100, 120],
    costUsd: 0.00603,
    costBasis: "reported",
    session: "ses_df70186d3ffeccGzVFS5UlSQ23",
    commands: [["echo shell-ran > shell.txt && cat hello.txt", 0]],
    files: ["hello.txt"],
  },
  "t-ask": {
    what: "a tool had to be asked for, and nobody answered: the run ended",
    outcome: "failed",
    errorClass: "permission_denied",
    tokens: [1000, 1100, 90],
    costUsd: 0.00468,
    costBasis: "reported",
    session: "ses_df6ee2ee1ffe183pKOp0vaF1em",
    denied: ["bash"],
    commands: [["echo shell-ran > shell.txt && cat hello.txt", null]],
    files: ["hello.txt"],
  },
  "t-deny": {
    what: "`bash` denied, the rest of the work was done",
    outcome: "succeeded",
    errorClass: null,
    tokens: [1200, 2100, 120],
    costUsd: 0.00603,
    costBasis: "reported",
    session: "ses_df6ee07a8ffexZjslTTvacfDiB",
    denied: ["bash"],
    files: ["hello.txt"],
  },
  "t-nokey": {
    what: "no key in the environment; the server did not mind",
    outcome: "succeeded",
    errorClass: null,
    tokens: [800, 200, 50],
    costUsd: 0.00321,
    costBasis: "reported",
    session: "ses_df6ed3d4bffegLAY2ASLiL5Kv4",
  },
  "t-resume": {
    what: "resumed a session",
    outcome: "succeeded",
    errorClass: null,
    tokens: [800, 200, 50],
    costUsd: 0.00321,
    costBasis: "reported",
    session: "ses_df6ed627effe59372QpKeS8nE2",
  },
  "t-resume-bad": {
    what: "a session that does not exist",
    outcome: "failed",
    errorClass: "invalid_request",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: null,
  },
};

const intro = [
  "# Recordings of OpenCode 1.18.33",
  "",
  "What the CLI printed when it was driven against a scripted model server, and what the adapter makes of it. The files",
  "are in `recordings/`. A question mark stands for what the CLI did not say. The test beside the adapter replays each one",
  "and compares it with this table; a recording without a line fails it.",
].join("\n");

const suite = {
  adapter: openCodeAdapter,
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
