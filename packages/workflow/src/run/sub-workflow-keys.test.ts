/** What the keys of a sub-workflow step do when it runs. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Step } from "../definition.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import {
  shellLoop,
  shellStep,
  subWorkflow,
  type SubWorkflow,
  testStep,
  testWorkflow,
} from "../testing/test-workflow.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
});
afterEach(() => rig.close());

const at = (...path: string[]): string => join(rig.workspace, ...path);
const optional = (name: string) => ({ name, path: name, optional: true, type: null });

/** Makes `first` in the first iteration of its parent and `second` in the second. */
const child = testWorkflow(
  [
    shellStep("make", "test -e first && { rm first; touch second; } || touch first", {
      outputs: [optional("first"), optional("second")],
    }),
  ],
  { name: "child", hash: "child" },
);
const sub = (rest: Partial<SubWorkflow>, step: Partial<Step> = {}): Step => {
  const exports = ["first", "second"].map((artifact) => ({ from: "make", artifact, as: artifact }));
  return testStep("sub", subWorkflow(child, { exports, ...rest }), step);
};
const twice: Partial<Step> = { loop: shellLoop("test -e second", { maxIterations: 3 }) };

describe("`exports_mode`", () => {
  it.each<["merge" | "replace", readonly string[]]>([
    ["merge", ["first", "second"]],
    ["replace", ["second"]],
  ])("`%s` leaves %j of two iterations", async (exportsMode, left) => {
    expect((await rig.run(testWorkflow([sub({ exportsMode }, twice)]))).outcome).toBe("SUCCEEDED");
    expect(
      readdirSync(at("context/sub"))
        .filter((name) => !name.startsWith("_"))
        .sort(),
    ).toEqual(left);
  });
});

describe("the steps of a sub-workflow", () => {
  const told = () =>
    new Set(rig.events.flatMap((event) => (event.type === "step_changed" ? [event.step.id] : [])));

  it("are not told of where nobody asks for it", async () => {
    await rig.run(testWorkflow([sub({})]));
    expect(told()).toEqual(new Set(["sub"]));
  });

  it.each([
    [null, "sub/make"],
    ["inner", "inner/make"],
  ])("are told of with the prefix %s as %s", async (eventPrefix, id) => {
    await rig.run(testWorkflow([sub({ bubbleEvents: true, eventPrefix })]));
    expect(told()).toEqual(new Set(["sub", id]));
  });

  it.each([false, true])(
    "are told of below their step where the caller wants them, whatever the file says: %j",
    async (bubbleEvents) => {
      const step = sub({ bubbleEvents, eventPrefix: "inner" });
      await rig.run(testWorkflow([step]), { tellsChildren: true });
      expect(told()).toEqual(new Set(["sub", "sub/make"]));
    },
  );
});

it("each iteration of a sub-workflow has a context directory of its own", async () => {
  await rig.run(testWorkflow([sub({}, twice)]));
  for (const run of ["_run-1", "_run-2"]) {
    const record = JSON.parse(readFileSync(at("context/sub", run, "_workflow.json"), "utf8")) as object;
    expect(record).toMatchObject({ name: "child", state: "SUCCEEDED" });
  }
  expect(existsSync(at("context/sub/_run-3"))).toBe(false);
});

it("the time limit of a sub-workflow is its own, and its end is its step's failure", async () => {
  const slow = testWorkflow([shellStep("long", "sleep 60")], { timeoutMs: 50, hash: "slow" });
  const result = await rig.run(testWorkflow([sub({ workflow: slow, exports: [] })]));
  expect(result).toMatchObject({ outcome: "FAILED", steps: [{ status: "FAILED", errorClass: "timeout" }] });
});
