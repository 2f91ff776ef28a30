/**
 * What the command line costs: processes timed from outside, interleaved, so that each sees the same machine; and the
 * runtime's own share of a run, timed inside one process against the same command contained without it.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openContainment } from "@agentcore/containment";
import {
  adapterContractVersion,
  systemClock,
  systemIds,
  unknownUsage,
  type WorkerAdapter,
} from "@agentcore/contract";
import { createRuntime, runtimeConfigSchema } from "@agentcore/core";
import { createProcessRunner } from "@agentcore/worker-kit";
import { median, type Report } from "./report.ts";

const rounds = 25;
const app = fileURLToPath(new URL("../../../apps/cli/", import.meta.url));
const bin = join(app, "bin/agentcore.js");

export async function benchCli(report: Report): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
  const workspace = join(scratch, "workspace");
  mkdirSync(workspace);
  try {
    mustSucceed([join(app, "bundle.mjs")]);
    benchProcesses(report, scratch, workspace);
    await benchShare(report, scratch, workspace);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function benchProcesses(report: Report, scratch: string, workspace: string): void {
  const run = [
    bin,
    "run",
    "true",
    "--worker",
    "shell",
    "-C",
    workspace,
    "--state-dir",
    join(scratch, "state"),
  ];
  const { bare, version, whole } = interleaved({
    bare: ["-e", "0"],
    version: [bin, "--version"],
    whole: run,
  });
  report({ name: "node -e 0, the floor", value: bare, unit: "ms" });
  report({
    name: "agentcore --version",
    value: version,
    unit: "ms",
    note: `${(version / bare).toFixed(2)} × the floor; aim: at most 2.5`,
  });
  report({
    name: "agentcore run --worker shell true, whole process",
    value: whole,
    unit: "ms",
    note: `${(whole / bare).toFixed(2)} × the floor; aim: at most 5, which is 150 ms where the floor is 30`,
  });
}

/** Median wall clock of each, a round of all before the next. */
function interleaved<T extends string>(cases: Readonly<Record<T, readonly string[]>>): Record<T, number> {
  const names = Object.keys(cases) as T[];
  const times = new Map(names.map((name) => [name, [] as number[]]));
  for (const name of names) mustSucceed(cases[name]);
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) {
      const start = performance.now();
      mustSucceed(cases[name]);
      times.get(name)?.push(performance.now() - start);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name) ?? [])])) as Record<T, number>;
}

function mustSucceed(args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr}`);
}

/** A worker that is the cheapest program there is. */
const trueAdapter: WorkerAdapter = {
  contractVersion: adapterContractVersion,
  name: "true",
  title: "true",
  provider: null,
  capabilities: ["read"],
  program: { command: "true", versionArgs: [], install: "none", credentialEnv: [], loginPaths: [] },
  plan: () => ({ command: "/bin/true", args: [], env: {}, stdin: "", home: "own" }),
  createReader: () => ({
    stdout: () => [],
    stderr: () => [],
    end: () => ({
      terminal: "not-applicable",
      error: null,
      deniedTools: [],
      summary: "",
      session: null,
      model: null,
      usage: unknownUsage,
      costUsd: null,
      costBasis: "none",
      malformedLines: 0,
    }),
  }),
};

async function benchShare(report: Report, scratch: string, workspace: string): Promise<void> {
  const containment = await openContainment({ stateDir: join(scratch, "containment") });
  const runner = createProcessRunner({
    containment,
    clock: systemClock,
    ids: systemIds,
    hostEnv: { PATH: process.env["PATH"] },
    attemptsDir: join(scratch, "attempts"),
  });
  const runtime = createRuntime({
    config: runtimeConfigSchema.parse({}),
    adapters: [trueAdapter],
    runner,
    clock: systemClock,
    ids: systemIds,
  });
  const task = { worker: "true", workspace, instructions: "run", capabilities: ["read" as const] };
  const contained = async (): Promise<void> => {
    const env = { PATH: "/usr/bin:/bin" };
    const box = await containment.start({
      command: "/bin/true",
      args: [],
      cwd: workspace,
      env,
      marker: systemIds.next(),
    });
    box.stdin.end();
    box.stdout.resume();
    box.stderr.resume();
    box.go();
    await box.finish();
  };
  const delegated = async (): Promise<void> => {
    const jobId = systemIds.next();
    const limits = { attempt: 1, maxAttempts: 1, timeoutMs: 60_000, priorityClass: "batch" as const };
    const { worker, capabilities } = task;
    const decision = await runtime.requestPermit({ jobId, worker, workspace, capabilities, ...limits });
    if (decision.kind !== "granted") throw new Error(`no permit: ${decision.message}`);
    const result = await runtime.execute(decision.permit.id, task);
    if (result.outcome !== "succeeded") throw new Error(`the run failed: ${result.summary}`);
  };
  const times = { contained: [] as number[], delegated: [] as number[] };
  for (let round = -3; round < rounds; round += 1) {
    for (const [name, go] of [
      ["contained", contained],
      ["delegated", delegated],
    ] as const) {
      const start = performance.now();
      await go();
      if (round >= 0) times[name].push(performance.now() - start);
    }
  }
  await runtime.close();
  const floor = median(times.contained);
  const whole = median(times.delegated);
  report({
    name: `/bin/true contained (${containment.implementation}), the floor`,
    value: floor,
    unit: "ms",
  });
  report({
    name: "the same under a permit, with its result",
    value: whole,
    unit: "ms",
    note: `the runtime's own share is ${(whole - floor).toFixed(1)} ms; aim: under 10`,
  });
}
