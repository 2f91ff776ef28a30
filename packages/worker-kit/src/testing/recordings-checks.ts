/**
 * What every adapter's recordings must come to, as checks for any test runner: each recording comes to its row, whole and in
 * pieces; nothing of it is left unread; damage makes no reader throw; and RECORDINGS.md is the table of the rows. A check
 * throws where it is not met. `UPDATE_RECORDINGS=1` writes the document anew.
 */
import { deepStrictEqual, strictEqual } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { damagedReplayProblems, replayRows, unreadOutput, type RecordingSuite } from "./recordings-suite.ts";
import { recordingsDocument, squeezeMarkdown } from "./recordings-table.ts";

export interface RecordingChecks extends Pick<RecordingSuite, "adapter" | "rows"> {
  /** Of the CLI that was recorded, with its version. */
  readonly title: string;
  /** Holds `recordings/` and `RECORDINGS.md`. */
  readonly directory: string;
  /** For the damage. Default: AGENTCORE_SEED, else a constant. */
  readonly seed?: number;
  /** Write the document instead of comparing it. Default: whether UPDATE_RECORDINGS is 1. */
  readonly update?: boolean;
}

export interface RecordingCheck {
  readonly name: string;
  readonly run: () => void;
}

const chunkSizes = [1, 7, 4096];

export function recordingChecks(options: RecordingChecks): readonly RecordingCheck[] {
  const { adapter, rows, directory } = options;
  const suite: RecordingSuite = { adapter, rows, folder: join(directory, "recordings") };
  const seed = options.seed ?? Number(process.env["AGENTCORE_SEED"] ?? 20_261_124);
  return [
    {
      name: "come to what their rows say, each of them",
      run: () => deepStrictEqual(replayRows(suite), rows),
    },
    {
      name: "leave no line unread, and give no event that the contract forbids",
      run: () => deepStrictEqual(unreadOutput(suite), []),
    },
    ...chunkSizes.map((chunkBytes) => ({
      name: `come to the same in chunks of ${chunkBytes} bytes`,
      run: () => deepStrictEqual(replayRows(suite, chunkBytes), rows),
    })),
    { name: "are listed in RECORDINGS.md", run: () => checkDocument(options) },
    {
      name: `never make the reader throw when damaged (AGENTCORE_SEED=${seed})`,
      run: () => deepStrictEqual(damagedReplayProblems(suite, seed), []),
    },
  ];
}

function checkDocument({ title, directory, rows, update }: RecordingChecks): void {
  const path = join(directory, "RECORDINGS.md");
  const document = recordingsDocument(`# Recordings of ${title}\n\n${about}`, rows);
  if (update ?? process.env["UPDATE_RECORDINGS"] === "1") writeFileSync(path, document);
  strictEqual(squeezeMarkdown(readFileSync(path, "utf8")), squeezeMarkdown(document));
}

const about = [
  "What the CLI printed when it was driven against a scripted model server, and what the adapter makes of it. The files",
  "are in `recordings/`. A question mark stands for what the CLI did not say. The test beside the adapter replays each one",
  "and compares it with this table; a recording without a line fails it.",
].join("\n");
