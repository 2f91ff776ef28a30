import type { JobHandle, JobStore, Scheduler } from "@agentcore/scheduler";
import { expect, it } from "vitest";
import { runJob } from "./run-job.ts";

it("a look at what blocks a job that fails is taken again, and the job is not left in the queue", async () => {
  const cancelled = Promise.withResolvers<void>();
  let asked = 0;
  const handle = {
    id: "job-1",
    deduplicated: false,
    async *events() {
      await cancelled.promise;
      yield* [];
    },
    cancel: async () => cancelled.resolve(),
    result: async () => cancelled.promise,
  } as unknown as JobHandle;
  const scheduler = {
    submit: async () => handle,
    why: async () => {
      asked += 1;
      if (asked === 1) throw new Error("database is locked");
      return { record: { state: { kind: "queued" } }, blockedBy: "job-0" };
    },
  } as unknown as Scheduler;
  const presenter = { event: async () => {}, remark: () => {}, end: () => {}, close: () => {} };
  const task = { worker: "shell", workspace: "/w", instructions: "true" };
  const options = { scheduler, store: {} as JobStore, presenter, wait: false, onSubmitted: () => {} };
  const outcome = await runJob({ task }, options);
  expect(outcome).toMatchObject({ refused: true, result: { code: "AC_WORKSPACE_LOCKED" } });
  expect(asked).toBe(2);
});
