import { afterEach, beforeEach, expect, it } from "vitest";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, testWorkflow } from "../testing/test-workflow.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
});
afterEach(() => rig.close());

/** The content of each commit to the journal. */
function recorded() {
  const commits: unknown[][] = [];
  const journal: RunRig["journal"] = {
    ...rig.journal,
    append(stream, append) {
      commits.push(append.entries.map(nameOf));
      return rig.journal.append(stream, append);
    },
  };
  return { commits, journal };
}

function nameOf(entry: unknown): string {
  const { type, event } = entry as {
    type: string;
    event?: { type: string; step?: string; event?: { type: string } };
  };
  if (event === undefined) return type;
  return event.event === undefined ? event.type : `${event.step} ${event.event.type}`;
}

it("journals the end of a step together with the start of what waited for it, and with the end of the run", async () => {
  const { commits, journal } = recorded();
  const workflow = testWorkflow([
    shellStep("a", "true"),
    shellStep("b", "true", { dependsOn: ["a"] }),
    shellStep("c", "true", { dependsOn: ["b"], condition: "steps.a.status == 'FAILED'" }),
    shellStep("d", "true", { dependsOn: ["c"], condition: "steps.a.status == 'FAILED'" }),
  ]);
  expect((await rig.run(workflow, { journal })).outcome).toBe("SUCCEEDED");
  expect(commits).toEqual([
    ["created"],
    ["a work_started"],
    ["a work_ended", "b work_started"],
    ["b work_ended", "c skipped", "d skipped", "run_ended"],
  ]);
});
