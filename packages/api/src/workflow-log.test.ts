import { testJob } from "@agentcore/scheduler/testing";
import type { JobRecord, JobState } from "@agentcore/scheduler";
import { expect, it } from "vitest";
import type { LogRequest } from "./ports.ts";
import { memoryPorts } from "./testing/index.ts";
import { readWorkflowLog } from "./workflow-log.ts";

interface Written {
  readonly stdout: string;
  readonly stderr?: string;
  readonly ended: boolean;
}

const over: JobState = { kind: "succeeded", endedAt: 9 };
const going: JobState = { kind: "running", owner: "o", claimedAt: 0, started: null, cancelRequested: null };

const record = (id: string, submittedAt: number, attempt: number, state: JobState): JobRecord => ({
  job: { ...testJob({ id }), context: { labels: { "workflow.run": "r", "workflow.step": `step-${id}` } } },
  state,
  submittedAt,
  attempt,
  epoch: 1,
  spent: { costUsd: 0, tokens: 0 },
  rank: 0,
  readyFrom: 0,
  concurrencyKey: null,
  result: null,
});

/** A run whose jobs have written this, by `JOB/ATTEMPT`. */
function logOf(jobs: readonly JobRecord[], written: Readonly<Record<string, Written>>, state = "RUNNING") {
  const logs = async ({ jobId, attempt, stream, encoding, offset, limit }: LogRequest) => {
    const { [stream]: all = "", ended } = written[`${jobId}/${attempt}`] ?? { stdout: "", ended: false };
    const text = (all ?? "").slice(offset, offset + limit);
    const place = { offset, nextOffset: offset + text.length, sizeBytes: all.length, ended };
    return { type: "log", jobId, attempt: attempt ?? 0, stream, encoding, ...place, text } as const;
  };
  const workflows = {
    ...memoryPorts().workflows,
    show: async () => ({ id: "r", state }) as never,
    jobs: async (_run: string, step: string | null) =>
      jobs.filter(({ job }) => step === null || job.context.labels["workflow.step"] === step),
  };
  return async (after: string | null, limit = 1000, step: string | null = null) => {
    const document = await readWorkflowLog({ run: "r", step, after, limit }, { jobs: { logs }, workflows });
    const parts = document.parts.map(
      ({ jobId, attempt, stream, text }) => `${jobId}/${attempt} ${stream} ${text}`,
    );
    return { ...document, parts };
  };
}

it("the jobs come in the order of their submission, with each attempt and stream", async () => {
  const jobs = [record("a", 2, 1, over), record("b", 1, 2, over)];
  const read = logOf(
    jobs,
    {
      "b/1": { stdout: "one", stderr: "bad", ended: true },
      "b/2": { stdout: "two", ended: true },
      "a/1": { stdout: "three", ended: true },
    },
    "SUCCEEDED",
  );
  const whole = await read(null);
  expect(whole.parts).toEqual(["b/1 stdout one", "b/1 stderr bad", "b/2 stdout two", "a/1 stdout three"]);
  expect(whole.ended).toBe(true);
  expect(await read(whole.next)).toMatchObject({ parts: [], next: whole.next, ended: true });
  expect((await read(null, 1000, "step-a")).parts).toEqual(["a/1 stdout three"]);
});

it("a job that runs holds back those after it, and is read on from where it was", async () => {
  const jobs = [record("a", 1, 1, going), record("b", 2, 1, over)];
  const later = { "b/1": { stdout: "after", ended: true } };
  const first = await logOf(jobs, { "a/1": { stdout: "be", ended: false }, ...later })(null);
  expect(first).toMatchObject({ parts: ["a/1 stdout be"], ended: false });
  const ended = [record("a", 1, 1, over), record("b", 2, 1, over)];
  const read = logOf(ended, { "a/1": { stdout: "begun", stderr: "!", ended: true }, ...later });
  const second = await read(first.next);
  expect(second).toMatchObject({
    parts: ["a/1 stdout gun", "a/1 stderr !", "b/1 stdout after"],
    // The run may still submit jobs.
    ended: false,
  });
});

it("an answer has at most so many bytes, and the next one goes on after them", async () => {
  const written = { "a/1": { stdout: "0123456789", stderr: "abc", ended: true } };
  const read = logOf([record("a", 1, 1, over)], written, "FAILED");
  const texts: string[] = [];
  let ended = false;
  for (let after: string | null = null; !ended;) {
    const answer = await read(after, 4);
    texts.push(...answer.parts);
    ({ ended, next: after } = answer);
  }
  expect(texts).toEqual([
    "a/1 stdout 0123",
    "a/1 stdout 4567",
    "a/1 stdout 89",
    "a/1 stderr ab",
    "a/1 stderr c",
  ]);
});

it("a job that never began has no log, and does not hold back others", async () => {
  const cancelled: JobState = {
    kind: "cancelled",
    endedAt: 1,
    reason: { code: "c", message: "m", evidence: {} },
  };
  const queued: JobState = { kind: "queued", runAt: 0, delayMs: 0, waitingFor: null };
  const written = { "b/1": { stdout: "b", ended: true } };
  const jobs = [record("a", 1, 0, cancelled), record("b", 2, 1, over)];
  expect(await logOf(jobs, written, "CANCELLED")(null)).toMatchObject({
    parts: ["b/1 stdout b"],
    ended: true,
  });
  const waiting = [record("a", 1, 0, queued), record("b", 2, 1, over)];
  expect(await logOf(waiting, written)(null)).toMatchObject({ parts: [], ended: false });
});

it("a place that is none is refused", async () => {
  const read = logOf([record("a", 1, 1, over)], {});
  for (const after of ["x", "z:1:0:0", "a:1:0"])
    await expect(read(after)).rejects.toMatchObject({ code: "AC_API_REQUEST" });
});
