import { AgentCoreError } from "@agentcore/contract";
import { expect, it } from "vitest";
import { withdrawJob } from "./withdraw-job.ts";

const locked = new AgentCoreError("AC_STORE_UNAVAILABLE", "state.db is locked");
const fires = {
  setTimer: (_ms: number, fire: () => void) => (
    queueMicrotask(() => setImmediate(fire)),
    { cancel: () => {} }
  ),
};
const handle = (cancel: () => Promise<never>) => ({ id: "job-1", cancel });

it("a job that can be withdrawn is, and the error says so", async () => {
  const error = await withdrawJob(locked, { ...handle(async () => undefined as never) }, fires);
  expect(error).toMatchObject({ code: locked.code, message: "state.db is locked; job job-1 was cancelled" });
});

it.each([
  ["refuses", () => Promise.reject(new Error("locked"))],
  ["does not answer", () => new Promise<never>(() => {})],
])("a job that cannot be withdrawn because the store %s is named with the cure", async (_what, cancel) => {
  const error = await withdrawJob(locked, handle(cancel), fires);
  expect(error).toMatchObject({
    message: expect.stringMatching(/job-1 is still in the queue: end it with `agentcore jobs cancel job-1`/),
  });
});
