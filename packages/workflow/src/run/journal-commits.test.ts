import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "@agentcore/contract/testing";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import type { RunPorts } from "../run-ports.ts";
import { shellStep, testWorkflow } from "../testing/test-workflow.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
});
afterEach(() => rig.close());

/** The content of each commit to the journal, and the steps whose jobs are submitted in it. */
function recorded() {
  const commits: unknown[][] = [];
  const { journal, scheduler } = rig;
  const ports: Pick<RunPorts, "journal" | "scheduler"> = {
    journal: {
      ...journal,
      append(stream, append) {
        commits.push(append.entries.map(nameOf));
        return journal.append(stream, append);
      },
    },
    scheduler: {
      submit: (job) => scheduler.submit(job),
      attach: (id) => scheduler.attach(id),
      appendAndSubmit(_, write, jobs) {
        const steps = jobs.map(({ context }) => `job of ${context?.labels?.["workflow.step"]}`);
        commits.push([...write.entries.map(nameOf), ...steps]);
        return scheduler.appendAndSubmit(journal, write, jobs);
      },
    },
  };
  return { commits, ports };
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
  const { commits, ports } = recorded();
  const workflow = testWorkflow([
    shellStep("a", "true"),
    shellStep("b", "true", { dependsOn: ["a"] }),
    shellStep("c", "true", { dependsOn: ["b"], condition: "steps.a.status == 'FAILED'" }),
    shellStep("d", "true", { dependsOn: ["c"], condition: "steps.a.status == 'FAILED'" }),
  ]);
  expect((await rig.run(workflow, ports)).outcome).toBe("SUCCEEDED");
  expect(commits).toEqual([
    ["created"],
    ["a work_started", "job of a"],
    ["a work_ended", "b work_started", "job of b"],
    ["b work_ended", "c skipped", "d skipped", "run_ended"],
  ]);
});

it("submits the job of a step that needs preparation after its start is journaled", async () => {
  const { commits, ports } = recorded();
  const outputs = [{ name: "out", path: "a.out", optional: false, type: null }];
  const workflow = testWorkflow([
    shellStep("a", "echo a > a.out", { outputs }),
    shellStep("b", "cat in/a.out", { dependsOn: ["a"], inputs: [{ from: "a", artifact: "out", as: "in" }] }),
  ]);
  expect((await rig.run(workflow, ports)).outcome).toBe("SUCCEEDED");
  expect(commits).toEqual([
    ["created"],
    ["a work_started"],
    ["a work_ended", "b work_started"],
    ["b work_ended", "run_ended"],
  ]);
});

it("journals the start of a step whose job is refused, and the step fails alone", async () => {
  const tooLarge = `: ${"x".repeat(2_000_000)}`;
  const workflow = testWorkflow([
    shellStep("good", "true"),
    shellStep("bad", tooLarge, { onFailure: "continue" }),
  ]);
  const { steps } = await rig.run(workflow);
  expect(steps.map(({ id, status, code }) => [id, status, code])).toEqual([
    ["good", "SUCCEEDED", null],
    ["bad", "FAILED", "AC_JOB_TOO_LARGE"],
  ]);
});

it("starts no job once another process has written to the run", async () => {
  const workflow = testWorkflow([
    shellStep("a", "until test -e go; do sleep 0.01; done"),
    shellStep("b", "touch ran", { dependsOn: ["a"] }),
  ]);
  const handle = await rig.start(workflow);
  await until(async () => (await rig.store.list({ states: ["running"] })).jobs.length === 1);
  const [{ stream, length } = { stream: "", length: 0 }] = await rig.journal.list({ prefix: "" });
  // As many entries as this process is about to write.
  const [foreign] = (await rig.journal.read(stream))!.entries.slice(-1);
  await rig.journal.append(stream, { after: length, entries: [foreign!, foreign!] });
  writeFileSync(join(rig.workspace, "go"), "");
  await expect(handle.result()).rejects.toMatchObject({ code: "AC_WORKFLOW_TAKEN" });
  expect((await rig.store.list({})).jobs.map(({ job }) => job.context.labels["workflow.step"])).toEqual([
    "a",
  ]);
  expect(existsSync(join(rig.workspace, "ran"))).toBe(false);
});
