import { processOwner } from "@agentcore/core";
import { createSqliteJournal, openStateDatabase } from "@agentcore/store-sqlite";
import { findSurvivors } from "@agentcore/worker-kit/testing";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createAgentCore, type AgentCore } from "../index.ts";
import { agentcore, makeScratch, type Scratch } from "../testing/agentcore-process.ts";

let scratch: Scratch;
let core: AgentCore;
beforeEach(async () => {
  scratch = makeScratch();
  core = await open();
});
afterEach(async () => {
  await core.close();
  await scratch.remove();
});

const env = { PATH: process.env["PATH"], TOKEN: "t0ken-of-today" };
const open = () => createAgentCore({ stateDir: scratch.stateDir, env });

function fileOf(steps: string): string {
  const file = join(scratch.root, "flow.yaml");
  writeFileSync(
    file,
    `name: flow\nversion: "1"\ntimeout: 1m\ninputs: { who: { default: nobody } }\nsteps:\n${steps}`,
  );
  return file;
}
const step = (script: string, more = "") =>
  `{ worker: shell, instructions: ${JSON.stringify(script)}, capabilities: [RUN_COMMANDS]${more} }\n`;

it("runs a file, tells its events in order, and lists and shows the run as the command line does", async () => {
  const file = fileOf(
    `  a: ${step("echo $WHO > who", ", env: { WHO: '${{ inputs.who }}' }")}  b: ${step("cat who", ", depends_on: [a]")}`,
  );
  const run = await core.workflows.run(file, { workspace: scratch.workspace, inputs: { who: "me" } });
  const seen: string[] = [];
  for await (const event of run.events()) {
    if (event.type !== "job_event") seen.push(event.type === "step_changed" ? event.step.status : event.type);
  }
  expect(seen[0]).toBe("run_started");
  expect(seen.at(-1)).toBe("run_ended");
  expect(seen.filter((each) => each === "SUCCEEDED")).toHaveLength(2);
  expect(await run.result()).toMatchObject({ outcome: "SUCCEEDED" });
  expect(await core.workflows.list()).toMatchObject([
    { id: run.id, name: "flow", state: "SUCCEEDED", steps: 2, stepsEnded: 2 },
  ]);
  expect(await core.workflows.show(run.id)).toMatchObject({
    inputs: { who: "me" },
    steps: [{ id: "a", status: "SUCCEEDED" }, { id: "b" }],
  });
  const { stdout } = await agentcore(scratch, ["workflow", "show", run.id, "--state-dir", scratch.stateDir]);
  expect(stdout).toContain("SUCCEEDED");
});

it("starts nothing after close(), and refuses ids that are none in words", async () => {
  const file = fileOf(`  a: ${step("touch late")}`);
  const none = undefined as unknown as string;
  for (const wrong of [core.workflows.show(none), core.workflows.cancel(none), core.scheduler.why(none)])
    await expect(wrong).rejects.toMatchObject({
      code: "AC_OPTION_INVALID",
      message: expect.stringContaining("is a text, not undefined") as string,
    });
  await core.close();
  await expect(core.workflows.run(file, { workspace: scratch.workspace })).rejects.toMatchObject({
    code: "AC_DRAINING",
  });
  expect(existsSync(join(scratch.workspace, "late"))).toBe(false);
});

it("resumes a run that this process gave up without being able to note that, and no run that it works on", async () => {
  const file = fileOf(`  a: ${step("until test -e go; do sleep 0.05; done")}`);
  const first = await core.workflows.run(file, { workspace: scratch.workspace });
  await expect(core.workflows.resume(first.id)).rejects.toMatchObject({ code: "AC_WORKFLOW_TAKEN" });
  first.interrupt();
  await first.result().catch(() => {});
  const database = await openStateDatabase({ directory: scratch.stateDir });
  const [journal, stream] = [createSqliteJournal(database), `workflow:${first.id}`];
  const { header = {}, entries = [] } = (await journal.read(stream)) ?? {};
  const owner = { host: hostname(), ...processOwner() };
  const written = { after: entries.length, entries: [], header: { ...header, owner } };
  expect(await journal.append(stream, written)).toBe("appended");
  await database.close();
  const again = await core.workflows.resume(first.id);
  writeFileSync(join(scratch.workspace, "go"), "");
  expect(await again.result()).toMatchObject({ outcome: "SUCCEEDED" });
});

it("passes secrets of the program's environment on to steps, masked in what it tells", async () => {
  const file = fileOf(`  a: ${step('echo "it is $TOKEN"', ", secrets: [TOKEN]")}`);
  const run = await core.workflows.run(file, { workspace: scratch.workspace });
  const seen: string[] = [];
  for await (const event of run.events()) seen.push(JSON.stringify(event));
  expect(await run.result()).toMatchObject({ outcome: "SUCCEEDED" });
  expect(seen.join("\n")).toContain("it is ***");
  expect(seen.join("\n")).not.toContain(env.TOKEN);
});

it("a run has the id and the variables of its caller, and keeps the variables when it is retried", async () => {
  const inner = join(scratch.root, "inner.yaml");
  const script = 'echo "$COLOR $SIZE" >> seen; test -e ready';
  writeFileSync(
    inner,
    `name: inner\nversion: "1"\ntimeout: 1m\nsteps:\n  c: ${step(script, ", env: { SIZE: own }")}`,
  );
  const file = fileOf(`  b: { workflow: inner.yaml }\n`);
  const { workspace } = scratch;
  const run = await core.workflows.run(file, {
    workspace,
    id: "mine",
    env: { COLOR: "${{ red }}", SIZE: "run" },
  });
  expect(run.id).toBe("mine");
  expect(await run.result()).toMatchObject({ outcome: "FAILED" });
  writeFileSync(join(workspace, "ready"), "");
  expect(await (await core.workflows.retry("mine")).result()).toMatchObject({ outcome: "SUCCEEDED" });
  expect(readFileSync(join(workspace, "seen"), "utf8")).toBe("${{ red }} own\n".repeat(2));
});

it("a failed run is no error, and its failed steps are retried", async () => {
  const file = fileOf(`  a: ${step("test -e ready")}`);
  const failed = await core.workflows.run(file, { workspace: scratch.workspace });
  expect(await failed.result()).toMatchObject({ outcome: "FAILED" });
  await expect(core.workflows.cancel(failed.id)).rejects.toMatchObject({ code: "AC_WORKFLOW_ENDED" });
  writeFileSync(join(scratch.workspace, "ready"), "");
  const again = await core.workflows.retry(failed.id);
  expect(again.id).toBe(failed.id);
  expect(await again.result()).toMatchObject({ outcome: "SUCCEEDED" });
});

it("a run that close() interrupts is resumed by the next process, and cancelled from anywhere", async () => {
  const file = fileOf(`  a: ${step("touch begun; while test ! -e go; do sleep 0.05; done; touch finished")}`);
  const started = Promise.withResolvers<void>();
  const run = await core.workflows.run(file, {
    workspace: scratch.workspace,
    onEvent: (event) => {
      if (event.type === "job_event" && event.event.type === "attempt_started") started.resolve();
    },
  });
  await started.promise;
  await core.close();
  expect(await run.result()).toMatchObject({ outcome: "INTERRUPTED" });
  expect(findSurvivors([scratch.workspace])).toEqual([]);
  core = await open();
  expect(await core.workflows.show(run.id)).toMatchObject({ state: "INTERRUPTED" });
  writeFileSync(join(scratch.workspace, "go"), "");
  const resumed = await core.workflows.resume(run.id);
  expect(await resumed.result()).toMatchObject({ outcome: "SUCCEEDED" });
  expect(existsSync(join(scratch.workspace, "finished"))).toBe(true);

  const endless = await core.workflows.run(fileOf(`  a: ${step("sleep 300")}`), {
    workspace: scratch.workspace,
  });
  expect(await core.workflows.cancel(endless.id)).toBe("cancelled");
  expect(await endless.result()).toMatchObject({ outcome: "CANCELLED" });
  const aborted = await core.workflows.run(fileOf(`  a: ${step("sleep 300")}`), {
    workspace: scratch.workspace,
    signal: AbortSignal.abort(),
  });
  expect(await aborted.result()).toMatchObject({ outcome: "CANCELLED" });
});

it("refuses before anything starts: a missing workspace, a worker that does not exist, mistakes in the file", async () => {
  const { workflows } = core;
  const file = fileOf(`  a: ${step("true")}`);
  await expect(workflows.run(file, { workspace: join(scratch.root, "nope") })).rejects.toMatchObject({
    code: "AC_WORKSPACE_MISSING",
  });
  const other = fileOf("  a: { worker: nobody, instructions: hello, capabilities: [READ] }\n");
  await expect(workflows.run(other, { workspace: scratch.workspace })).rejects.toThrow(/no worker "nobody"/);
  await expect(workflows.resume("0123456789")).rejects.toMatchObject({ code: "AC_WORKFLOW_RUN_NOT_FOUND" });
  expect(await workflows.list()).toEqual([]);
});
