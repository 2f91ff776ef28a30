import { AgentCoreError } from "@agentcore/contract";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "@agentcore/contract/testing";
import type { Step } from "../definition.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import {
  shellLoop,
  shellStep,
  shellWork,
  subWorkflow,
  testConvergence,
  testStep,
  testWorkflow,
} from "../testing/test-workflow.ts";
import type { RunPorts, RunResult } from "../run-ports.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
});
afterEach(() => rig.close());

const labels = ({ steps }: RunResult): Record<string, string> =>
  Object.fromEntries(steps.map(({ id, status }) => [id, status]));
const text = (...path: string[]): string => readFileSync(join(rig.workspace, ...path), "utf8");
const json = (...path: string[]) => JSON.parse(text(...path)) as Record<string, unknown>;
const output = (name: string, path: string, optional = false) => ({ name, path, optional, type: null });

describe("a run", () => {
  it("runs steps in their order, side by side where they may, and hands artifacts on", async () => {
    const result = await rig.run(
      testWorkflow([
        shellStep("build", "mkdir dist; echo 42 > dist/answer", { outputs: [output("code", "dist")] }),
        shellStep("left", "touch l; until test -e r; do sleep 0.01; done", { dependsOn: ["build"] }),
        shellStep("right", "touch r; until test -e l; do sleep 0.01; done", { dependsOn: ["build"] }),
        shellStep(
          "test",
          "test $(cat in/dist/answer) = 42; echo $AGENTCORE_STEP_ID in $AGENTCORE_CONTEXT_DIR",
          {
            dependsOn: ["left", "right"],
            inputs: [{ from: "build", artifact: "code", as: "in" }],
          },
        ),
      ]),
    );
    expect(result).toMatchObject({ outcome: "SUCCEEDED", reason: null });
    expect(result.steps.at(-1)?.reason).toBe(`test in ${join(rig.workspace, "context")}`);
    expect(text("context/build/code/dist/answer")).toBe("42\n");
    expect(json("context/_workflow.json")).toMatchObject({
      run: result.run,
      state: "SUCCEEDED",
      definition_hash: "hash",
    });
    expect(json("context/build/_meta.json")).toMatchObject({
      status: "SUCCEEDED",
      attempts: 1,
      iterations: 1,
      artifacts: ["code"],
    });
  });

  it("starts no more steps at once than its concurrency", async () => {
    const busy = "mkdir one; sleep 0.02; rmdir one";
    const steps = ["a", "b", "c", "d"].map((id) => shellStep(id, busy));
    expect((await rig.run(testWorkflow(steps, { concurrency: 1 }))).outcome).toBe("SUCCEEDED");
  });

  it("fails with its step: what runs is cancelled, what waits is skipped", async () => {
    const result = await rig.run(
      testWorkflow([
        shellStep("bad", "until test -e running; do sleep 0.01; done; echo no; exit 3"),
        shellStep("long", "touch running; sleep 60"),
        shellStep("after", "true", { dependsOn: ["bad"] }),
      ]),
    );
    expect(labels(result)).toEqual({ bad: "FAILED", long: "CANCELLED", after: "SKIPPED" });
    expect(result).toMatchObject({
      outcome: "FAILED",
      reason: 'step "bad" failed: exit code 3: no (AC_WORKER_EXIT)',
    });
  });

  it("goes on after a step that may fail, whose optional outputs are missing", async () => {
    const result = await rig.run(
      testWorkflow([
        shellStep("lint", "exit 1", { onFailure: "continue", outputs: [output("report", "report")] }),
        shellStep("build", "ls lint-report | wc -l", {
          dependsOn: ["lint"],
          inputs: [{ from: "lint", artifact: "report", as: "lint-report" }],
        }),
      ]),
    );
    expect(result.outcome).toBe("SUCCEEDED");
    expect(labels(result)).toEqual({ lint: "FAILED", build: "SUCCEEDED" });
  });

  it("tries a failed step again as often as it says", async () => {
    const flaky = (id: string, maxRetries: number) =>
      shellStep(id, `echo x >> ${id}; test $(wc -l < ${id}) = 3`, { maxRetries, onFailure: "retry" });
    const result = await rig.run(testWorkflow([flaky("enough", 2)]));
    expect(result.steps[0]).toMatchObject({ status: "SUCCEEDED", attempts: 3 });
    expect(labels(await rig.run(testWorkflow([flaky("short", 1)])))).toEqual({ short: "FAILED" });
  });

  it("begins an attempt again that was lost, without using up retries", async () => {
    const result = await rig.run(
      testWorkflow([shellStep("a", "echo x >> a; test $(wc -l < a) = 3 || echo lost")]),
    );
    expect(result.steps[0]).toMatchObject({ status: "SUCCEEDED", attempts: 3 });
  });

  it("fails a step whose output is missing", async () => {
    const result = await rig.run(testWorkflow([shellStep("a", "true", { outputs: [output("x", "gone")] })]));
    expect(result.reason).toBe('step "a" failed: did not leave its output x (gone) (AC_OUTPUT_MISSING)');
    const looped = shellStep("b", "true", { outputs: [output("x", "gone")], loop: shellLoop("true") });
    expect((await rig.run(testWorkflow([looped]))).reason).toContain("AC_OUTPUT_MISSING");
  });

  it("fails a step whose paths are in the way of others", async () => {
    const result = await rig.run(
      testWorkflow([
        shellStep("a", "touch x in", { outputs: [output("x", "x")] }),
        shellStep("b", "true", { dependsOn: ["a", "c"], inputs: [{ from: "a", artifact: "x", as: "in" }] }),
        shellStep("c", "mkfifo pipe", { outputs: [output("p", "pipe")], onFailure: "continue" }),
      ]),
    );
    expect(labels(result)).toEqual({ a: "SUCCEEDED", b: "FAILED", c: "FAILED" });
    expect(result.reason).toContain("EEXIST");
  });

  it("skips a step whose condition is false, and not those that wait for it", async () => {
    const result = await rig.run(
      testWorkflow([
        shellStep("a", "touch x", { outputs: [output("x", "x"), output("y", "y", true)] }),
        shellStep("no", "exit 1", { dependsOn: ["a"], condition: "steps.a.outputs.y" }),
        shellStep("yes", "true", {
          dependsOn: ["a"],
          condition: "steps.a.outputs.x && steps.a.status == 'SUCCEEDED'",
        }),
        shellStep("after", "true", { dependsOn: ["no", "yes"] }),
      ]),
    );
    expect(labels(result)).toEqual({ a: "SUCCEEDED", no: "SKIPPED", yes: "SUCCEEDED", after: "SUCCEEDED" });
    expect(result.steps[1]?.reason).toBe("condition not met: steps.a.outputs.y (steps.a.outputs.y is empty)");
  });

  it("runs one instance for each combination of a matrix", async () => {
    const result = await rig.run(
      testWorkflow(
        [
          shellStep("say", "echo ${{ matrix.word }}-${{ inputs.who }} > ${{ matrix.word }}.txt", {
            matrix: new Map([["word", ["hi", "ho"]]]),
            outputs: [output("said", "${{ matrix.word }}.txt")],
          }),
          shellStep("all", "cat said/*/* > all.txt", {
            dependsOn: ["say"],
            inputs: [{ from: "say", artifact: "said", as: "said" }],
          }),
        ],
        {
          inputs: new Map([["who", { type: "string", default: "you", required: false, description: null }]]),
        },
      ),
      { inputs: { who: "me" } },
    );
    expect(labels(result)).toEqual({
      "say[word=hi]": "SUCCEEDED",
      "say[word=ho]": "SUCCEEDED",
      all: "SUCCEEDED",
    });
    expect(text("all.txt")).toBe("hi-me\nho-me\n");
  });

  it("is timed out as a whole, and can be cancelled", async () => {
    const long = [
      shellStep("long", "touch started; sleep 60"),
      shellStep("after", "true", { dependsOn: ["long"] }),
    ];
    const late = await rig.run(testWorkflow(long, { timeoutMs: 50 }));
    expect(late).toMatchObject({ outcome: "TIMED_OUT", code: "AC_TIMEOUT" });
    expect(labels(late)).toEqual({ long: "CANCELLED", after: "SKIPPED" });
    const handle = await rig.start(testWorkflow(long));
    handle.cancel({ reason: "enough" });
    expect(await handle.result()).toMatchObject({ outcome: "CANCELLED", reason: "enough" });
  });

  it("is cancelled by force where a step does not end, for the first reason", async () => {
    const deaf = "trap '' TERM; touch deaf; while true; do sleep 0.02; done";
    const handle = await rig.start(testWorkflow([shellStep("deaf", deaf)]));
    await until(() => existsSync(join(rig.workspace, "deaf")));
    handle.cancel({ reason: "enough" });
    handle.cancel({ reason: "now", force: true });
    const ended = await handle.result();
    expect(ended).toMatchObject({ outcome: "CANCELLED", reason: "enough" });
    expect(labels(ended)).toEqual({ deaf: "CANCELLED" });
  });
});

describe("a step that loops", () => {
  it("works until its check says that it is complete, and only then are outputs collected", async () => {
    const step = shellStep("todo", "echo $AGENTCORE_ITERATION >> done.txt", {
      outputs: [output("done", "done.txt")],
      loop: shellLoop("test ! -e context/todo/done; test $(wc -l < done.txt) -ge 3"),
    });
    const result = await rig.run(testWorkflow([step]));
    expect(result.steps[0]).toMatchObject({ status: "SUCCEEDED", iterations: 3, attempts: 3 });
    expect(text("context/todo/done/done.txt")).toBe("1\n2\n3\n");
  });

  it.each<["abort" | "continue", string, string]>([
    ["abort", "FAILED", "FAILED"],
    ["continue", "INCOMPLETE", "SUCCEEDED"],
  ])("that is never complete ends by `%s` as %s", async (onExhausted, status, outcome) => {
    const step = shellStep("a", "true", { loop: shellLoop("exit 1", { maxIterations: 2, onExhausted }) });
    const result = await rig.run(testWorkflow([step, shellStep("b", "true", { dependsOn: ["a"] })]));
    expect(result).toMatchObject({ outcome, steps: [{ status, iterations: 2 }, {}] });
  });

  it("is decided by the file of a check that is no shell, and a stale file decides nothing", async () => {
    const decide =
      'echo "{\\"decision\\": \\"$(test $AGENTCORE_ITERATION = 2 && echo complete || echo incomplete)\\", \\"check_id\\": \\"$AGENTCORE_COMPLETION_CHECK_ID\\"}" > decision';
    const by = (script: string) =>
      shellLoop(script, { check: shellWork(script, { worker: "agent" }), decisionFile: "decision" });
    const good = await rig.run(testWorkflow([shellStep("a", "true", { loop: by(decide) })]));
    expect(good.steps[0]).toMatchObject({ status: "SUCCEEDED", iterations: 2 });
    writeFileSync(join(rig.workspace, "decision"), "COMPLETE");
    const stale = await rig.run(testWorkflow([shellStep("a", "true", { loop: by("true") })]));
    expect(stale.reason).toContain("the completion check did not decide: the check left no decision file");
    const forged = by('echo \'{"decision": "complete", "check_id": "other"}\' > decision');
    const other = await rig.run(testWorkflow([shellStep("a", "true", { loop: forged })]));
    expect(other.reason).toContain("the decision file is stale");
  });

  it("gets the texts of the stages it has reached, and gives up at the last with a diagnosis", async () => {
    const check = 'echo \'{"decision": "incomplete", "fingerprints": ["same"]}\' > why; exit 1';
    const step = shellStep("fix", "echo plain >> log", {
      loop: shellLoop(check, {
        decisionFile: "why",
        convergence: testConvergence({ stages: new Map([[1, "echo harder >> log"]]) }),
      }),
    });
    const result = await rig.run(testWorkflow([step]));
    expect(result.steps[0]).toMatchObject({ status: "FAILED", iterations: 2 });
    expect(text("log")).toBe("plain\nplain\nharder\n");
    expect(json("context/fix/_convergence/diagnosis.json")).toMatchObject({
      stage: 1,
      fingerprints: ["same"],
    });
  });

  it("fails an iteration that changes what it must not", async () => {
    const commit = "git -c user.name=a -c user.email=a@b commit -qm x --allow-empty";
    await rig.run(testWorkflow([shellStep("git", `git init -qb work; ${commit}`)]));
    const script = "mkdir -p src; touch src/a; rm -f outside; test $AGENTCORE_ITERATION = 2 || touch outside";
    const rules = testConvergence({ allowedPaths: ["src"], diffBaseRef: "HEAD", maxStage: 3 });
    const step = shellStep("edit", script, { loop: shellLoop("true", { convergence: rules }) });
    const result = await rig.run(testWorkflow([step]));
    expect(result.steps[0]).toMatchObject({ status: "SUCCEEDED", iterations: 2 });
  });
});

describe("a sub-workflow", () => {
  const child = testWorkflow(
    [shellStep("make", "echo $AGENTCORE_ITERATION >> made", { outputs: [output("made", "made")] })],
    { name: "child", file: "/test/child.yaml", hash: "child" },
  );
  const sub = (rest: Partial<Step> = {}, bubbleEvents = false): Step =>
    testStep(
      "sub",
      subWorkflow(child, { exports: [{ from: "make", artifact: "made", as: "result" }], bubbleEvents }),
      rest,
    );

  it("is a run of its own whose exports become artifacts of the step", async () => {
    const use = shellStep("use", "cat result/made", {
      dependsOn: ["sub"],
      inputs: [{ from: "sub", artifact: "result", as: "result" }],
    });
    const result = await rig.run(testWorkflow([sub({}, true), use]));
    expect(labels(result)).toEqual({ sub: "SUCCEEDED", use: "SUCCEEDED" });
    expect(result.steps[0]?.artifacts).toEqual(["result"]);
    expect(json("context/sub/_run-1/_workflow.json")).toMatchObject({ name: "child", state: "SUCCEEDED" });
    const told = rig.events.flatMap((event) => (event.type === "step_changed" ? [event.step.id] : []));
    expect(told).toContain("sub/make");
  });

  it("can loop, and fails with its child", async () => {
    const looped = await rig.run(testWorkflow([sub({ loop: shellLoop("test $(wc -l < made) = 2") })]));
    expect(looped.steps[0]).toMatchObject({ status: "SUCCEEDED", iterations: 2, artifacts: ["result"] });
    const failing = testWorkflow([shellStep("no", "exit 1")], { hash: "failing" });
    const { action, ...rest } = sub();
    if (action.kind !== "workflow") throw new TypeError("not a sub-workflow");
    const result = await rig.run(
      testWorkflow([{ ...rest, action: { ...action, workflow: failing, exports: [] } }]),
    );
    expect(result.reason).toContain('step "no" failed: exit code 1');
  });

  it("gets its inputs from its step, from the parent's inputs and its matrix, each in its own type", async () => {
    const declared = (type: "string" | "number", by: string | null = null) => ({
      type,
      default: by,
      required: false,
      description: null,
    });
    const say = testWorkflow(
      [shellStep("say", "echo ${{ inputs.word }}-${{ inputs.times }}-${{ inputs.rest }} >> said")],
      {
        hash: "say",
        inputs: new Map([
          ["word", declared("string")],
          ["times", declared("number")],
          ["rest", declared("string", "as-declared")],
        ]),
      },
    );
    const { action, ...rest } = sub({ matrix: new Map([["who", ["a", "b"]]]) });
    if (action.kind !== "workflow") throw new TypeError("not a sub-workflow");
    const given = new Map<string, string | number>([
      ["word", "${{ matrix.who }}/${{ inputs.n }}"],
      ["times", "${{ inputs.n }}"],
      ["rest", "${{ inputs.unset }}"],
    ]);
    const steps = [{ ...rest, action: { ...action, workflow: say, exports: [], with: given } }];
    const inputs = new Map([
      ["n", declared("number")],
      ["unset", declared("string")],
    ]);
    const result = await rig.run(testWorkflow(steps, { inputs, concurrency: 1 }), { inputs: { n: 7 } });
    expect(result.outcome).toBe("SUCCEEDED");
    expect(text("said")).toBe("a/7-7-as-declared\nb/7-7-as-declared\n");
  });

  it("that gets an input it cannot read fails its step", async () => {
    const child = testWorkflow([shellStep("one", "true")], {
      inputs: new Map([["n", { type: "number", default: null, required: true, description: null }]]),
    });
    const { action, ...rest } = sub();
    if (action.kind !== "workflow") throw new TypeError("not a sub-workflow");
    const run = (value: string) =>
      rig.run(
        testWorkflow(
          [{ ...rest, action: { ...action, workflow: child, exports: [], with: new Map([["n", value]]) } }],
          {
            inputs: new Map([["x", { type: "string", default: null, required: false, description: null }]]),
          },
        ),
      );
    expect((await run("seven ${{ inputs.x }}")).reason).toContain('input "n" is a number, not "seven "');
    expect((await run("${{ inputs.x }}")).reason).toContain(
      'input "n" is required; give it in with: { n: … }',
    );
  });

  it("expects the branch that its parent has gone to", async () => {
    const commit = "git -c user.name=a -c user.email=a@b commit -qm x --allow-empty";
    await rig.run(testWorkflow([shellStep("git", `git init -qb work; ${commit}`)]));
    const branch = { createBranch: true, transitionStep: "go", expectedWorkBranch: null };
    const steps = [shellStep("go", "git checkout -qb elsewhere"), sub({ dependsOn: ["go"] })];
    expect((await rig.run(testWorkflow(steps, { branch }))).outcome).toBe("SUCCEEDED");
  });

  it("is cancelled with its parent", async () => {
    const endless = testWorkflow([shellStep("long", "touch long-started; sleep 60")], { hash: "endless" });
    const { action, ...rest } = sub();
    if (action.kind !== "workflow") throw new TypeError("not a sub-workflow");
    const handle = await rig.start(
      testWorkflow([{ ...rest, action: { ...action, workflow: endless, exports: [] } }]),
    );
    await until(() => existsSync(join(rig.workspace, "long-started")));
    handle.cancel();
    expect(labels(await handle.result())).toEqual({ sub: "CANCELLED" });
  });
});

describe("a run that was interrupted", () => {
  it("goes on where it was: what had finished does not run again", async () => {
    const workflow = testWorkflow([
      shellStep("a", "echo a >> ledger"),
      shellStep("b", "echo b >> ledger; test -e go || sleep 60", { dependsOn: ["a"] }),
      shellStep("c", "echo c >> ledger", { dependsOn: ["b"] }),
    ]);
    const handle = await rig.start(workflow);
    await until(() => existsSync(join(rig.workspace, "ledger")) && text("ledger") === "a\nb\n");
    writeFileSync(join(rig.workspace, "go"), "");
    await rig.restart();
    await expect(handle.result()).rejects.toMatchObject({ code: "AC_DRAINING" });
    const result = await (await rig.resume(handle.id, workflow)).result();
    expect(result.outcome).toBe("SUCCEEDED");
    expect(result.steps.map(({ attempts }) => attempts)).toEqual([1, 2, 1]);
    expect(text("ledger")).toBe("a\nb\nb\nc\n");
    expect(await (await rig.resume(handle.id, workflow)).result()).toEqual(result);
  });

  it("prepares what was journaled and never begun", async () => {
    const workflow = testWorkflow([
      shellStep("a", "echo 42 > x", { outputs: [output("x", "x")] }),
      shellStep("b", "test $(cat in/x) = 42", {
        dependsOn: ["a"],
        inputs: [{ from: "a", artifact: "x", as: "in" }],
      }),
    ]);
    const { scheduler } = rig;
    const failing: RunPorts["scheduler"] = {
      attach: (id) => scheduler.attach(id),
      appendAndSubmit: (...args) => scheduler.appendAndSubmit(...args),
      submit: async (job) => {
        if (job.context?.labels?.["workflow.step"] === "a") return scheduler.submit(job);
        rmSync(join(rig.workspace, "in"), { recursive: true });
        throw new AgentCoreError("AC_STORE_UNAVAILABLE", "pulled out");
      },
    };
    const handle = await rig.start(workflow, { scheduler: failing });
    await expect(handle.result()).rejects.toMatchObject({ code: "AC_STORE_UNAVAILABLE" });
    expect((await (await rig.resume(handle.id, workflow)).result()).outcome).toBe("SUCCEEDED");
  });

  it("is refused with another definition, and where there is none", async () => {
    const handle = await rig.start(testWorkflow([shellStep("a", "true")]));
    await handle.result();
    const other = testWorkflow([shellStep("a", "false")], { hash: "other" });
    await expect(rig.resume(handle.id, other)).rejects.toMatchObject({ code: "AC_WORKFLOW_CHANGED" });
    await expect(rig.resume("nobody", other)).rejects.toMatchObject({ code: "AC_WORKFLOW_RUN_NOT_FOUND" });
  });
});

describe("branch safety", () => {
  const commit = "git -c user.name=a -c user.email=a@b commit -qm x --allow-empty";
  const edit = shellStep("edit", "echo $BASE_BRANCH $BASE_SHA", {
    action: { kind: "worker", work: shellWork("echo $BASE_BRANCH $BASE_SHA", { capabilities: ["edit"] }) },
  });

  it("refuses to edit on a protected branch, and says base and commit elsewhere", async () => {
    await rig.run(testWorkflow([shellStep("git", `git init -qb main; ${commit}`)]));
    await expect(rig.start(testWorkflow([edit]))).rejects.toMatchObject({ code: "AC_WORKFLOW_BRANCH" });
    const allowed = await rig.run(testWorkflow([edit]), { branch: { allowProtectedBranch: true } });
    expect(allowed.steps[0]?.reason).toMatch(/^main [0-9a-f]{40}$/);
  });

  it("fails the run where a step finds another branch than it left", async () => {
    mkdirSync(join(rig.workspace, "sub"));
    await rig.run(testWorkflow([shellStep("git", `git init -qb work; ${commit}`)]));
    const strays = [shellStep("stray", "git checkout -qb elsewhere"), { ...edit, dependsOn: ["stray"] }];
    const result = await rig.run(testWorkflow(strays));
    expect(result.reason).toContain("the branch is elsewhere, and work is expected");
    const transition = { createBranch: true, transitionStep: "stray", expectedWorkBranch: null };
    await rig.run(
      testWorkflow([shellStep("back", "git checkout -q work; git branch -qD elsewhere")], {
        branch: { ...transition, transitionStep: "back" },
      }),
    );
    expect((await rig.run(testWorkflow(strays, { branch: transition }))).outcome).toBe("SUCCEEDED");
  });
});
