/** Writes the records of a run in its context directory, by rename: `_workflow.json`, and `_meta.json` for each step. */
import { join } from "node:path";
import type { Workflow } from "../definition.ts";
import { progressOf, statusOf, type StepState } from "../plan/step-state.ts";
import { replaceFile, replaceFileSync } from "../own-place.ts";
import { stepDir } from "../places.ts";
import type { StepInstance } from "../plan/step-instance.ts";
import { factsOf, knownCost, type RunRecord } from "./run-record.ts";
import type { Approval } from "./entry-types.ts";

/** The report about one step, for people and programs. */
export interface StepReport {
  readonly id: string;
  readonly status: ReturnType<typeof statusOf>;
  /** Why it ended in this way, or why its last attempt failed; empty if there is no reason. */
  readonly reason: string;
  readonly errorClass: string | null;
  /** Of the catalog, if its last piece ended with one. */
  readonly code: string | null;
  /** Jobs that worked on it, including interrupted ones; checks are not counted. */
  readonly attempts: number;
  readonly iterations: number;
  /** Whether it has a completion check. */
  readonly loops: boolean;
  /** It did not run: the cache had its result. */
  readonly cached: boolean;
  /** Why the cache had no result of it; null if it had one, or was not asked. */
  readonly cacheMiss: string | null;
  /** It did not run: with `--only`, its result is that of an earlier run. */
  readonly taken: boolean;
  /** When its next attempt may start, if it waits for that after a failure. */
  readonly retryAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Of the time since its start: in which no process worked on the run, in ms. */
  readonly downtimeMs: number;
  /** Null if no worker reported its cost. */
  readonly costUsd: number | null;
  readonly tokens: number;
  readonly artifacts: readonly string[];
  /** Texts that it wrote to `$AGENTCORE_OUTPUT`, by name. */
  readonly values: Readonly<Record<string, string>>;
  /** Its last job, or the run of its sub-workflow; null before the first. */
  readonly jobId: string | null;
  /** Of its last failure: the end of the output, at most 20 lines, and the path of the log. */
  readonly output: string;
  readonly log: string | null;
  /** For an approval, once it was asked for: what is asked, of whom, and the answer. */
  readonly approval: Approval | null;
  /** It did not succeed, and the run continues all the same. */
  readonly isTolerated: boolean;
  /** One of `finally`. */
  readonly isFinal: boolean;
}

/** How long it took, without the time in which no process worked on the run; null if it has not ended. */
export function durationMsOf({
  startedAt,
  endedAt,
  downtimeMs,
}: Pick<StepReport, "startedAt" | "endedAt" | "downtimeMs">): number | null {
  return startedAt === null || endedAt === null ? null : Math.max(0, endedAt - startedAt - downtimeMs);
}

const unwell: ReadonlySet<string> = new Set(["FAILED", "INCOMPLETE"]);

export function stepReport(record: RunRecord, { id, step }: StepInstance): StepReport {
  const state: StepState = record.state.steps.get(id) ?? { kind: "waiting" };
  const facts = factsOf(record, id);
  const progress = progressOf(state);
  const retry = state.kind === "ready" ? state.retry : undefined;
  return {
    id,
    status: statusOf(state),
    reason: state.kind === "ended" ? state.reason : (retry?.reason ?? ""),
    errorClass: facts.errorClass,
    code: facts.code,
    attempts: progress.attemptsInAll + facts.interruptions,
    iterations: progress.attemptsInAll === 0 ? 0 : progress.iteration,
    loops: step.loop !== null,
    cached: facts.cached,
    cacheMiss: facts.cacheMiss,
    taken: facts.taken,
    retryAt: retry?.at ?? null,
    startedAt: facts.startedAt,
    endedAt: facts.endedAt,
    downtimeMs: facts.downtimeMs,
    costUsd: facts.costKnown ? facts.spent.costUsd : null,
    tokens: facts.spent.tokens,
    artifacts: facts.artifacts,
    values: facts.values,
    approval: facts.approval,
    jobId: facts.jobId,
    output: facts.output,
    log: facts.log,
    isTolerated: state.kind === "ended" && state.passes && unwell.has(state.status),
    isFinal: step.isFinal,
  };
}

/**
 * Synchronous: steps that wait for this one find its record, and start sooner. Writing so short a file takes less time than
 * reaching the thread pool.
 */
export function writeStepRecord(contextDir: string, report: StepReport): void {
  // Written for a step that has ended: it waits for no attempt.
  const {
    errorClass,
    startedAt,
    endedAt,
    costUsd,
    jobId,
    isTolerated,
    isFinal,
    cacheMiss,
    retryAt: _,
    downtimeMs: __,
    ...rest
  } = report;
  const meta = {
    ...rest,
    error_class: errorClass,
    is_tolerated: isTolerated,
    is_final: isFinal,
    cache_miss: cacheMiss,
    job: jobId,
    started_at: startedAt,
    ended_at: endedAt,
    duration_ms: durationMsOf(report),
    cost_usd: costUsd,
  };
  replaceFileSync(join(stepDir(contextDir, report.id), "_meta.json"), jsonText(meta));
}

export async function writeRunRecord(workflow: Workflow, runId: string, record: RunRecord): Promise<void> {
  const { created, state, spent, endedAt, interruption } = record;
  await writeJson(join(created.contextDir, "_workflow.json"), {
    run: runId,
    name: created.name,
    file: created.file,
    definition_hash: workflow.hash,
    state: state.outcome ?? (interruption === null ? "RUNNING" : "INTERRUPTED"),
    reason: state.stop?.message ?? interruption,
    started_at: created.at,
    ended_at: endedAt,
    cost_usd: knownCost(record),
    tokens: spent.tokens,
    base_branch: created.base?.branch ?? null,
    base_sha: created.base?.sha ?? null,
    notifications: [...record.notifications.values()].map(({ begins, ended }) => ({
      event: begins.event,
      problem: ended?.problem ?? null,
    })),
    steps: Object.fromEntries([...state.steps].map(([id, step]) => [id, statusOf(step)])),
  });
}

export async function writeJson(path: string, value: unknown): Promise<void> {
  await replaceFile(path, jsonText(value));
}

const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
