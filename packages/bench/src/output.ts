/**
 * Reading what a worker prints: 100 MB of JSON lines of 200 bytes, from a process through containment, log, framing,
 * adapter and events. Compared in the same run with the least that any reader must do (cut the lines, parse them) and
 * with `node:readline`. Each measurement is a process of its own, so that resident memory means something.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openContainment, type OpenedContainment } from "@agentcore/containment";
import type { WorkerAdapter } from "@agentcore/contract";
import { drive, scriptedAdapter } from "@agentcore/worker-kit/testing";
import { median, type Report } from "./report.ts";

const bytesTotal = 100_000_000;
const lineBytes = 200;
const rounds = 3;

const ways = ["runner", "split", "readline", "raw"] as const;
type Way = (typeof ways)[number];

interface Measurement {
  readonly megabytesPerSecond: number;
  /** Highest resident size during the reading, above that before it. */
  readonly growthMb: number;
}

/** Reads the file once, and returns the number of lines that it understood. */
const readers: Readonly<Record<Way, (file: string, containment: OpenedContainment) => Promise<number>>> = {
  runner: readThroughRunner,
  split: readBySplitting,
  readline: readByReadline,
  raw: readRaw,
};

export async function benchOutput(report: Report): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-bench-output-"));
  try {
    const file = join(directory, "lines.jsonl");
    writeLines(file);
    const results: Record<Way, Measurement[]> = { runner: [], split: [], readline: [], raw: [] };
    for (let round = 0; round < rounds; round += 1) {
      for (const way of ways) results[way].push(await measureInProcess(way, file));
    }
    reportRows(report, results);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function reportRows(report: Report, results: Readonly<Record<Way, readonly Measurement[]>>): void {
  const speed = (way: Way): number => median(results[way].map((each) => each.megabytesPerSecond));
  const ratio = (way: Way): string => `${(speed("runner") / speed(way)).toFixed(2)} of it`;
  const row = (name: string, value: number, unit: string, note: string): void =>
    report({ name: `worker output, ${bytesTotal / 1e6} MB of JSON lines: ${name}`, value, unit, note });
  row("through the runner to events", speed("runner"), "MB/s", "aim: over 150");
  row(
    "resident growth meanwhile",
    Math.max(...results.runner.map((each) => each.growthMb)),
    "MB",
    `aim: under 64; highest of ${rounds}`,
  );
  row("floor: cut and JSON.parse, nothing else", speed("split"), "MB/s", `runner: ${ratio("split")}`);
  row("peer: node:readline and JSON.parse", speed("readline"), "MB/s", `runner: ${ratio("readline")}`);
  row("floor: chunks, not even cut", speed("raw"), "MB/s", `runner: ${ratio("raw")}`);
}

/** Lines of exactly {@link lineBytes}, newline included, and the result that ends the protocol. */
function writeLines(file: string): void {
  const frame = '{"type":"text","text":""}\n'.length;
  const line = `{"type":"text","text":"${"x".repeat(lineBytes - frame)}"}\n`;
  const block = Buffer.from(line.repeat(5000));
  const descriptor = openSync(file, "w");
  for (let written = 0; written < bytesTotal; written += block.length) writeSync(descriptor, block);
  writeSync(descriptor, '{"type":"result","ok":true,"summary":"done"}\n');
  closeSync(descriptor);
}

async function measureInProcess(way: Way, file: string): Promise<Measurement> {
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), way, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`the measurement of ${way} exited with ${code}`);
  return JSON.parse(Buffer.concat(chunks).toString()) as Measurement;
}

/** Measures one way in this process, once it has read a little to warm up. */
async function measure(way: Way, file: string): Promise<Measurement> {
  // A runtime opens it once, not for each run.
  const containment = await openContainment();
  await readBySplitting(file);
  const before = process.memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5);
  const startedMs = performance.now();
  const lines = await readers[way](file, containment);
  const elapsedMs = performance.now() - startedMs;
  clearInterval(timer);
  const expected = way === "raw" ? 0 : bytesTotal / lineBytes;
  if (lines !== expected) throw new Error(`${way} read ${lines} lines instead of ${expected}`);
  return { megabytesPerSecond: bytesTotal / 1e3 / elapsedMs, growthMb: (peak - before) / 1024 ** 2 };
}

async function readThroughRunner(file: string, containment: OpenedContainment): Promise<number> {
  let lines = 0;
  const adapter: WorkerAdapter = {
    ...scriptedAdapter,
    plan: (task, context) => ({ ...scriptedAdapter.plan(task, context), command: "/bin/cat", args: [file] }),
  };
  const run = await drive({
    containment,
    adapter,
    program: "/bin/cat",
    onEvent: (event) => void (lines += event.type === "text" ? 1 : 0),
  });
  const { outcome, summary } = await run.result;
  if (outcome !== "succeeded") throw new Error(`the run ${outcome}: ${summary}`);
  return lines;
}

function catFile(file: string) {
  return spawn("/bin/cat", [file], { stdio: ["ignore", "pipe", "inherit"] }).stdout;
}

async function readBySplitting(file: string): Promise<number> {
  const stdout = catFile(file).setEncoding("utf8");
  let rest = "";
  let lines = 0;
  stdout.on("data", (text: string) => {
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      const line = rest === "" ? text.slice(start, end) : rest + text.slice(start, end);
      rest = "";
      start = end + 1;
      lines += isText(JSON.parse(line)) ? 1 : 0;
    }
    rest += text.slice(start);
  });
  await once(stdout, "end");
  return lines;
}

async function readByReadline(file: string): Promise<number> {
  const reader = createInterface({ input: catFile(file) });
  let lines = 0;
  reader.on("line", (line) => {
    lines += isText(JSON.parse(line)) ? 1 : 0;
  });
  await once(reader, "close");
  return lines;
}

async function readRaw(file: string): Promise<number> {
  const stdout = catFile(file);
  stdout.resume();
  await once(stdout, "end");
  return 0;
}

function isText(value: unknown): boolean {
  return (value as { readonly type?: unknown }).type === "text";
}

const [, main, way, file] = process.argv;
if (main === fileURLToPath(import.meta.url) && file !== undefined && ways.includes(way as Way)) {
  process.stdout.write(JSON.stringify(await measure(way as Way, file)));
}
