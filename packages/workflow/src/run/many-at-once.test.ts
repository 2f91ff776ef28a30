import { afterEach, beforeEach, expect, it } from "vitest";
import type { WorkflowEvent } from "../run-ports.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, testWorkflow } from "../testing/test-workflow.ts";
import { stepsAtOnce } from "./workflow-run.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
});
afterEach(() => rig.close());

/** Counts the steps that are reported between two turns of the event loop. */
function countedPerTurn() {
  let [inTurn, most] = [0, 0];
  const next = (): void => {
    inTurn = 0;
    pending = setImmediate(next);
  };
  let pending = setImmediate(next);
  return {
    tell: ({ type }: WorkflowEvent): void => {
      if (type === "step_changed") most = Math.max(most, (inTurn += 1));
    },
    end: (): number => {
      clearImmediate(pending);
      return most;
    },
  };
}

it("a run whose many combinations are skipped at once leaves the event loop free", async () => {
  const count = 4 * stepsAtOnce;
  const workflow = testWorkflow([
    shellStep("first", "true"),
    shellStep("many", "true", {
      dependsOn: ["first"],
      matrix: new Map([["n", Array.from({ length: count }, (_, index) => `n${index}`)]]),
      condition: "steps.first.status == 'FAILED'",
    }),
    shellStep("last", "until test -e go; do sleep 0.01; done", { dependsOn: ["many"] }),
  ]);
  const commits: number[] = [];
  const { journal, scheduler } = rig;
  const began = countedPerTurn();
  const { promise: lastBegan, resolve } = Promise.withResolvers<void>();
  const handle = await rig.start(workflow, {
    scheduler: {
      submit: (job) => scheduler.submit(job),
      attach: (id) => scheduler.attach(id),
      appendAndSubmit: (_, write, jobs) => {
        commits.push(write.entries.length);
        return scheduler.appendAndSubmit(journal, write, jobs);
      },
    },
    journal: {
      ...journal,
      append: (stream, append) => {
        commits.push(append.entries.length);
        return journal.append(stream, append);
      },
    },
    onEvent: (event) => {
      began.tell(event);
      if (event.type === "step_changed" && event.step.id === "last" && event.step.status === "RUNNING")
        resolve();
    },
  });
  await lastBegan;
  handle.interrupt();
  const { steps } = await handle.result();
  expect(steps.filter(({ status }) => status === "SKIPPED")).toHaveLength(count);
  expect(began.end()).toBeLessThanOrEqual(stepsAtOnce);
  // With the end of the step that they waited for.
  expect(Math.max(...commits)).toBeLessThanOrEqual(stepsAtOnce + 1);
});
