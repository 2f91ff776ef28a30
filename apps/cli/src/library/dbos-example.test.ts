/** The example of a workflow of DBOS, as a package of its own, with a real daemon and a real PostgreSQL. */
import { until } from "@agentcore/contract/testing";
import { testDatabase, type TestDatabase } from "@agentcore/store-postgres/testing";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  jsonLinesOf,
  makeScratch,
  startAgentcore,
  type Scratch,
  type Started,
} from "../testing/agentcore-process.ts";
import {
  linesIn,
  startDaemon,
  writeDaemonFile,
  writeFlow,
  type StartedDaemon,
} from "../testing/daemon-process.ts";

const here = fileURLToPath(new URL("../..", import.meta.url));
const example = fileURLToPath(new URL("../../../../examples/dbos", import.meta.url));

let folder: string;
let scratch: Scratch;
let database: TestDatabase;
let daemon: StartedDaemon;
beforeEach(async () => {
  scratch = makeScratch();
  // Below this package, so that its imports are found by name; without the manifest, for which it would be another package.
  folder = mkdtempSync(join(here, ".dbos-example-"));
  for (const file of ["main.ts", "core.ts", "workflow.ts"]) cpSync(join(example, file), join(folder, file));
  // Only its queue is used here.
  writeFlow(scratch, "true");
  const source = "events: { orders: { type: queue, topic: orders } }\n";
  writeDaemonFile(scratch, `${source}triggers: { order: { on: orders, workflow: flow.yaml } }\n`);
  database = await testDatabase();
  daemon = await startDaemon(scratch);
});
afterEach(async () => {
  await scratch.remove();
  await database.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Notes its start and its end; between them, it waits for the file `go`. */
const script = "echo start >> log; while [ ! -e go ]; do sleep 0.05; done; echo end >> log";

/** Tells DBOS, and not AgentCore. */
const cancelWorkflow = `
  import { DBOSClient } from "@dbos-inc/dbos-sdk";
  const client = await DBOSClient.create({ systemDatabaseUrl: process.env.DBOS_SYSTEM_DATABASE_URL });
  await client.cancelWorkflow("order-7");
  await client.destroy();
`;

const start = (program: string, args: readonly string[]) =>
  startAgentcore(scratch, args, {
    program: [process.execPath, "--conditions=@agentcore/source", join(folder, program)],
    env: { DBOS_SYSTEM_DATABASE_URL: database.url, AGENTCORE_URL: `unix://${daemon.socket}` },
  });

function startWorkflow(): Started {
  const { workspace } = scratch;
  const task = { worker: "shell", workspace, instructions: script, capabilities: ["run_commands"] };
  return start("main.ts", ["run", "order-7", JSON.stringify(task)]);
}

async function runningWorkflow(): Promise<Started> {
  const program = startWorkflow();
  const early = program.finished.then(({ stderr }) => Promise.reject(new Error(stderr)));
  await Promise.race([until(() => linesIn(scratch, "log").length === 1), early]);
  return program;
}

it("a workflow whose process is killed in the middle of the job gets its result, and the job runs once", async () => {
  const first = await runningWorkflow();
  first.child.kill("SIGKILL");
  expect(await first.finished).toMatchObject({ signal: "SIGKILL" });

  const second = startWorkflow();
  await second.saw("started");
  writeFileSync(join(scratch.workspace, "go"), "");
  const { code, stdout, stderr } = await second.finished;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(jsonLinesOf(stdout, "log")).toEqual([
    { summary: expect.any(String), jobId: "activity:order-7/implement", attempts: 1 },
  ]);
  expect(linesIn(scratch, "log")).toEqual(["start", "end"]);
});

it.each([
  ["its worker, by the step that runs", "cancel-workflow.mjs", []],
  ["its worker, by the command of the example", "main.ts", ["cancel", "order-7"]],
])("a cancel of the workflow stops %s", async (_what, command, args) => {
  writeFileSync(join(folder, "cancel-workflow.mjs"), cancelWorkflow);
  const program = await runningWorkflow();
  expect(await start(command, args).finished).toMatchObject({ code: 0 });
  const { code, stdout } = await program.finished;
  expect({ code, stdout }).toMatchObject({ code: 1, stdout: expect.stringContaining("cancelled") });
  expect(linesIn(scratch, "log")).toEqual(["start"]);
  await daemon.kill("SIGTERM");
  expect(findSurvivors([scratch.root])).toEqual([]);
});
