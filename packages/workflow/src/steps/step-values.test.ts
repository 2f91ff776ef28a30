/** `env`, and the values that steps write: real scripts in real directories. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Step, StepValue } from "../definition.ts";
import type { RunResult } from "../run-ports.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import {
  shellLoop,
  shellStep,
  shellWork,
  subWorkflow,
  testStep,
  testWorkflow,
} from "../testing/test-workflow.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
});
afterEach(() => rig.close());

const at = (...path: string[]): string => join(rig.workspace, ...path);
const text = (...path: string[]): string => readFileSync(at(...path), "utf8");
const env = (variables: Readonly<Record<string, string>>) => new Map(Object.entries(variables));
const value = (name: string, rest: Partial<StepValue> = {}): StepValue => ({
  name,
  key: name,
  optional: false,
  ...rest,
});
const writer = (script: string, rest: Partial<Step> = {}): Step =>
  shellStep("a", script, { values: [value("v")], ...rest });
const stepOf = ({ steps }: RunResult, id: string) => steps.find((step) => step.id === id);
/** Writes to a file what `expression` is in a script, in `env` and in the text for an agent. */
const reader = (expression = "steps.a.outputs.v"): Step[] => [
  shellStep("b", `printf %s "\${{ ${expression} }}" > script; printf %s "$X" > env`, {
    dependsOn: ["a"],
    env: env({ X: `\${{ ${expression} }}` }),
  }),
];

describe("`env`", () => {
  it("and inputs and matrix values are variables of the step's script, its check and its verify script", async () => {
    const said = 'echo "$PIECE $BOTH $AGENTCORE_INPUT_A_B $AGENTCORE_MATRIX_OS" >> said';
    const step = shellStep("a", said, {
      env: env({ PIECE: "work", BOTH: "${{ inputs.a-b }}/${{ matrix.os }}" }),
      matrix: new Map([["os", ["x y"]]]),
      verify: said.replace("PIECE", "{PIECE}-verify"),
      loop: shellLoop(said, { checkEnv: env({ PIECE: "check", BOTH: "c" }) }),
    });
    const inputs = new Map([
      ["a-b", { type: "string", default: "$(id) '", required: false, description: null }],
    ]);
    const { outcome } = await rig.run(testWorkflow([step], { inputs: inputs as never }));
    expect(outcome).toBe("SUCCEEDED");
    expect(text("said").trim().split("\n")).toEqual([
      "work $(id) '/x y $(id) ' x y",
      "work-verify $(id) '/x y $(id) ' x y",
      "check c $(id) ' x y",
    ]);
  });

  it("leaves out what no variable can hold, and an input without a value is empty", async () => {
    const declaration = { type: "string", default: null, required: false, description: null } as const;
    const inputs = new Map([
      ["long", declaration],
      ["none", declaration],
    ]);
    const step = shellStep("a", 'echo "${AGENTCORE_INPUT_LONG-unset} ${AGENTCORE_INPUT_NONE-unset}" > said');
    await rig.run(testWorkflow([step], { inputs }), { inputs: { long: "x".repeat(130_000) } });
    expect(text("said")).toBe("unset \n");
  });
});

it("a variable that no program can get fails the step with its name and the cure", async () => {
  const declaration = { type: "string", default: null, required: false, description: null } as const;
  const step = shellStep("a", "true", { env: env({ LONG: "${{ inputs.long }}" }) });
  const workflow = testWorkflow([step], { inputs: new Map([["long", declaration]]) });
  const result = await rig.run(workflow, { inputs: { long: "x".repeat(130_001) } });
  expect(stepOf(result, "a")).toMatchObject({
    status: "FAILED",
    reason: expect.stringMatching(/env\.LONG.*longer than 130000 bytes; put it in a file of the workspace/),
  });
});

describe("a value of a step", () => {
  it.each([
    ["quotes", `'"\\\``],
    ["a command", "$(touch hacked) `touch hacked`; touch hacked"],
    ["a placeholder, which is not expanded a second time", "${{ inputs.secret }} ${{ steps.a.outputs.v }}"],
    ["lines", "1\n\n 2\n"],
    ["nothing", ""],
  ])("may hold %s, and reaches scripts, `env` and agents as it is", async (_what, held) => {
    const bytes = Buffer.from(`v<<END\n${held}\nEND\n`).toString("base64");
    const written = `echo ${bytes} | base64 -d > "$AGENTCORE_OUTPUT"`;
    const said = (text: string): string => `: <<'Q9'\n${text}\nQ9`;
    const agent = testStep(
      "c",
      { kind: "worker", work: shellWork(said("${{ steps.a.outputs.v }}"), { worker: "agent" }) },
      { dependsOn: ["a"], onFailure: "continue" },
    );
    const { outcome } = await rig.run(testWorkflow([writer(written), ...reader(), agent]));
    expect(outcome).toBe("SUCCEEDED");
    expect([text("script"), text("env")]).toEqual([held, held]);
    expect(existsSync(at("hacked"))).toBe(false);
    const { jobs } = await rig.store.list({ labels: { "workflow.step": "c" } });
    expect(jobs[0]?.job.task.instructions).toBe(said(held));
  });

  it.each([
    ["that is missing", "true", "did not write its value v to $AGENTCORE_OUTPUT (AC_OUTPUT_MISSING)"],
    [
      "in a file with NUL",
      "printf 'v=\\0\\n' > $AGENTCORE_OUTPUT",
      "line 1 holds a NUL character (AC_WORKFLOW_VALUE)",
    ],
    ["in a file that is not UTF-8", "printf 'v=\\377\\n' > $AGENTCORE_OUTPUT", "it is not UTF-8 text"],
    [
      "in a file of 64 KiB and one byte",
      "(printf v=; head -c 65535 /dev/zero | tr '\\0' x) > $AGENTCORE_OUTPUT",
      "it is larger than 65536 bytes",
    ],
    ["behind a symbolic link", "ln -sf /etc/passwd $AGENTCORE_OUTPUT", "it is a symbolic link"],
    ["in a pipe", "rm $AGENTCORE_OUTPUT; mkfifo $AGENTCORE_OUTPUT", "it is not a regular file"],
  ])("%s fails the step with the reason", async (_what, script, reason) => {
    const result = await rig.run(testWorkflow([writer(script), ...reader()]));
    expect(result.outcome).toBe("FAILED");
    expect(stepOf(result, "a")).toMatchObject({ status: "FAILED", reason: expect.stringContaining(reason) });
  });

  it("may be 64 KiB long with its name", async () => {
    const script = "(printf v=; head -c 65534 /dev/zero | tr '\\0' x) > $AGENTCORE_OUTPUT";
    const { outcome } = await rig.run(testWorkflow([writer(script), ...reader()]));
    expect(outcome).toBe("SUCCEEDED");
    expect(text("env").length).toBe(65_534);
  });

  it("that is `optional` may be missing, and `value` names it in the file; others are ignored", async () => {
    const values = [value("v", { key: "KEY" }), value("o", { optional: true })];
    const step = writer('echo KEY=1 >> "$AGENTCORE_OUTPUT"; echo other=2 >> "$AGENTCORE_OUTPUT"', { values });
    const result = await rig.run(testWorkflow([step, ...reader("steps.a.outputs.o")]));
    expect(stepOf(result, "a")).toMatchObject({ status: "SUCCEEDED", values: { v: "1" } });
    expect(text("script")).toBe("");
  });

  it("is of the last attempt only, each of which has a new and empty file", async () => {
    const script =
      'test ! -s "$AGENTCORE_OUTPUT"; if [ -e tried ]; then echo v=2; else touch tried; echo o=1; exit 1; fi >> "$AGENTCORE_OUTPUT"';
    const step = writer(
      script
        .replace("exit 1; fi >>", "fi >>")
        .replace("echo o=1;", 'echo o=1 >> "$AGENTCORE_OUTPUT"; exit 1;'),
      {
        values: [value("v"), value("o", { optional: true })],
        maxRetries: 1,
        onFailure: "retry",
      },
    );
    const result = await rig.run(testWorkflow([step]));
    expect(stepOf(result, "a")).toMatchObject({ status: "SUCCEEDED", attempts: 2, values: { v: "2" } });
    expect(readdirSync(at("context/a/_output"))).toEqual(["2"]);
  });

  it("is of the last attempt after the job was lost", async () => {
    const script =
      'if [ -e tried ]; then echo v=2 >> "$AGENTCORE_OUTPUT"; else touch tried; echo o=1 >> "$AGENTCORE_OUTPUT"; echo lost; fi';
    const step = writer(script, { values: [value("v"), value("o", { optional: true })] });
    const result = await rig.run(testWorkflow([step]));
    expect(stepOf(result, "a")).toMatchObject({ status: "SUCCEEDED", values: { v: "2" } });
  });

  it("is of the last iteration, when the check says that the step is complete", async () => {
    const script = 'echo "v=$AGENTCORE_ITERATION" >> "$AGENTCORE_OUTPUT"; echo "$AGENTCORE_ITERATION" > n';
    const step = writer(script, { loop: shellLoop("test $(cat n) = 3") });
    const { outcome } = await rig.run(testWorkflow([step, ...reader()]));
    expect([outcome, text("env")]).toEqual(["SUCCEEDED", "3"]);
  });

  it("can decide a condition", async () => {
    const steps = [
      writer("echo v=yes >> $AGENTCORE_OUTPUT"),
      shellStep("b", "true", { dependsOn: ["a"], condition: "steps.a.outputs.v == 'yes'" }),
      shellStep("c", "true", { dependsOn: ["a"], condition: "steps.a.outputs.v == 'no'" }),
    ];
    const result = await rig.run(testWorkflow(steps));
    expect(result.steps.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED", "SKIPPED"]);
    expect(stepOf(result, "c")?.reason).toContain("steps.a.outputs.v is yes");
  });

  it("of a step with a matrix is the JSON list of its instances' values", async () => {
    const step = writer('echo "v=$AGENTCORE_MATRIX_N" >> "$AGENTCORE_OUTPUT"', {
      matrix: new Map([["n", ["2", "1"]]]),
    });
    await rig.run(testWorkflow([step, ...reader()]));
    expect(text("env")).toBe('["2","1"]');
  });

  it("of a sub-workflow becomes the step's by `exports`, and an input by `with`", async () => {
    const inner = testWorkflow(
      [shellStep("i", 'echo "v=[${{ inputs.p }}]" >> "$AGENTCORE_OUTPUT"', { values: [value("v")] })],
      {
        hash: "inner",
        inputs: new Map([["p", { type: "string", default: null, required: true, description: null }]]),
      },
    );
    const sub = (id: string, from: string): Step =>
      testStep(
        id,
        subWorkflow(inner, {
          with: new Map([["p", `\${{ steps.${from}.outputs.v }}`]]),
          valueExports: [{ from: "i", value: "v", as: "v" }],
        }),
        { dependsOn: [from] },
      );
    const steps = [
      shellStep("first", 'echo "v=$""{{ x }}" >> "$AGENTCORE_OUTPUT"', { values: [value("v")] }),
    ];
    const result = await rig.run(testWorkflow([...steps, sub("s", "first"), sub("t", "s")]));
    expect(stepOf(result, "t")?.values).toEqual({ v: "[[${{ x }}]]" });
  });

  it("is kept when the run is retried, and gone for the steps that start again", async () => {
    const steps = [
      writer("echo v=$(date +%N) >> $AGENTCORE_OUTPUT"),
      shellStep("b", 'printf %s "${{ steps.a.outputs.v }}" > seen; test -e go', { dependsOn: ["a"] }),
    ];
    const workflow = testWorkflow(steps);
    const first = await rig.run(workflow);
    const seen = text("seen");
    const again = await (await rig.retry(first.run, workflow)).result();
    expect([again.outcome, text("seen"), stepOf(again, "a")?.values]).toEqual(["FAILED", seen, { v: seen }]);
  });
});
