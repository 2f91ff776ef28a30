import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adapterContractVersion, unknownUsage, type WorkerAdapter } from "@agentcore/contract";
import { afterEach, expect, it } from "vitest";
import { jsonLineReader, stringAt } from "../json-lines.ts";
import { damage } from "./damage.ts";
import { seededRandom } from "@agentcore/contract/testing";
import { recordingsDocument, rowOf, squeezeMarkdown } from "./recordings-table.ts";
import { readRecording, recordingNames, replay, stopCause } from "./replay.ts";

/** Reports a command for every line, and success for a line that says so. */
const adapter: WorkerAdapter = {
  contractVersion: adapterContractVersion,
  name: "sample",
  title: "Sample",
  provider: null,
  capabilities: ["read"],
  program: { command: "sample", versionArgs: [], install: "", credentialEnv: [], loginPaths: [] },
  plan: () => {
    throw new Error("not planned here");
  },
  createReader: () => {
    let terminal: "none" | "success" = "none";
    return jsonLineReader({
      object(line) {
        if (stringAt(line, "type") === "end") terminal = "success";
        const command = stringAt(line, "run");
        if (command === null) return null;
        return [
          { type: "tool_call", id: command, tool: "sh", summary: command, command },
          { type: "tool_result", id: command, ok: true, exitCode: 0, summary: "" },
          { type: "file_change", path: "/workspace/a|b.txt", change: "create" },
        ];
      },
      end: (malformedLines) => ({
        terminal,
        error: null,
        deniedTools: [],
        summary: "done",
        session: "s1",
        model: null,
        usage: unknownUsage,
        costUsd: null,
        costBasis: "none",
        malformedLines,
      }),
    });
  },
};

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function record(stdout: string, exit: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), "replay-"));
  folders.push(folder);
  writeFileSync(join(folder, "case.stdout.jsonl"), stdout);
  writeFileSync(join(folder, "case.exit.json"), JSON.stringify(exit));
  return folder;
}

const lines = '{"run":"echo é"}\n{"type":"end"}\n';

it("finds recordings and replays one through reader and verdict", () => {
  const folder = record(lines, { code: 0, signal: null });
  expect(recordingNames(folder)).toEqual(["case"]);
  const result = replay(adapter, readRecording(folder, "case"));
  expect(rowOf("a command", undefined, result)).toEqual({
    what: "a command",
    outcome: "succeeded",
    errorClass: null,
    tokens: [null, null, null],
    costUsd: null,
    costBasis: "none",
    session: "s1",
    commands: [["echo é", 0]],
    files: ["a|b.txt"],
  });
});

it.each([1, 2, 3, 7, 1000])("replays the same in chunks of %i bytes", (chunkBytes) => {
  const recording = { stdout: lines, stderr: "", exit: { code: 0, signal: null } };
  expect(replay(adapter, recording, { chunkBytes })).toEqual(replay(adapter, recording));
});

it("lets a stop from outside decide", () => {
  const recording = { stdout: "", stderr: "", exit: { code: 143, signal: null } };
  const stop = stopCause("stalled");
  expect(replay(adapter, recording, { stop }).verdict).toMatchObject({
    outcome: "stalled",
    errorClass: "stalled",
  });
});

it("writes a document that survives a formatter", () => {
  const row = rowOf(
    "x",
    "cancelled",
    replay(adapter, { stdout: lines, stderr: "", exit: { code: 0, signal: null } }),
  );
  const document = recordingsDocument("# T", { case: row });
  expect(document).toContain("a\\|b.txt");
  expect(squeezeMarkdown(document.replaceAll(" | ", "     |   ").replaceAll("---", "-------"))).toBe(
    squeezeMarkdown(document),
  );
});

it("damages lines the same way for the same seed, and differently for another", () => {
  const input = lines.split("\n");
  const damaged = (seed: number) => damage(input, seededRandom(seed)).join("\n");
  expect(damaged(1)).toBe(damaged(1));
  expect(new Set([1, 2, 3, 4, 5, 6].map(damaged)).size).toBeGreaterThan(1);
});
