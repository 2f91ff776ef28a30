import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "@agentcore/contract/testing";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellLoop, shellStep, testWorkflow } from "../testing/test-workflow.ts";

let rig: RunRig;
const root = realpathSync(mkdtempSync(join(tmpdir(), "agentcore-missing-")));
beforeAll(async () => {
  rig = await createRunRig();
});
afterAll(async () => {
  await rig.close();
  rmSync(root, { recursive: true });
});

let made = 0;
function freshWorkspace(): string {
  made += 1;
  const workspace = join(root, `workspace-${made}`);
  mkdirSync(workspace);
  return workspace;
}
const output = (path: string, optional = false) => [{ name: "out", path, optional, type: null }];
const lines = (path: string): number => readFileSync(path, "utf8").split("\n").filter(Boolean).length;

describe("a resume", () => {
  const workflow = testWorkflow([
    shellStep("make", "echo made > made", { outputs: output("made") }),
    shellStep("use", "echo begun >> begun; until test -e go; do sleep 0.02; done; cat in/made", {
      dependsOn: ["make"],
      maxRetries: 5,
      inputs: [{ from: "make", artifact: "out", as: "in" }],
    }),
  ]);

  async function interrupted(workspace: string): Promise<string> {
    const handle = await rig.start(workflow, { workspace });
    const begun = join(workspace, "begun");
    // The shell creates the file before it writes the line.
    await until(() => existsSync(begun) && lines(begun) === 1);
    handle.interrupt();
    await handle.result();
    return handle.id;
  }

  it("without its workspace starts, makes and counts nothing, and goes on when that is back", async () => {
    const workspace = freshWorkspace();
    const run = await interrupted(workspace);
    const away = `${workspace}-away`;
    renameSync(workspace, away);
    await expect(rig.resume(run, workflow)).rejects.toMatchObject({
      code: "AC_WORKSPACE_MISSING",
      message: expect.stringContaining(workspace) as string,
    });
    expect(existsSync(workspace)).toBe(false);
    renameSync(away, workspace);
    writeFileSync(join(workspace, "go"), "");
    const result = await (await rig.resume(run, workflow)).result();
    expect(result).toMatchObject({ outcome: "SUCCEEDED", steps: [{ attempts: 1 }, { attempts: 2 }] });
  });

  it("without an artifact that a step needs names it, and starts and counts nothing", async () => {
    const workspace = freshWorkspace();
    const run = await interrupted(workspace);
    rmSync(join(workspace, "context"), { recursive: true });
    await expect(rig.resume(run, workflow)).rejects.toMatchObject({
      code: "AC_WORKFLOW_ARTIFACT",
      message: expect.stringContaining('artifact "out" of step "make" is gone from') as string,
    });
    expect(lines(join(workspace, "begun"))).toBe(1);
    mkdirSync(join(workspace, "context/make/out"), { recursive: true });
    writeFileSync(join(workspace, "context/make/out/made"), "made again");
    writeFileSync(join(workspace, "go"), "");
    const result = await (await rig.resume(run, workflow)).result();
    expect(result).toMatchObject({ outcome: "SUCCEEDED", steps: [{ attempts: 1 }, { attempts: 2 }] });
  });

  it("without an artifact while it runs fails the step once, and starts no worker for it", async () => {
    const workspace = freshWorkspace();
    const { steps, outcome } = await rig.run(
      testWorkflow([
        shellStep("make", "echo made > made", { outputs: output("made") }),
        shellStep("lose", "rm -r context/make", { dependsOn: ["make"] }),
        shellStep("use", "touch used", {
          dependsOn: ["lose"],
          maxRetries: 5,
          inputs: [{ from: "make", artifact: "out", as: "in" }],
        }),
      ]),
      { workspace },
    );
    expect(outcome).toBe("FAILED");
    expect(steps[2]).toMatchObject({ status: "FAILED", attempts: 1, code: "AC_WORKFLOW_ARTIFACT" });
    expect(existsSync(join(workspace, "used"))).toBe(false);
  });
});

describe("a context directory that cannot be used is one error before the first step:", () => {
  it.each<[string, (context: string) => void, string]>([
    ["a file", (context) => writeFileSync(context, ""), "it is a file"],
    [
      "a link that leads nowhere",
      (context) => symlinkSync(`${context}-none`, context),
      "it is a symbolic link that leads nowhere",
    ],
    ["below a file", (context) => writeFileSync(dirname(context), ""), "a part of its path is a file"],
  ])("%s", async (what, prepare, reason) => {
    const workspace = freshWorkspace();
    const contextDir = what === "below a file" ? "below/context" : "context";
    const context = join(workspace, contextDir);
    prepare(context);
    const workflow = testWorkflow([shellStep("a", "touch ran")], { contextDir });
    await expect(rig.run(workflow, { workspace })).rejects.toMatchObject({
      code: "AC_WORKFLOW_CONTEXT",
      message: `cannot write to the context directory ${context}: ${reason}`,
    });
    expect(existsSync(join(workspace, "ran"))).toBe(false);
  });
});

describe("an output", () => {
  const attempts = (script: string) => `echo x >> tries; ${script}`;
  const isFirst = "test $(wc -l < tries) = 1";

  it("that a failed attempt left is none of the next one", async () => {
    const workspace = freshWorkspace();
    const step = shellStep("a", attempts(`if ${isFirst}; then echo stale > out; exit 1; fi`), {
      maxRetries: 1,
      onFailure: "retry",
      outputs: output("out"),
    });
    const { outcome, steps, run } = await rig.run(testWorkflow([step]), { workspace });
    expect(outcome).toBe("FAILED");
    expect(steps[0]?.reason).toContain("out (out, which an earlier attempt left)");
    // Nor for a retry of the run.
    const again = await (await rig.retry(run, testWorkflow([step]))).result();
    expect(again.outcome).toBe("FAILED");
  });

  it("that the last attempt wrote again counts, and one that was there before the step", async () => {
    const workspace = freshWorkspace();
    writeFileSync(join(workspace, "before"), "before");
    const { outcome, steps } = await rig.run(
      testWorkflow([
        shellStep("a", attempts(`mkdir -p out; echo $RANDOM > out/x; ${isFirst} && exit 1; true`), {
          maxRetries: 1,
          onFailure: "retry",
          outputs: [...output("out"), { name: "before", path: "before", optional: false, type: null }],
        }),
      ]),
      { workspace },
    );
    expect(outcome).toBe("SUCCEEDED");
    expect(steps[0]?.artifacts).toEqual(["out", "before"]);
  });

  it("of an earlier iteration counts, and an optional one that is stale is left out", async () => {
    const workspace = freshWorkspace();
    const { outcome, steps } = await rig.run(
      testWorkflow([
        shellStep("loop", attempts(`${isFirst} && echo once > out; true`), {
          outputs: output("out"),
          loop: shellLoop("test $(wc -l < tries) = 2"),
        }),
        shellStep(
          "optional",
          `echo y >> more; if test $(wc -l < more) = 1; then echo stale > maybe; exit 1; fi`,
          {
            maxRetries: 1,
            onFailure: "retry",
            outputs: output("maybe", true),
          },
        ),
      ]),
      { workspace },
    );
    expect(outcome).toBe("SUCCEEDED");
    expect(steps.map(({ artifacts }) => artifacts)).toEqual([["out"], []]);
  });
});
