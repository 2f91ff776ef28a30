import { describe, expect, it } from "vitest";
import type { StepStatus } from "./plan-step.ts";
import { shellStep, testWorkflow } from "../testing/test-workflow.ts";
import { fillIn } from "../expression.ts";
import { stepInstances } from "./step-instance.ts";

describe("the instances of steps", () => {
  it("are one for each combination of a matrix, and dependants wait for all of them", () => {
    const build = shellStep("build", "make ${{ matrix.os }} ${{ matrix.node }} ${{ inputs.flag }}", {
      matrix: new Map([
        ["os", ["linux", "mac/arm"]],
        ["node", ["20", "22"]],
      ]),
    });
    const instances = stepInstances(
      testWorkflow([build, shellStep("report", "true", { dependsOn: ["build"] })]),
      { flag: true },
    );
    expect(instances.map(({ id }) => id)).toEqual([
      "build[os=linux,node=20]",
      "build[os=linux,node=22]",
      "build[os=mac_arm,node=20]",
      "build[os=mac_arm,node=22]",
      "report",
    ]);
    expect(instances[4]?.plan.dependsOn).toEqual(instances.slice(0, 4).map(({ id }) => id));
    const lookUp = instances[2]?.lookup({
      status: () => undefined,
      artifact: () => null,
      value: () => null,
      expanded: () => null,
    });
    const text = "make ${{ matrix.os }} ${{ matrix.node }} ${{ inputs.flag }}";
    expect(fillIn(text, lookUp!)).toBe("make mac/arm 20 true");
  });

  it.each<[string, readonly StepStatus[], boolean]>([
    ["steps.build.status == 'SUCCEEDED'", ["SUCCEEDED", "SUCCEEDED"], true],
    ["steps.build.status == 'SUCCEEDED'", ["SUCCEEDED", "FAILED"], false],
    ["steps.build.status == 'FAILED'", ["SUCCEEDED", "FAILED"], true],
    ["inputs.deploy && steps.build.status != 'FAILED'", ["SUCCEEDED", "SKIPPED"], true],
    ["steps.build.outputs.report", ["SUCCEEDED", "SUCCEEDED"], true],
    ["steps.build.outputs.other", ["SUCCEEDED", "SUCCEEDED"], false],
  ])("run under `%s` with %j: %s", (condition, statuses, expected) => {
    const build = shellStep("build", "true", { matrix: new Map([["n", ["1", "2"]]]) });
    const deploy = shellStep("deploy", "true", { dependsOn: ["build"], condition });
    const instances = stepInstances(testWorkflow([build, deploy]), { deploy: true });
    const status = (id: string) => (id === "build[n=1]" ? statuses[0] : statuses[1]);
    const artifact = (id: string, name: string) =>
      id === "build[n=2]" && name === "report" ? "build[n=2]/report" : null;
    const view = { status, artifact, value: () => null, expanded: () => null, call: () => false };
    expect(instances.at(-1)?.plan.condition?.(view)).toBe(expected);
  });
});
