import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, testWorkflow, testStep, shellWork } from "../testing/test-workflow.ts";
import type { Step } from "../definition.ts";

let rig: RunRig;
beforeAll(async () => {
  rig = await createRunRig();
});
afterAll(() => rig.close());

const statusOf = (steps: readonly { id: string; status: string }[]) =>
  Object.fromEntries(steps.map(({ id, status }) => [id, status]));

/** `fails` fails; `next` waits for it; `last` waits for `next`, under the condition. */
const behindFailure = (condition: string, rest: Partial<Step> = {}) =>
  testWorkflow([
    shellStep("fails", "exit 3", rest),
    shellStep("next", "true", { dependsOn: ["fails"] }),
    shellStep("last", "true", { dependsOn: ["next"], condition }),
  ]);

describe("a condition", () => {
  it.each([
    ["failure()", "SUCCEEDED"],
    ["always()", "SUCCEEDED"],
    ["cancelled()", "SKIPPED"],
    ["!failure()", "SKIPPED"],
    ["success() || failure()", "SUCCEEDED"],
    ["success()", "SKIPPED"],
    ["steps.next.status == 'SKIPPED'", "SKIPPED"],
  ])("`%s` of a step behind a failure, which stops the run: %s", async (condition, last) => {
    const { outcome, steps, reason } = await rig.run(behindFailure(condition));
    expect({ outcome, ...statusOf(steps) }).toEqual({
      outcome: "FAILED",
      fails: "FAILED",
      next: "SKIPPED",
      last,
    });
    expect(reason).toMatch(/^step "fails" failed/);
  });

  it.each([
    ["success()", "SUCCEEDED"],
    ["failure()", "SKIPPED"],
    ["cancelled()", "SKIPPED"],
    ["always()", "SUCCEEDED"],
  ])("`%s` of a step behind others that all passed: %s", async (condition, last) => {
    const first = shellStep("first", "true");
    const { outcome, steps } = await rig.run(
      testWorkflow([first, shellStep("last", "true", { dependsOn: ["first"], condition })]),
    );
    expect({ outcome, ...statusOf(steps) }).toEqual({ outcome: "SUCCEEDED", first: "SUCCEEDED", last });
  });

  it("`failure()` sees a failure that the run tolerates, and `success()` does not mind it", async () => {
    const { outcome, steps } = await rig.run(
      testWorkflow([
        shellStep("fails", "exit 3", { onFailure: "continue" }),
        shellStep("repair", "true", { dependsOn: ["fails"], condition: "failure()" }),
        shellStep("on", "true", { dependsOn: ["fails"], condition: "success()" }),
      ]),
    );
    expect({ outcome, ...statusOf(steps) }).toEqual({
      outcome: "SUCCEEDED",
      fails: "FAILED",
      repair: "SUCCEEDED",
      on: "SUCCEEDED",
    });
  });

  it("with `always()` keeps its step from being stopped by the failure of another, and it is retried", async () => {
    const { outcome, steps } = await rig.run(
      testWorkflow([
        shellStep("first", "true"),
        shellStep("fails", "until test -e busy.begun; do sleep 0.02; done; exit 3"),
        shellStep("stopped", "sleep 60"),
        shellStep("busy", "touch busy.begun; test -e again || { sleep 0.3; touch again; exit 1; }", {
          dependsOn: ["first"],
          condition: "always()",
          maxRetries: 1,
          onFailure: "retry",
        }),
      ]),
    );
    expect({ outcome, ...statusOf(steps) }).toEqual({
      outcome: "FAILED",
      first: "SUCCEEDED",
      fails: "FAILED",
      stopped: "CANCELLED",
      busy: "SUCCEEDED",
    });
    expect(steps.find(({ id }) => id === "busy")?.attempts).toBe(2);
  });

  it("with `cancelled()` is met behind a step that a failure elsewhere stopped", async () => {
    const { steps } = await rig.run(
      testWorkflow([
        shellStep("fails", "until test -e sleeps.begun; do sleep 0.02; done; exit 3"),
        shellStep("sleeps", "touch sleeps.begun; sleep 60"),
        shellStep("release", "true", { dependsOn: ["sleeps"], condition: "cancelled()" }),
      ]),
    );
    expect(statusOf(steps)).toEqual({ fails: "FAILED", sleeps: "CANCELLED", release: "SUCCEEDED" });
  });

  it("of no step outside `finally` is met after a cancel", async () => {
    const workflow = testWorkflow([
      shellStep("works", "touch works.begun; sleep 60"),
      shellStep("after", "true", { dependsOn: ["works"], condition: "always()" }),
    ]);
    const handle = await rig.start(workflow);
    handle.cancel();
    const { outcome, steps } = await handle.result();
    expect({ outcome, after: statusOf(steps)["after"] }).toEqual({ outcome: "CANCELLED", after: "SKIPPED" });
  });

  it("that says which function was not met is the reason of the skip", async () => {
    const { steps } = await rig.run(behindFailure("failure() && inputs.x"));
    expect(steps.at(-1)?.reason).toBe(
      "condition not met: failure() && inputs.x (failure() is true, inputs.x is empty)",
    );
  });

  it("lets no step begin that the budget cannot pay after the run has stopped for it", async () => {
    const agent = (id: string, rest: Partial<Step>) =>
      testStep(id, { kind: "worker", work: shellWork("echo spent=1", { worker: "agent" }) }, rest);
    const { outcome, code, steps } = await rig.run(
      testWorkflow(
        [
          agent("spends", { onFailure: "continue" }),
          agent("report", { dependsOn: ["spends"], condition: "always()" }),
          shellStep("clean", "true", { dependsOn: ["spends"], condition: "always()" }),
        ],
        { budget: { costUsd: 1, tokens: null } },
      ),
    );
    expect({ outcome, code, ...statusOf(steps) }).toEqual({
      outcome: "FAILED",
      code: "AC_COST_CEILING",
      spends: "FAILED",
      report: "SKIPPED",
      clean: "SUCCEEDED",
    });
  });
});
