/** A state directory of the version before the daemon, opened by a daemon. */
import { createClient } from "@agentcore/client";
import { until } from "@agentcore/contract/testing";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeScratch, type Scratch } from "../testing/agentcore-process.ts";
import { linesIn, startDaemon, writeDaemonFile } from "../testing/daemon-process.ts";
import { earlierJobs, writeEarlierState } from "../testing/earlier-state.ts";

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

it("jobs that waited run, a workflow that was half done is resumed and ends, and what had ended stays", async () => {
  writeEarlierState(scratch);
  writeDaemonFile(
    scratch,
    "events:\n  topic: { type: queue, topic: t }\ntriggers:\n  on-topic: { on: topic, workflow: flow.yaml }\n",
  );
  const daemon = await startDaemon(scratch);
  const client = createClient({ url: `unix://${daemon.socket}` });
  for (const id of earlierJobs.waiting)
    expect(await client.waitForJob(id)).toMatchObject({ state: "succeeded" });
  expect(linesIn(scratch, "done").toSorted()).toEqual(["1", "2", "3"]);
  expect(await client.showJob(earlierJobs.failed)).toMatchObject({ state: "dead" });
  // The person who started it may still be there, so that a daemon does not resume it unasked.
  await client.resumeWorkflowRun(earlierJobs.run);
  await until(() => linesIn(scratch, "steps").filter((line) => line === "second-began").length === 2);
  writeFileSync(join(scratch.workspace, "go"), "");
  await until(async () => (await client.showWorkflowRun(earlierJobs.run)).state === "SUCCEEDED");
  expect(linesIn(scratch, "steps")).toEqual(["first", "second-began", "second-began", "second", "third"]);
  await daemon.kill("SIGTERM");
  expect((await daemon.finished).code).toBe(0);
});
