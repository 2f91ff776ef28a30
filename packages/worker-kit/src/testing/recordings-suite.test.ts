import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  adapterContractVersion,
  unknownUsage,
  type OutputReader,
  type WorkerAdapter,
  type WorkerEvent,
  type WorkerReport,
} from "@agentcore/contract";
import { afterEach, expect, it } from "vitest";
import { damagedReplayProblems, replayRows, unreadOutput } from "./recordings-suite.ts";

const calm: WorkerReport = {
  terminal: "success",
  error: null,
  deniedTools: [],
  summary: "",
  session: null,
  model: null,
  usage: unknownUsage,
  costUsd: null,
  costBasis: "none",
  malformedLines: 0,
};

/** An adapter whose reader is the given function of a line. */
function adapterOf(line: (text: string) => WorkerEvent[], report: Partial<WorkerReport> = {}): WorkerAdapter {
  const reader: OutputReader = { stdout: line, stderr: () => [], end: () => ({ ...calm, ...report }) };
  return {
    contractVersion: adapterContractVersion,
    name: "sample",
    title: "Sample",
    provider: null,
    capabilities: ["read"],
    program: { command: "sample", versionArgs: [], install: "", credentialEnv: [], loginPaths: [] },
    plan: () => {
      throw new Error("not planned here");
    },
    createReader: () => reader,
  };
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folderWith(stdout: string): string {
  const folder = mkdtempSync(join(tmpdir(), "recordings-"));
  folders.push(folder);
  writeFileSync(join(folder, "case.stdout.jsonl"), stdout);
  writeFileSync(join(folder, "case.exit.json"), '{"code":0,"signal":null}');
  return folder;
}

it("shows a recording without a row", () => {
  const suite = { adapter: adapterOf(() => []), folder: folderWith("{}\n"), rows: {} };
  expect(replayRows(suite)).toMatchObject({ case: { what: "no row", outcome: "succeeded" } });
});

it("lists raw lines, broken events and impossible reports", () => {
  const event = (type: string) => ({ type, text: "x", odd: 1 }) as unknown as WorkerEvent;
  const adapter = adapterOf((text) => (text === "{}" ? [{ type: "raw", text }] : [event("text")]), {
    costUsd: -1,
  });
  const problems = unreadOutput({ adapter, folder: folderWith("{}\n[]\n"), rows: {} });
  expect(problems).toEqual([
    "case: {}",
    expect.stringMatching(/^case: text: /),
    "case: negative: , , , -1",
    "case: a cost without its basis",
  ]);
});

it("finds a reader that throws on damaged lines, and none that does not", () => {
  const strict = adapterOf((text) => {
    JSON.parse(text);
    return [];
  });
  const folder = folderWith('{"type":"a","value":1}\n{"type":"b","list":[1,2]}\n');
  expect(damagedReplayProblems({ adapter: strict, folder, rows: {} }, 1)[0]).toMatch(
    /case, round \d+: threw/,
  );
  expect(damagedReplayProblems({ adapter: adapterOf(() => []), folder, rows: {} }, 1)).toEqual([]);
});
