// A program of a stranger: it imports only `agentcore`, as a user who installed only that can.
import { strict as assert } from "node:assert";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AgentCoreError,
  createAgentCore,
  run,
  type AgentCore,
  type JobEnd,
  type JobHandle,
  type JobSubmission,
  type RunEnd,
  type RunEvent,
  type WorkerAdapter,
  type WorkerName,
  type WorkflowEvent,
  type WorkflowResult,
  type WorkflowRunHandle,
} from "agentcore";

const scratch = mkdtempSync(join(tmpdir(), "agentcore-embed-"));
const stateDir = join(scratch, "state");
const worker: WorkerName = "shell";

async function oneTask(): Promise<void> {
  const seen: RunEvent["type"][] = [];
  const onEvent = ({ type }: RunEvent): void => void seen.push(type);
  const end: RunEnd = await run({
    worker,
    workspace: scratch,
    instructions: "echo hi > hi",
    stateDir,
    onEvent,
  });
  if (!end.ok) throw new Error(`${end.outcome}: ${end.summary}`);
  assert.equal(end.containment?.survivors, 0);
  assert.ok(existsSync(join(scratch, "hi")));
  assert.equal(seen.at(-1), "job_ended");
  const failed = await run({ worker, workspace: scratch, instructions: "exit 3", stateDir });
  assert.equal(failed.ok, false);
}

async function aQueue(core: AgentCore): Promise<void> {
  const job: JobSubmission = { task: { worker, workspace: scratch, instructions: "true" } };
  const handle: JobHandle = await core.submit(job);
  const end: JobEnd = await handle.result();
  assert.equal(end.state, "succeeded");
  const refusal: unknown = await core
    .submit({ task: { ...job.task, workspace: join(scratch, "nope") } })
    .catch((error: unknown) => error);
  assert.ok(refusal instanceof AgentCoreError);
  assert.equal(refusal.code, "AC_WORKSPACE_MISSING");
}

async function aWorkflow(core: AgentCore): Promise<void> {
  const file = join(scratch, "flow.yaml");
  const step = "{ worker: shell, instructions: 'echo done', capabilities: [RUN_COMMANDS] }";
  writeFileSync(file, `name: flow\nversion: "1"\ntimeout: 1m\nsteps:\n  only: ${step}\n`);
  const handle: WorkflowRunHandle = await core.workflows.run(file, { workspace: scratch });
  const types: WorkflowEvent["type"][] = [];
  for await (const { type } of handle.events()) types.push(type);
  const end: WorkflowResult = await handle.result();
  assert.equal(end.outcome, "SUCCEEDED");
  assert.equal(types.at(-1), "run_ended");
}

const adapters: readonly WorkerAdapter[] = [];
const core = await createAgentCore({ stateDir, adapters });
try {
  await oneTask();
  await aQueue(core);
  await aWorkflow(core);
} finally {
  await core.close();
  rmSync(scratch, { recursive: true, force: true });
}
console.log("all is well");
