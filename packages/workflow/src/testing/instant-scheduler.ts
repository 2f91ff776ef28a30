/** A scheduler whose jobs do nothing but write their instructions as their values: each ends well in the next turn of the event loop, or when it is cancelled. */
import type { JobEnd, JobHandle } from "@agentcore/scheduler";
import { writeFileSync } from "node:fs";
import { testResult } from "@agentcore/scheduler/testing";
import type { RunPorts } from "../run-ports.ts";

/** `endingMax`: after so many jobs, further ones end only when they are cancelled. */
export function instantScheduler(endingMax = Infinity): RunPorts["scheduler"] {
  let submitted = 0;
  const handleOf = (jobId: string): JobHandle => {
    const { promise, resolve } = Promise.withResolvers<JobEnd>();
    const common = { jobId, result: testResult(), attempts: 1, spent: { costUsd: 0, tokens: 0 } };
    submitted += 1;
    if (submitted <= endingMax) setImmediate(resolve, { ...common, state: "succeeded", reason: null });
    return {
      id: jobId,
      deduplicated: false,
      result: () => promise,
      async *events() {},
      async cancel({ reason: message = "" } = {}) {
        resolve({ ...common, state: "cancelled", reason: { code: "AC_CANCELLED", message, evidence: {} } });
        return "cancelled";
      },
    };
  };
  return {
    async submit({ id = "", task }) {
      const values = task.env?.["AGENTCORE_OUTPUT"];
      if (values !== undefined) writeFileSync(values, task.instructions);
      return handleOf(id);
    },
    appendAndSubmit: async (journal, write, jobs) =>
      (await journal.append(write.stream, write)) === "conflict"
        ? "conflict"
        : jobs.map(({ id = "" }) => ({ ok: true, handle: handleOf(id) })),
    attach: async (id) => handleOf(id),
  };
}
