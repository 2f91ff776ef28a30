/** Brings together what a crash test is judged by, two seconds after its end: see `verdict.ts`. */
import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { usdOf, type Ledger } from "@agentcore/core";
import type { JobStore } from "@agentcore/scheduler";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import type { PlannedJob } from "./job-plan.ts";
import { populatedCgroups } from "./processes.ts";
import type { Rig } from "./rig.ts";
import type { Submitter } from "./submitter.ts";
import { readTrueJob } from "./truth-ledger.ts";
import type { Gathered, RecordedJob } from "./verdict.ts";

export interface GatherOptions {
  readonly rig: Rig;
  readonly store: JobStore;
  readonly ledger: Ledger;
  readonly submitter: Submitter;
  readonly planned: readonly PlannedJob[];
  readonly announcedEnds: readonly string[];
}

export interface GatheredRun {
  readonly gathered: Gathered;
  /** How many attempts workers were started for, and how many of all died unseen. */
  readonly attempts: number;
  readonly estimated: number;
}

const quiescenceMs = 2000;

export async function gather(options: GatherOptions): Promise<GatheredRun> {
  const { rig, store, ledger, submitter, planned, announcedEnds } = options;
  await pause(quiescenceMs);
  const truth = new Map(planned.map(({ id }) => [id, readTrueJob(join(rig.root, "jobs", id))]));
  const jobs = new Map<string, RecordedJob>();
  for (const { id } of planned) {
    const recorded = await recordedJob(store, id);
    if (recorded !== null) jobs.set(id, recorded);
  }
  const acknowledgedIds = submitter.acknowledged.map(({ jobId }) => jobId);
  const unanswered = pause(quiescenceMs, null, { ref: false });
  const answers = await Promise.all(submitter.answers.map((answer) => Promise.race([answer, unanswered])));
  const [level] = await ledger.levels([{ scope: "global", window: "total", windowStart: 0 }]);
  const gathered: Gathered = {
    acknowledgedIds,
    jobs,
    truth,
    announcedEnds,
    maxAttempts: new Map(planned.map(({ id, limits }) => [id, limits?.maxAttempts ?? 1])),
    answers: answers.map((answer, index) =>
      answer === null
        ? { jobId: `answer ${index}`, state: "nothing" }
        : { jobId: answer.jobId, state: answer.end.state },
    ),
    bookedUsd: usdOf(level?.costSpentMicroUsd ?? 0),
    heldUsd: usdOf(level?.costHeldMicroUsd ?? 0),
    survivors: survivorsOf(rig, truth),
  };
  const ofTruth = [...truth.values()].flatMap(({ attempts }) => attempts);
  const ofRecord = [...jobs.values()].flatMap(({ attempts }) => attempts);
  const estimated = ofRecord.filter(({ costBasis }) => costBasis === "estimated").length;
  return { gathered, attempts: ofTruth.length, estimated };
}

/** Null where there is no job of that id; a job that joined another one has none of its own. */
async function recordedJob(store: JobStore, id: string): Promise<RecordedJob | null> {
  const record = await store.get(id);
  if (record === undefined || record.job.id !== id) return null;
  const attempts = await store.attempts(id);
  return {
    id,
    state: record.state.kind,
    spentUsd: record.spent.costUsd,
    attempts: attempts.map(({ attempt, result }) => ({
      attempt,
      costUsd: result?.costUsd ?? null,
      costBasis: result?.costBasis ?? "none",
    })),
  };
}

function survivorsOf(rig: Rig, truth: Gathered["truth"]): string[] {
  const processes = findSurvivors([rig.root, rig.token, ...rig.tags]);
  const runs = [...truth.values()].flatMap(({ attempts }) => attempts.map(({ run }) => run));
  return [
    ...processes.map(({ pid, commandLine }) => `process ${pid}: ${commandLine}`),
    ...populatedCgroups(runs).map((path) => `control group ${path}`),
  ];
}
