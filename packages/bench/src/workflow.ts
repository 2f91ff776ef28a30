/**
 * What a workflow costs over its commands. Whole processes of `agentcore workflow run`, taking turns with the same commands
 * started by hand: by `child_process`, and by the same containment without AgentCore around it. Then a large file, read and
 * planned in a fresh process. The commands do nothing, so the difference is ours.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { openContainment, type OpenedContainment } from "@agentcore/containment";
import { costOf, costOfNode, type Cost } from "./process-cost.ts";
import { median, type Report } from "./report.ts";
import { chainFile, fanOutFile, largeFile } from "./workflow-files.ts";

const rounds = 3;
const app = fileURLToPath(new URL("../../../apps/cli/", import.meta.url));
/** Beside this file, compiled or not as this one is. */
const programBeside = (name: string): string =>
  fileURLToPath(new URL(`${name}${extname(import.meta.url)}`, import.meta.url));
const planProgram = programBeside("workflow-plan-main");
const engineProgram = programBeside("workflow-engine-main");
const command = ["bash", "-e", "-c", "true", "script"] as const;
/** Bash reads `~/.bashrc` where its stdin is a socket, as with Node; a worker has a HOME of its own, so these have too. */
const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/nonexistent" };

export async function benchWorkflow(report: Report): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
  try {
    await costOfNode([join(app, "bundle.mjs")]);
    const containment = await openContainment({ stateDir: join(scratch, "containment") });
    const fanOut = { name: "50 steps fanned out at concurrency 8", steps: 50, atOnce: 8 };
    const chain = { name: "a chain of 200 steps", steps: 200, atOnce: 1 };
    await reportRuns(report, { ...fanOut, text: fanOutFile(50, 8) }, scratch, containment);
    await reportRuns(report, { ...chain, text: chainFile(200) }, scratch, containment);
    await reportEngine(report);
    await reportLarge(report, scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

interface Shape {
  readonly name: string;
  readonly steps: number;
  readonly atOnce: number;
  readonly text: string;
}

async function reportRuns(
  report: Report,
  shape: Shape,
  scratch: string,
  containment: OpenedContainment,
): Promise<void> {
  const file = join(scratch, `${shape.steps}.yaml`);
  writeFileSync(file, shape.text);
  const costs = await inTurns({
    plain: () => costOf(() => times(shape, runPlain)),
    contained: () => costOf(() => times(shape, () => runContained(containment))),
    workflow: () => costOfNode([...runArgs(file, scratch), "--state-dir", join(scratch, "state")]),
  });
  const { plain, contained, workflow } = costs;
  const perStep = (ms: number): string => `${(ms / shape.steps).toFixed(1)} ms per step`;
  report({
    name: `${shape.name}: the commands, bare`,
    value: plain.wallMs,
    unit: "ms",
    note: `${perStep(plain.wallMs)}; processor time ${perStep(plain.cpuMs)}`,
  });
  report({
    name: `the same, contained (${containment.implementation}), the floor`,
    value: contained.wallMs,
    unit: "ms",
    note: `${perStep(contained.wallMs)}; processor time ${perStep(contained.cpuMs)}`,
  });
  report({
    name: "the same, agentcore workflow run, whole process",
    value: workflow.wallMs,
    unit: "ms",
    note: `${perStep(workflow.wallMs)}; processor time ${perStep(workflow.cpuMs)}; peak memory ${mib(workflow)}`,
  });
  const over = (floor: Cost): number => (workflow.wallMs - floor.wallMs) / shape.steps;
  report({ name: "over the bare command, per step", value: over(plain), unit: "ms", note: "aim: under 15" });
  report({ name: "over the contained command, per step", value: over(contained), unit: "ms" });
}

function runArgs(file: string, scratch: string): string[] {
  const workspace = mkdtempSync(join(scratch, "workspace-"));
  return [join(app, "bin/agentcore.js"), "workflow", "run", file, "--workspace", workspace];
}

/** As many as may run at once, each lane one after the other. */
async function times({ steps, atOnce }: Shape, run: () => Promise<void>): Promise<void> {
  let left = steps;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await run();
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

async function runPlain(): Promise<void> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env });
  child.stdin.end();
  child.stdout.resume();
  child.stderr.resume();
  await once(child, "close");
}

async function runContained(containment: OpenedContainment): Promise<void> {
  const [program, ...args] = command;
  const run = await containment.start({ command: program, args, cwd: "/", env, marker: randomUUID() });
  run.stdin.end();
  run.stdout.resume();
  run.stderr.resume();
  run.go();
  await run.finish();
}

/** Medians, a round of all before the next, so that a busy moment of the machine falls on all alike. */
async function inTurns<T extends string>(
  cases: Readonly<Record<T, () => Promise<Cost>>>,
): Promise<Record<T, Cost>> {
  const names = Object.keys(cases) as T[];
  const seen = new Map(names.map((name) => [name, [] as Cost[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) seen.get(name)?.push(await cases[name]());
  }
  const medians = names.map((name) => [name, medianCost(seen.get(name) ?? [])]);
  return Object.fromEntries(medians) as Record<T, Cost>;
}

function medianCost(costs: readonly Cost[]): Cost {
  return {
    wallMs: median(costs.map(({ wallMs }) => wallMs)),
    cpuMs: median(costs.map(({ cpuMs }) => cpuMs)),
    peakBytes: median(costs.map(({ peakBytes }) => peakBytes)),
  };
}

const mib = ({ peakBytes }: Cost): string => `${Math.round(peakBytes / 2 ** 20)} MiB`;

/** Processor time of the engine alone: jobs that end at once, and a journal in memory. */
async function reportEngine(report: Report): Promise<void> {
  const cases = [
    { name: "engine, 100 steps fanned out at concurrency 8, per step", what: "run", steps: 100 },
    { name: "the same, 1,000 steps", what: "run", steps: 1000 },
    { name: "the same, 10,000 steps", what: "run", steps: 10_000 },
    { name: "resume of 10,000 steps of which one is left, per step", what: "resume", steps: 10_000 },
  ];
  for (const { name, what, steps } of cases) {
    const cpuMs = await engineCpuMs(what, "fan-out", steps);
    report({ name, value: cpuMs / steps, unit: "ms CPU", note: what === "run" ? "aim: under 2" : "" });
  }
  for (const [name, shape] of [
    ["cancel of 10,000 steps, 8 at work", "fan-out"],
    ["cancel of 10,000 steps, all at work", "open"],
  ] as const) {
    const value = await engineCpuMs("cancel", shape, 10_000);
    report({ name, value, unit: "ms CPU", note: "aim: under 2,000" });
  }
  const files = await engineCpuMs("files", "none", 10_000);
  report({ name: "10,000 directories with a short file each, by Node alone", value: files, unit: "ms CPU" });
}

async function engineCpuMs(what: string, shape: string, steps: number): Promise<number> {
  const seen: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { cpuMs } = await inProcess<{ cpuMs: number }>([engineProgram, what, shape, String(steps)]);
    seen.push(cpuMs);
  }
  return median(seen);
}

interface Planning {
  readonly parseMs: number;
  readonly planMs: number;
  readonly cpuMs: number;
  readonly grownMib: number;
}

async function reportLarge(report: Report, scratch: string): Promise<void> {
  const file = join(scratch, "large.yaml");
  const text = largeFile(10_000);
  writeFileSync(file, text);
  const seen: Planning[] = [];
  for (let round = 0; round < rounds; round += 1) seen.push(await inProcess<Planning>([planProgram, file]));
  const parseMs = median(seen.map((one) => one.parseMs));
  const planMs = median(seen.map((one) => one.planMs));
  report({
    name: "10,000 steps, read and checked for the first time",
    value: parseMs,
    unit: "ms",
    note: `${(text.length / 2 ** 20).toFixed(1)} MiB of YAML; the process grew by ${Math.round(median(seen.map((one) => one.grownMib)))} MiB`,
  });
  report({ name: "10,000 steps, planned", value: planMs, unit: "ms" });
  report({
    name: "both",
    value: parseMs + planMs,
    unit: "ms",
    note: `processor time ${Math.round(median(seen.map((one) => one.cpuMs)))} ms; aim: under 1,000`,
  });
  const { plain, whole } = await inTurns({
    plain: () => costOfNode(["-e", "0"]),
    whole: () => costOfNode([join(app, "bin/agentcore.js"), "workflow", "validate", file]),
  });
  report({
    name: "agentcore workflow validate of it, whole process",
    value: whole.wallMs,
    unit: "ms",
    note: `peak memory ${mib(whole)}; bare node ${Math.round(plain.wallMs)} ms, ${mib(plain)}`,
  });
}

/** What a program that has done nothing else prints as JSON. */
async function inProcess<T>(program: readonly string[]): Promise<T> {
  const args = ["--conditions=@agentcore/source", ...program];
  const { stdout } = await execa(process.execPath, args, { stderr: "inherit" });
  return JSON.parse(stdout) as T;
}
