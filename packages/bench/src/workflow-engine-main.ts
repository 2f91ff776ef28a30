/**
 * Runs one workflow in a process of its own, on a scheduler whose jobs end at once and a journal in memory, so that what is
 * left is the engine. Prints the processor time of what it was asked for as JSON: `run`, `resume` (a run whose journal is
 * complete but for its end), `cancel` (while all steps but eight wait, or while all are at work) or `files` (as many directories
 * with a short file each, by Node alone: what the records of a cancel cost without the engine).
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, systemClock, systemIds } from "@agentcore/contract";
import { createMemoryJournal, type JobEnd, type JobHandle } from "@agentcore/scheduler";
import { parseWorkflow, resumeRun, runWorkflow, type RunPorts, type Workflow } from "@agentcore/workflow";
import { resultOfNothing } from "./result-of-nothing.ts";
import { chainFile, fanOutFile } from "./workflow-files.ts";

const [what = "run", shape = "fan-out", count = "100"] = process.argv.slice(2);
const steps = Number(count);
let ended = 0;
let submitted = 0;
let onSubmit = (): void => {};

async function definition(): Promise<Workflow> {
  const text = shape === "chain" ? chainFile(steps) : fanOutFile(steps, shape === "open" ? null : 8);
  const readFile = async (path: string) => (path.endsWith("engine.yaml") ? text : null);
  const parsed = await parseWorkflow({ file: "/engine.yaml", readFile });
  if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
  return parsed.workflow;
}

/** Jobs end when the event loop comes around; those after the first `endingMax` end only when they are cancelled. */
function fakeScheduler(endingMax: number): RunPorts["scheduler"] {
  const handleOf = (id: string): JobHandle => {
    const { promise, resolve } = Promise.withResolvers<JobEnd>();
    const end = { jobId: id, result: resultOfNothing, attempts: 1, spent: { costUsd: 0, tokens: 0 } };
    onSubmit();
    if (submitted++ < endingMax) setImmediate(() => resolve({ ...end, state: "succeeded", reason: null }));
    return {
      id,
      deduplicated: false,
      result: () => promise,
      async *events() {},
      async cancel({ reason: message = "" } = {}) {
        resolve({ ...end, state: "cancelled", reason: { code: "AC_CANCELLED", message, evidence: {} } });
        return "cancelled";
      },
    };
  };
  return {
    submit: async ({ id = "" }) => handleOf(id),
    appendAndSubmit: async (journal, write, jobs) =>
      (await journal.append(write.stream, write)) === "conflict"
        ? "conflict"
        : jobs.map(({ id = "" }) => ({ ok: true, handle: handleOf(id) })),
    attach: async (id) => handleOf(id),
  };
}

const workspace = mkdtempSync(join(tmpdir(), "agentcore-bench-"));
try {
  const workflow = await definition();
  const journal = createMemoryJournal();
  const common = {
    workflow,
    journal,
    clock: systemClock,
    ids: systemIds,
    log: silentLog,
    git: async () => ({ exitCode: 128, stdout: "", stderr: "fatal: not a git repository" }),
  };
  const { cpuMs, outcome } = await measured();
  console.log(JSON.stringify({ cpuMs, outcome }));

  async function measured(): Promise<{ cpuMs: number; outcome: string }> {
    if (what === "files") return cpuOf(async () => writeFiles());
    if (what === "run") {
      const scheduler = fakeScheduler(Infinity);
      return cpuOf(async () => (await runWorkflow({ ...common, scheduler, workspace })).result());
    }
    if (what === "cancel") {
      const begun = Promise.withResolvers<void>();
      const atOnce = workflow.concurrency ?? steps;
      onSubmit = () => {
        if (submitted === atOnce - 1) begun.resolve();
      };
      const run = await runWorkflow({ ...common, scheduler: fakeScheduler(0), workspace });
      await begun.promise;
      return cpuOf(() => {
        run.cancel();
        return run.result();
      });
    }
    const scheduler = fakeScheduler(steps - 1);
    const run = await runWorkflow({
      ...common,
      scheduler,
      workspace,
      onEvent: (event) => {
        if (event.type !== "step_changed" || event.step.status !== "SUCCEEDED") return;
        ended += 1;
        if (ended === steps - 1) run.interrupt();
      },
    });
    await run.result();
    return cpuOf(async () =>
      (await resumeRun({ ...common, scheduler: fakeScheduler(Infinity), id: run.id })).result(),
    );
  }
} finally {
  rmSync(workspace, { recursive: true, force: true });
}

function writeFiles(): { readonly outcome: string } {
  for (let index = 0; index < steps; index += 1) {
    const directory = join(workspace, String(index));
    mkdirSync(directory);
    writeFileSync(join(directory, "new"), "x".repeat(600));
    renameSync(join(directory, "new"), join(directory, "file"));
  }
  return { outcome: "written" };
}

async function cpuOf(work: () => Promise<{ readonly outcome: string }>) {
  const before = process.cpuUsage();
  const { outcome } = await work();
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000, outcome };
}
