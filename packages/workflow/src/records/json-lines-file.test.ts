import { silentLog, type Log } from "@agentcore/contract";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { JsonLinesFile } from "./json-lines-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentcore-lines-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const linesOf = (path: string): unknown[] =>
  readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

it("appends in order, to what was there before", async () => {
  const path = join(folder, "deep", "file.jsonl");
  for (const from of [0, 500]) {
    const file = new JsonLinesFile(path, silentLog);
    for (let n = from; n < from + 500; n += 1) file.append({ n });
    await file.flush();
  }
  expect(linesOf(path)).toEqual(Array.from({ length: 1000 }, (_, n) => ({ n })));
});

it("leaves out what it cannot hold, and says how much", async () => {
  const path = join(folder, "file.jsonl");
  const file = new JsonLinesFile(path, silentLog);
  const text = "x".repeat(1024 * 1024);
  for (let n = 0; n < 10; n += 1) file.append({ n, text });
  await file.flush();
  const lines = linesOf(path) as { n?: number; type?: string; lines?: number }[];
  const written = lines.filter(({ n }) => n !== undefined).length;
  expect(written).toBeLessThan(10);
  expect(lines.at(-1)).toEqual({ type: "left_out", lines: 10 - written });
});

it("says once that it cannot be written, and stops nothing", async () => {
  writeFileSync(join(folder, "file"), "");
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (_fields: object, text: string) => void warnings.push(text) };
  const file = new JsonLinesFile(join(folder, "file", "below.jsonl"), log);
  for (let n = 0; n < 3; n += 1) {
    file.append({ n });
    await file.flush();
  }
  expect(warnings).toEqual(["a record of the run cannot be written; the run goes on"]);
});
