/** What the keys of a loop do when it runs: completion checks and convergence, with real scripts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellLoop, shellStep, shellWork, testConvergence, testWorkflow } from "../testing/test-workflow.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
});
afterEach(() => rig.close());

const text = (...path: string[]): string => readFileSync(join(rig.workspace, ...path), "utf8");

describe("`completion_check`", () => {
  it("runs after each iteration that succeeded, and after no attempt that failed", async () => {
    const script = "echo work >> log; test $(grep -c work log) != 2";
    const step = shellStep("a", script, {
      maxRetries: 1,
      onFailure: "retry",
      loop: shellLoop("echo check >> log; test $(grep -c check log) = 2"),
    });
    const result = await rig.run(testWorkflow([step]));
    expect(result.steps[0]).toMatchObject({ status: "SUCCEEDED", iterations: 2, attempts: 3 });
    expect(text("log")).toBe("work\ncheck\nwork\nwork\ncheck\n");
  });

  it("that finds a step without further iterations incomplete fails it", async () => {
    const step = shellStep("a", "echo x >> log", { loop: shellLoop("exit 1", { maxIterations: 1 }) });
    const result = await rig.run(testWorkflow([step]));
    expect(result.steps[0]).toMatchObject({ status: "FAILED", iterations: 1 });
    expect(text("log")).toBe("x\n");
  });

  it("that does not decide is asked again, without another iteration", async () => {
    const step = shellStep("a", "echo work >> log", {
      loop: shellLoop("echo check >> log; test $(grep -c check log) = 3 || exit 7"),
    });
    expect((await rig.run(testWorkflow([step]))).steps[0]).toMatchObject({
      status: "SUCCEEDED",
      iterations: 1,
    });
    expect(text("log")).toBe("work\ncheck\ncheck\ncheck\n");
  });

  it("that never decides fails the step, and is not read as complete", async () => {
    const step = shellStep("a", "true", { loop: shellLoop("echo check >> log; exit 7") });
    const result = await rig.run(testWorkflow([step]));
    expect(result.steps[0]).toMatchObject({ status: "FAILED", iterations: 1 });
    expect(result.reason).toContain("the completion check did not decide");
    expect(text("log")).toBe("check\ncheck\ncheck\n");
  });

  it("has its own worker, model, capabilities, timeout and id", async () => {
    const check = shellWork("true", { model: "small", capabilities: ["read"] });
    const ids =
      "test $AGENTCORE_COMPLETION_CHECK_ID = $ROBOPPI_COMPLETION_CHECK_ID; echo $AGENTCORE_COMPLETION_CHECK_ID > id";
    const step = shellStep("a", "test -z $AGENTCORE_COMPLETION_CHECK_ID", {
      loop: shellLoop("", { check: { ...check, instructions: ids }, checkTimeoutMs: 3000 }),
    });
    expect((await rig.run(testWorkflow([step]))).outcome).toBe("SUCCEEDED");
    const { jobs } = await rig.store.list({ limit: 1 });
    expect(jobs[0]?.job).toMatchObject({
      id: text("id").trim(),
      task: { model: "small", capabilities: ["read"] },
      limits: { timeoutMs: 3000 },
    });
  });
});

describe("`convergence`", () => {
  const incomplete = (fingerprints: string): string =>
    `echo "{\\"decision\\": \\"incomplete\\", \\"fingerprints\\": [${fingerprints}]}" > why; exit 1`;
  const git = "git init -qb work; git -c user.name=a -c user.email=a@b commit -qm x --allow-empty";

  it("stays at its stage while other findings come", async () => {
    const step = shellStep("a", "echo plain >> log", {
      loop: shellLoop(incomplete('\\"$AGENTCORE_ITERATION\\"'), {
        decisionFile: "why",
        maxIterations: 3,
        convergence: testConvergence({ stallThreshold: 2, stages: new Map([[1, "echo harder >> log"]]) }),
      }),
    });
    expect((await rig.run(testWorkflow([step]))).steps[0]).toMatchObject({ status: "FAILED", iterations: 3 });
    expect(text("log")).toBe("plain\nplain\nplain\n");
  });

  it("counts the same findings in any order, and takes the threshold for what it says", async () => {
    const either = "test $((AGENTCORE_ITERATION % 2)) = 0 && set -- a b || set -- b a; ";
    const step = shellStep("a", "echo plain >> log", {
      loop: shellLoop(either + incomplete('\\"$1\\", \\"$2\\"'), {
        decisionFile: "why",
        maxIterations: 4,
        convergence: testConvergence({
          stallThreshold: 3,
          maxStage: 2,
          stages: new Map([[1, "echo harder >> log"]]),
        }),
      }),
    });
    await rig.run(testWorkflow([step]));
    expect(text("log")).toBe("plain\nplain\nplain\nplain\nharder\n");
  });

  it("with `fail_on_max_stage: false` goes on at the last stage until its iterations are used up", async () => {
    const rules = testConvergence({ failOnMaxStage: false });
    const step = shellStep("a", "true", {
      loop: shellLoop(incomplete('\\"same\\"'), {
        decisionFile: "why",
        maxIterations: 4,
        convergence: rules,
      }),
    });
    expect((await rig.run(testWorkflow([step]))).steps[0]).toMatchObject({ status: "FAILED", iterations: 4 });
  });

  it("counts more changed files than `max_changed_files` as a failed iteration, but for `ignored_paths`", async () => {
    await rig.run(testWorkflow([shellStep("git", git)]));
    const script = "touch one two notes.md; test $AGENTCORE_ITERATION = 1 || rm two";
    const rules = testConvergence({
      maxChangedFiles: 1,
      ignoredPaths: ["*.md"],
      diffBaseRef: "HEAD",
      maxStage: 3,
    });
    const step = shellStep("a", script, {
      loop: shellLoop("echo check >> check.md", { convergence: rules }),
    });
    expect((await rig.run(testWorkflow([step]))).steps[0]).toMatchObject({
      status: "SUCCEEDED",
      iterations: 2,
    });
    expect(text("check.md")).toBe("check\n");
  });

  it("compares with the commit that `diff_base_ref_file` names", async () => {
    await rig.run(
      testWorkflow([
        shellStep("git", `${git}; git rev-parse HEAD > base.txt; touch before; git add before; ${git}`),
      ]),
    );
    const rules = testConvergence({
      allowedPaths: ["after"],
      ignoredPaths: ["base.txt"],
      diffBaseRefFile: "base.txt",
    });
    const step = shellStep("a", "touch after", {
      loop: shellLoop("true", { maxIterations: 1, convergence: rules }),
    });
    const result = await rig.run(testWorkflow([step]));
    expect(result.reason).toContain("changed outside allowed_paths: before");
  });
});
