/** Requests to a run take effect once, whatever the clocks of the processes say, and no answer is given twice. */
import { until } from "@agentcore/contract/testing";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, testWorkflow } from "../testing/test-workflow.ts";
import { requestAnswer, requestCancel } from "./requests.ts";

let rig: RunRig;
beforeAll(async () => {
  rig = await createRunRig();
});
afterAll(() => rig.close());
beforeEach(() => {
  for (const name of ["began", "go", "cleans", "cleaned"]) rmSync(join(rig.workspace, name), { force: true });
});

const there = (name: string): Promise<void> => until(() => existsSync(join(rig.workspace, name)));
const make = (name: string): void => writeFileSync(join(rig.workspace, name), "");

const waits = (until: string): string => `until test -e ${until}; do sleep 0.02; done`;
const workflow = testWorkflow([
  shellStep("work", `touch began; ${waits("go")}`),
  shellStep("clean", `touch cleans; ${waits("cleaned")}`, { isFinal: true, timeoutMs: 60_000 }),
]);
const hourMs = 3_600_000;

describe("a cancel that another process asks for", () => {
  it("ends the run although the clock was set back since it began", async () => {
    make("cleaned");
    const handle = await rig.start(workflow);
    await there("began");
    await requestCancel(rig.journal, handle.id, { at: Date.now() - hourMs, message: "enough" });
    expect(await handle.result()).toMatchObject({ outcome: "CANCELLED", reason: "enough" });
  });

  it("counts when the run is resumed, if the process that it was for ended before", async () => {
    make("cleaned");
    const handle = await rig.start(workflow);
    await there("began");
    handle.interrupt();
    await requestCancel(rig.journal, handle.id, { at: Date.now(), message: "enough" });
    expect((await handle.result()).outcome).toBe("INTERRUPTED");
    const resumed = await rig.resume(handle.id, workflow);
    expect(await resumed.result()).toMatchObject({ outcome: "CANCELLED", reason: "enough" });
  });

  it("is no second one after a resume, which would end `finally`", async () => {
    const handle = await rig.start(workflow);
    await there("began");
    await requestCancel(rig.journal, handle.id, { at: Date.now() + hourMs, message: "enough" });
    await there("cleans");
    handle.interrupt();
    expect((await handle.result()).outcome).toBe("INTERRUPTED");
    const resumed = await rig.resume(handle.id, workflow);
    const since = Date.now();
    await until(() => Date.now() > since + 700);
    make("cleaned");
    const { outcome, steps } = await resumed.result();
    expect([outcome, ...steps.map(({ status }) => status)]).toEqual(["CANCELLED", "CANCELLED", "SUCCEEDED"]);
  });

  it("does not end a retry of the run, even if the clock was set back since", async () => {
    make("cleaned");
    const handle = await rig.start(workflow);
    await there("began");
    await requestCancel(rig.journal, handle.id, { at: Date.now() + hourMs, message: "enough" });
    expect((await handle.result()).outcome).toBe("CANCELLED");
    const again = await rig.retry(handle.id, workflow);
    const since = Date.now();
    await until(() => Date.now() > since + 700);
    make("go");
    expect((await again.result()).outcome).toBe("SUCCEEDED");
  });
});

it("of two answers at once, one is refused", async () => {
  const decisions = ["approved", "rejected"] as const;
  const answers = decisions.map((decision) =>
    requestAnswer(rig.journal, "run", { waitId: "w", decision, by: "ann", message: "", at: 1 }, (before) => {
      if (before.length > 0) throw new Error(`already ${before[0]?.decision}`);
    }),
  );
  const ends = await Promise.allSettled(answers);
  expect(ends.filter(({ status }) => status === "fulfilled").length).toBe(1);
});

it("a request that could not be written is an error", async () => {
  const journal = { ...rig.journal, read: async () => undefined, append: async () => "conflict" as const };
  const request = requestCancel(journal, "run", { at: 1, message: "" });
  await expect(request).rejects.toMatchObject({ code: "AC_STORE_UNAVAILABLE" });
});
