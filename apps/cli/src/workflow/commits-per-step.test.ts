/** How often a workflow waits for the disk: commits to a real database, for each step of a chain. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, systemClock, systemIds } from "@agentcore/contract";
import { createScheduler } from "@agentcore/scheduler";
import { createFakeRuntime, testResult } from "@agentcore/scheduler/testing";
import { createSqliteJobStore, createSqliteJournal, openStateDatabase } from "@agentcore/store-sqlite";
import { parseWorkflow, runWorkflow, workflowConcurrencyKey } from "@agentcore/workflow";
import { expect, it, onTestFinished } from "vitest";

const steps = 50;
const chain = `name: chain
version: "1"
timeout: 10m
steps:
${Array.from({ length: steps }, (_, index) =>
  [
    `  s${index}:`,
    "    worker: shell",
    "    capabilities: [read]",
    '    instructions: "true"',
    ...(index === 0 ? [] : [`    depends_on: [s${index - 1}]`]),
  ].join("\n"),
).join("\n")}
`;

it("a step of a chain takes two commits: the end of its job, and the journal with the job of the next", async () => {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-commits-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const database = await openStateDatabase({ directory });
  const store = createSqliteJobStore(database);
  const runtime = createFakeRuntime({ clock: systemClock, execute: async () => testResult() });
  const policy = { concurrencyKey: workflowConcurrencyKey };
  const scheduler = await createScheduler({ store, runtime, proveGone: async () => true, policy });
  const readFile = async (path: string) => (path.endsWith("chain.yaml") ? chain : null);
  const parsed = await parseWorkflow({ file: "/chain.yaml", readFile });
  if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
  let commits = 0;
  database.onCommit(() => (commits += 1));
  const granted: string[] = [];
  const run = await runWorkflow({
    workflow: parsed.workflow,
    workspace: directory,
    scheduler,
    journal: createSqliteJournal(database),
    clock: systemClock,
    ids: systemIds,
    log: silentLog,
    git: async () => ({ exitCode: 128, stdout: "", stderr: "fatal: not a git repository" }),
    onEvent: (event) => {
      if (event.type === "job_event" && event.event.type === "permit_granted") granted.push(event.step);
    },
  });
  expect((await run.result()).outcome).toBe("SUCCEEDED");
  // Beside the steps, the run has its first and its last entry, and the scheduler its heartbeats.
  expect(commits / steps).toBeLessThan(2.2);
  expect(granted).toEqual(Array.from({ length: steps }, (_, index) => `s${index}`));
  await scheduler.close();
  await store.close();
});
