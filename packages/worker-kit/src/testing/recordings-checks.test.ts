import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { recordingChecks } from "./recordings-checks.ts";
import type { RecordingRow } from "./recordings-table.ts";
import { scriptedAdapter } from "./scripted-adapter.ts";
import { makeTemporaryDirectory } from "./temporary-directories.ts";

const row: RecordingRow = {
  what: "said done",
  outcome: "succeeded",
  errorClass: null,
  tokens: [null, null, null],
  costUsd: null,
  costBasis: "none",
  session: null,
};

/** Names of the checks that are not met; `lines` are what the worker printed. */
function unmet(lines: readonly object[], rows: Readonly<Record<string, RecordingRow>>): readonly string[] {
  const directory = makeTemporaryDirectory("recordings");
  mkdirSync(join(directory, "recordings"));
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  writeFileSync(join(directory, "recordings", "case.stdout.jsonl"), text);
  writeFileSync(join(directory, "recordings", "case.exit.json"), '{"code":0,"signal":null}');
  const options = { adapter: scriptedAdapter, title: "Sample 1.0", directory, rows, seed: 1 };
  const document = recordingChecks({ ...options, update: true }).find(({ name }) => name.includes(".md"));
  document?.run();
  expect(readFileSync(join(directory, "RECORDINGS.md"), "utf8")).toContain("# Recordings of Sample 1.0\n");
  if (rows["stale"] !== undefined) writeFileSync(join(directory, "RECORDINGS.md"), "# Old\n");
  return recordingChecks(options).flatMap(({ name, run }) => (holds(run) ? [] : [name]));
}

function holds(run: () => void): boolean {
  try {
    run();
    return true;
  } catch {
    return false; // not met, which is what is asked
  }
}

const success = { type: "result", ok: true, summary: "" };

it("are met by recordings that come to their rows", () => {
  expect(unmet([success], { case: row })).toEqual([]);
});

it("are not met by a row that says otherwise, by a line that was not understood, or by an old document", () => {
  const byRow = [
    "come to what their rows say, each of them",
    ...[1, 7, 4096].map((size) => `come to the same in chunks of ${size} bytes`),
  ];
  expect(unmet([success], { case: { ...row, outcome: "failed" } })).toEqual(byRow);
  expect(unmet([{ type: "news" }, success], { case: row })).toEqual([
    "leave no line unread, and give no event that the contract forbids",
  ]);
  expect(unmet([success], { case: row, stale: row })).toEqual([...byRow, "are listed in RECORDINGS.md"]);
});
