/** What the keys of a step do when it runs: real scripts in real directories. */
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Step } from "../definition.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, shellWork, testStep, testWorkflow } from "../testing/test-workflow.ts";
import type { RunResult } from "../run-ports.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
});
afterEach(() => rig.close());

const at = (...path: string[]): string => join(rig.workspace, ...path);
const text = (...path: string[]): string => readFileSync(at(...path), "utf8");
const output = (name: string, path: string) => ({ name, path, optional: false, type: null });
const labels = ({ steps }: RunResult) => Object.fromEntries(steps.map(({ id, status }) => [id, status]));
const tasks = async () => (await rig.store.list({})).jobs.map(({ job }) => job).reverse();

it("`worker`, `model` and `capabilities` are what the job asks for", async () => {
  const work = shellWork("true", { worker: "agent", model: "big", capabilities: ["read", "edit"] });
  await rig.run(testWorkflow([testStep("a", { kind: "worker", work })]));
  expect((await tasks())[0]?.task).toMatchObject({
    worker: "agent",
    model: "big",
    capabilities: ["read", "edit"],
  });
});

it("`instructions` run in the step's `workspace`, which is the run's where it names none", async () => {
  mkdirSync(at("app"));
  await rig.run(
    testWorkflow([shellStep("a", "pwd > here"), shellStep("b", "pwd > here", { workspace: "app" })]),
  );
  expect([text("here"), text("app/here")]).toEqual([`${rig.workspace}\n`, `${at("app")}\n`]);
});

it("`timeout` is each attempt's, and never more than the run has left", async () => {
  const failing = "exit 1";
  const rest: Partial<Step> = { onFailure: "continue", maxRetries: 1 };
  await rig.run(
    testWorkflow([
      shellStep("own", failing, { ...rest, timeoutMs: 2000 }),
      shellStep("run", failing, { ...rest, dependsOn: ["own"], timeoutMs: 600_000 }),
      shellStep("none", failing, { ...rest, dependsOn: ["run"] }),
    ]),
  );
  const limits = (await tasks()).map(({ limits: { timeoutMs } }) => timeoutMs);
  expect(limits.slice(0, 2)).toEqual([2000, 2000]);
  expect(limits.length).toBe(6);
  for (const timeoutMs of limits.slice(2)) {
    expect(timeoutMs).toBeGreaterThan(60_000);
    expect(timeoutMs).toBeLessThanOrEqual(120_000);
  }
});

it("`outputs` are collected only when the step succeeds, below the context directory that the file names", async () => {
  const outputs = [output("x", "x")];
  await rig.run(
    testWorkflow(
      [
        shellStep("good", "echo 1 > x", { outputs }),
        shellStep("bad", "echo 2 > x; exit 1", { outputs, onFailure: "continue", dependsOn: ["good"] }),
      ],
      { contextDir: "records/of/it" },
    ),
  );
  expect(text("records/of/it/good/x/x")).toBe("1\n");
  expect(readdirSync(at("records/of/it/bad")).sort()).toEqual(["_meta.json", "_outputs.json"]);
});

it("`inputs` copy what a step far above made", async () => {
  const result = await rig.run(
    testWorkflow([
      shellStep("a", "mkdir d; echo 1 > d/one", { outputs: [output("d", "d")] }),
      shellStep("b", "rm -r d", { dependsOn: ["a"] }),
      shellStep("c", "test $(cat taken/d/one) = 1", {
        dependsOn: ["b"],
        inputs: [{ from: "a", artifact: "d", as: "taken" }],
      }),
    ]),
  );
  expect(result.outcome).toBe("SUCCEEDED");
});

it("`on_failure: continue` lets dependants run after all retries, and the run succeeds", async () => {
  const result = await rig.run(
    testWorkflow([
      shellStep("a", "echo x >> tries; exit 1", { maxRetries: 2, onFailure: "continue" }),
      shellStep("b", "true", { dependsOn: ["a"] }),
    ]),
  );
  expect(result).toMatchObject({ outcome: "SUCCEEDED", steps: [{ status: "FAILED", attempts: 3 }, {}] });
  expect(labels(result)).toEqual({ a: "FAILED", b: "SUCCEEDED" });
});

it("`verify` must exit 0 for the step to count as succeeded", async () => {
  const result = await rig.run(
    testWorkflow([
      shellStep("good", "echo 1 > x", { verify: "test -s x" }),
      shellStep("bad", "true", { verify: "test -s gone", dependsOn: ["good"] }),
    ]),
  );
  expect(labels(result)).toEqual({ good: "SUCCEEDED", bad: "FAILED" });
  expect((await tasks()).map(({ task }) => task.verify)).toEqual(["test -s x", "test -s gone"]);
});

it("without `concurrency` all steps that may run do so at once", async () => {
  const ids = ["a", "b", "c", "d", "e", "f"];
  const meet = (id: string) =>
    `touch ${id}.here; until test $(ls *.here | wc -l) = ${ids.length}; do sleep 0.01; done`;
  expect((await rig.run(testWorkflow(ids.map((id) => shellStep(id, meet(id)))))).outcome).toBe("SUCCEEDED");
});

it("instances of a `matrix` share the `concurrency` of the run", async () => {
  const alone = "mkdir one; sleep 0.02; rmdir one";
  const step = shellStep("a", alone, { matrix: new Map([["n", ["1", "2", "3", "4"]]]) });
  const result = await rig.run(testWorkflow([step, shellStep("b", alone)], { concurrency: 1 }));
  expect(result.outcome).toBe("SUCCEEDED");
});

it("`if` over an input that is false skips the step and holds up nobody", async () => {
  const workflow = testWorkflow(
    [
      shellStep("deploy", "touch deployed", { condition: "inputs.deploy && inputs.where == 'here'" }),
      shellStep("after", "true", { dependsOn: ["deploy"] }),
    ],
    {
      inputs: new Map([
        ["deploy", { type: "boolean", default: false, required: false, description: null }],
        ["where", { type: "string", default: "here", required: false, description: null }],
      ]),
    },
  );
  expect(labels(await rig.run(workflow))).toEqual({ deploy: "SKIPPED", after: "SUCCEEDED" });
  expect(existsSync(at("deployed"))).toBe(false);
  expect(labels(await rig.run(workflow, { inputs: { deploy: "true" } }))).toEqual({
    deploy: "SUCCEEDED",
    after: "SUCCEEDED",
  });
});

it("steps find the run, themselves and the context directory in their environment, and their base in a repository", async () => {
  const say = "echo $AGENTCORE_WORKFLOW_ID $AGENTCORE_STEP_ID $AGENTCORE_CONTEXT_DIR $BASE_BRANCH $BASE_SHA";
  const commit = "git -c user.name=a -c user.email=a@b commit -qm x --allow-empty";
  const outside = await rig.run(testWorkflow([shellStep("say", `${say}; git init -qb work; ${commit}`)]));
  expect(outside.steps[0]?.reason).toBe(`${outside.run} say ${at("context")}`);
  const inside = await rig.run(testWorkflow([shellStep("say", say)]));
  expect(inside.steps[0]?.reason).toMatch(
    new RegExp(`^${inside.run} say ${at("context")} work [0-9a-f]{40}$`),
  );
});

it("a step's record says what became of it", async () => {
  await rig.run(
    testWorkflow([
      shellStep("a", "exit 3", { onFailure: "continue", maxRetries: 1 }),
      shellStep("b", "echo cost=0.25"),
    ]),
  );
  expect(JSON.parse(text("context/a/_meta.json"))).toMatchObject({
    status: "FAILED",
    attempts: 2,
    iterations: 1,
    error_class: "task_failed",
    started_at: expect.any(Number),
    ended_at: expect.any(Number),
    duration_ms: expect.any(Number),
  });
  expect(JSON.parse(text("context/b/_meta.json"))).toMatchObject({ status: "SUCCEEDED", cost_usd: 0.25 });
  expect(JSON.parse(text("context/_workflow.json"))).toMatchObject({
    definition_hash: "hash",
    state: "SUCCEEDED",
    cost_usd: 0.25,
    started_at: expect.any(Number),
    ended_at: expect.any(Number),
    steps: { a: "FAILED", b: "SUCCEEDED" },
  });
});
