import { AgentCoreError } from "@agentcore/contract";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, subWorkflow, testStep, testWorkflow } from "../testing/test-workflow.ts";
import { listRuns, readRun } from "./read-runs.ts";
import type { RunPorts } from "../run-ports.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
});
afterEach(() => rig.close());

const inside = testWorkflow([shellStep("one", "true")], { hash: "inside" });
const between = testWorkflow([testStep("inner", subWorkflow(inside))], { hash: "between" });
const nested = testWorkflow([testStep("outer", subWorkflow(between))]);

const streams = async (): Promise<number> => (await rig.journal.list({ prefix: "" })).length;
const later = (): number => Date.now() + 1_000_000;

it("a finished run is listed until it is deleted, and its sub-workflows at any depth go with it", async () => {
  const { run } = await rig.run(nested);
  expect((await listRuns(rig.journal)).map(({ id, header }) => [id, header["outcome"]])).toEqual([
    [run, "SUCCEEDED"],
  ]);
  expect(await streams()).toBe(3);
  expect(await rig.journal.deleteEnded({ endedBefore: Date.now() - 1_000_000 })).toBe(0);
  expect(await rig.journal.deleteEnded({ endedBefore: later() })).toBe(1);
  expect(await streams()).toBe(0);
  expect(await readRun(rig.journal, run)).toBeUndefined();
});

it("a run that has not ended is never deleted, nor are its sub-workflows that have", async () => {
  const { scheduler } = rig;
  const failing: RunPorts["scheduler"] = {
    attach: (id) => scheduler.attach(id),
    submit: (job) => scheduler.submit(job),
    appendAndSubmit: (journal, write, jobs) => {
      if (jobs[0]?.context?.labels?.["workflow.step"] !== "last")
        return scheduler.appendAndSubmit(journal, write, jobs);
      throw new AgentCoreError("AC_STORE_UNAVAILABLE", "pulled out");
    },
  };
  const workflow = testWorkflow([...nested.steps, shellStep("last", "true", { dependsOn: ["outer"] })]);
  const handle = await rig.start(workflow, { scheduler: failing });
  await expect(handle.result()).rejects.toMatchObject({ code: "AC_STORE_UNAVAILABLE" });
  expect(await rig.journal.deleteEnded({ endedBefore: later() })).toBe(0);
  expect(await streams()).toBe(3);
  expect((await (await rig.resume(handle.id, workflow)).result()).outcome).toBe("SUCCEEDED");
});
