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
import { codexAdapter } from "./adapter.ts";

const rows: Readonly<Record<string, RecordingRow>> = {
  cutonce: {
    what: "the stream cut once, then an answer",
    outcome: "succeeded",
    errorClass: null,
    tokens: [800, 200, 50],
    costUsd: null,
    costBasis: "none",
    session: "01a20902-1a40-7111-8161-dc810fa70bca",
  },
  e400: {
    what: "400; only the body is printed",
    outcome: "failed",
    errorClass: "invalid_request",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "01a20901-c1c0-7711-b9e0-98566fdac0d4",
  },
  e401: {
    what: "401 on every try",
    outcome: "failed",
    errorClass: "auth",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "01a20901-6bb3-77b0-96c0-abbb17dac04d",
    fatal: "auth",
  },
  e402: {
    what: "402 on every try",
    outcome: "failed",
    errorClass: "quota_exhausted",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "01a20901-a9be-7771-b0a1-3cf34c3856ab",
    fatal: "quota_exhausted",
  },
  e404: {
    what: "404, model unknown",
    outcome: "failed",
    errorClass: "invalid_request",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "01a20901-d00a-7de0-a1a7-6942631c4f4a",
    fatal: "invalid_request",
  },
  e429: {
    what: "429, not tried again",
    outcome: "failed",
    errorClass: "rate_limited",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "01a208fe-d80c-7fd2-9d0a-10ff2caec391",
  },
  e500: {
    what: "500 on every try; no status is printed",
    outcome: "failed",
    errorClass: "provider_unavailable",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "01a208fe-db76-7e63-9b1b-563c25f8afa4",
  },
  flaky500: {
    what: "500 at first, then an answer",
    outcome: "succeeded",
    errorClass: null,
    tokens: [800, 200, 50],
    costUsd: null,
    costBasis: "none",
    session: "01a20902-3149-7441-8039-9cc12631544d",
  },
  garbage: {
    what: "200 with HTML",
    outcome: "failed",
    errorClass: "provider_unavailable",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "01a20901-cd46-7903-bfbd-23c6b5eb8387",
  },
  "k-bg-int-pid": {
    what: "SIGINT while a shell tool ran",
    stop: "cancelled",
    outcome: "cancelled",
    errorClass: "cancelled",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "01a20906-e3f7-78d0-b7ee-70206230f18d",
    commands: [["sleep 301 & sleep 302", null]],
  },
  "k-hang-term-pid": {
    what: "SIGTERM while the model was silent",
    stop: "cancelled",
    outcome: "cancelled",
    errorClass: "cancelled",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "01a20906-c978-75b1-b590-4a15611be193",
  },
  mid402: {
    what: "402 after a good tool turn; the tokens spent before are lost",
    outcome: "failed",
    errorClass: "quota_exhausted",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "01a20902-5f3c-73f3-9788-52a900406bc9",
    files: ["hello.txt"],
    fatal: "quota_exhausted",
  },
  success: {
    what: "wrote a file, ran a command",
    outcome: "succeeded",
    errorClass: null,
    tokens: [1200, 2100, 120],
    costUsd: null,
    costBasis: "none",
    session: "01a208fe-691a-7c23-89b8-9afb3d83f17d",
    commands: [["echo shell-ran > shell.txt && cat hello.txt", 0]],
    files: ["hello.txt"],
  },
  "success-tmpdir": {
    what: "the same with CODEX_HOME below the temporary directory; here the tools worked all the same",
    outcome: "succeeded",
    errorClass: null,
    tokens: [1200, 2100, 120],
    costUsd: null,
    costBasis: "none",
    session: "01a208fd-ee6a-74b0-a7a3-8ac1eb29ba7c",
    commands: [["echo shell-ran > shell.txt && cat hello.txt", 0]],
    files: ["hello.txt"],
  },
  "t-nokey": {
    what: "no key in the environment",
    outcome: "failed",
    errorClass: "auth",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "01a2090f-f73b-74e0-8aef-309473815041",
  },
  "t-readonly": {
    what: "the read-only sandbox refused the patch, and the model said done",
    outcome: "failed",
    errorClass: "permission_denied",
    tokens: [1200, 2100, 120],
    costUsd: null,
    costBasis: "none",
    session: "01a2090f-e5d5-79b0-959d-e35d5d395036",
    denied: ["apply_patch"],
  },
  "t-refused-bounded": {
    what: "connection refused, retries bounded",
    outcome: "failed",
    errorClass: "network",
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "01a2090f-64fa-7991-b6cb-fc80c2af4e3a",
  },
  "t-resume": {
    what: "resumed a session; the tokens are the session's, earlier runs included",
    outcome: "succeeded",
    errorClass: null,
    tokens: [1600, 400, 100],
    costUsd: null,
    costBasis: "none",
    session: "01a20910-2630-7622-b365-0d27e5a5d9bd",
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
  "# Recordings of Codex 0.169.0",
  "",
  "What the CLI printed when it was driven against a scripted model server, and what the adapter makes of it. The files",
  "are in `recordings/`. A question mark stands for what the CLI did not say. The test beside the adapter replays each one",
  "and compares it with this table; a recording without a line fails it.",
].join("\n");

const suite = {
  adapter: codexAdapter,
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
