/** What the lines of a daemon's log, and of its runtime, say that they are about. */
import { createClient } from "@agentcore/client";
import { until } from "@agentcore/contract/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { jsonLinesOf, makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { startDaemon, writeDaemonFile, writeFlow, type StartedDaemon } from "../testing/daemon-process.ts";

const file = `events:
  orders: { type: queue, topic: orders }
triggers:
  on-order: { on: orders, workflow: flow.yaml }
`;
const trace = "0af7651916cd43dd8448eb211c80319c";

let scratch: Scratch;
let daemon: StartedDaemon;
let stderr = "";
beforeAll(async () => {
  scratch = makeScratch();
  writeFlow(scratch, "true");
  writeDaemonFile(scratch, file);
  daemon = await startDaemon(scratch, ["--log-level", "debug"]);
  daemon.child.stderr?.on("data", (text: string) => (stderr += text));
});
afterAll(() => scratch.remove());

const lines = () => jsonLinesOf(stderr, "log");

it("each line about a job has its id and attempt, and the workflow run and trace that it belongs to", async () => {
  const client = createClient({ url: `unix://${daemon.socket}` });
  await client.emitEvent("orders", { payload: {} });
  const { id: traced } = await client.submitJob({
    task: {
      worker: "shell",
      workspace: scratch.workspace,
      instructions: "true",
      capabilities: ["run_commands"],
    },
    context: { traceparent: `00-${trace}-b7ad6b7169203331-01` },
  });
  await client.waitForJob(traced);
  await until(async () => (await client.listWorkflowRuns()).items[0]?.state === "SUCCEEDED");
  const [run] = (await client.listWorkflowRuns()).items;
  const [piece] = (await client.listWorkflowJobs(run!.id)).items;
  const about = (job: string) => lines().filter((line) => JSON.stringify(line).includes(job));
  await until(() => about(piece!.id).length > 0 && about(traced).length > 0);
  for (const line of about(piece!.id))
    expect(line).toMatchObject({ job: piece!.id, attempt: 1, run: run!.id });
  for (const line of about(traced)) expect(line).toMatchObject({ job: traced, attempt: 1, trace });
  for (const line of lines()) {
    expect(line).not.toHaveProperty("jobId");
    if ("permitId" in line) expect(line).toMatchObject({ job: expect.any(String), attempt: 1 });
  }
});
