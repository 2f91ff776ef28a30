import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "@agentcore/contract/testing";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, testWorkflow } from "../testing/test-workflow.ts";
import type { Step, Workflow } from "../definition.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
});
afterEach(() => rig.close());

const at = (...names: string[]): string => join(rig.workspace, ...names);
const output = { name: "out", path: "made", optional: false, type: null };
const version = { name: "version", key: "version", optional: false };

function workflowWith(rest: Partial<Step> = {}, script = "cat in/made; echo $SEEN >> seen"): Workflow {
  const steps = [
    shellStep("unrelated", "echo x >> unrelated"),
    shellStep("make", "echo x >> ran; echo thing > made; echo version=7 >> $AGENTCORE_OUTPUT", {
      outputs: [output],
      values: [version],
    }),
    shellStep("use", script, {
      dependsOn: ["make"],
      inputs: [{ from: "make", artifact: "out", as: "in" }],
      env: new Map([["SEEN", "${{ steps.make.outputs.version }} ${{ matrix.n }}"]]),
      matrix: new Map([["n", ["1", "2"]]]),
      ...rest,
    }),
    shellStep("last", "touch last", { dependsOn: ["use"] }),
  ];
  // The combinations share their workspace, and so the copy of the artifact.
  return testWorkflow(steps);
}
const statuses = (steps: readonly { id: string; status: string }[]) => steps.map(({ status }) => status);
const seen = (): string[] => readFileSync(at("seen"), "utf8").trim().split("\n").sort();

it("--only runs one step with its combinations, with artifacts and values of an earlier run", async () => {
  await rig.run(workflowWith());
  rmSync(at("seen"));
  rmSync(at("last"));
  const changed = workflowWith({}, "cat in/made; echo again $SEEN >> seen");
  for (let times = 1; times <= 2; times++) {
    const result = await rig.run(changed, { only: "use" });
    expect(result.outcome).toBe("SUCCEEDED");
    expect(statuses(result.steps)).toEqual(["SKIPPED", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "SKIPPED"]);
    expect(result.steps.map(({ taken }) => taken)).toEqual([false, true, false, false, false]);
    expect(result.steps[1]).toMatchObject({ attempts: 0, reason: "taken from an earlier run" });
  }
  expect(seen()).toEqual(["again 7 1", "again 7 1", "again 7 2", "again 7 2"]);
  expect(readFileSync(at("ran"), "utf8")).toBe("x\n");
  const meta = JSON.parse(readFileSync(at("context", "last", "_meta.json"), "utf8")) as { status: string };
  expect(meta.status).toBe("SUCCEEDED");
});

it("--only is refused if what the step uses is not there, before anything is written", async () => {
  const refused = async (only: string) => rig.run(workflowWith(), { only });
  await expect(refused("us")).rejects.toMatchObject({
    code: "AC_WORKFLOW_STEP",
    message: 'the workflow has no step "us"; did you mean "use"?',
  });
  await expect(refused("nope")).rejects.toThrow(
    'the workflow has no step "nope"; there are unrelated, make, use, last',
  );
  await expect(refused("use")).rejects.toThrow(
    `step "use" uses what step "make" leaves, and ${at("context")} has no result of it from this workflow`,
  );
  expect((await rig.journal.list({ prefix: "" })).length).toBe(0);
  expect(existsSync(at("context"))).toBe(false);
  await rig.run(workflowWith());
  rmSync(at("context", "make", "out"), { recursive: true });
  await expect(refused("use")).rejects.toMatchObject({ code: "AC_WORKFLOW_ONLY" });
  writeFileSync(at("context", "_workflow.json"), JSON.stringify({ file: "/other.yaml" }));
  await expect(refused("use")).rejects.toMatchObject({ code: "AC_WORKFLOW_ONLY" });
  expect((await refused("unrelated")).outcome).toBe("SUCCEEDED");
});

it("--only holds when the run is resumed", async () => {
  await rig.run(workflowWith());
  const slow = workflowWith({}, "touch begun; until test -e go; do sleep 0.02; done; echo $SEEN >> seen");
  rmSync(at("last"));
  const handle = await rig.start(slow, { only: "use" });
  await until(() => rig.events.some((event) => event.type === "job_event" && event.step.startsWith("use")));
  handle.interrupt();
  expect((await handle.result()).outcome).toBe("INTERRUPTED");
  await rig.restart();
  writeFileSync(at("go"), "");
  const result = await (await rig.resume(handle.id, slow)).result();
  expect(statuses(result.steps)).toEqual(["SKIPPED", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "SKIPPED"]);
});
