/** A matrix from a list that an earlier step wrote: real scripts, and a journal that is cut at each entry. */
import { createMemoryJournal } from "@agentcore/scheduler";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Step, StepValue, Workflow } from "../definition.ts";
import type { RunResult } from "../run-ports.ts";
import { readRun, storedSteps } from "../records/read-runs.ts";
import { runStream } from "../records/streams.ts";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellStep, subWorkflow, testStep, testWorkflow } from "../testing/test-workflow.ts";

let rig: RunRig;
beforeEach(async () => {
  rig = await createRunRig();
});
afterEach(() => rig.close());

const value = (name: string): StepValue => ({ name, key: name, optional: false });
const list = (json: string, rest: Partial<Step> = {}): Step =>
  shellStep("list", `echo 'parts=${json}' >> "$AGENTCORE_OUTPUT"`, { values: [value("parts")], ...rest });
const matrixLists = new Map([["part", "${{ steps.list.outputs.parts }}"]]);
const each = (script = 'echo "$AGENTCORE_MATRIX_PART" >> said', rest: Partial<Step> = {}): Step =>
  shellStep("each", script, { dependsOn: ["list"], matrixLists, ...rest });
const after = (rest: Partial<Step> = {}): Step =>
  shellStep("after", "echo after >> said", { dependsOn: ["each"], ...rest });
const said = (): string[] => readFileSync(join(rig.workspace, "said"), "utf8").trim().split("\n");
const labels = ({ steps }: RunResult): string[] => steps.map(({ id, status }) => `${id} ${status}`);
const reasonOf = ({ steps }: RunResult, id: string) => steps.find((step) => step.id === id)?.reason;

describe("a matrix from a list", () => {
  it("has one instance for each text, number or boolean, and what waits for the step waits for all of them", async () => {
    const result = await rig.run(
      testWorkflow([list('["a b", 2, true, "$(id)"]'), each(), after()], { concurrency: 1 }),
    );
    expect(result.outcome).toBe("SUCCEEDED");
    expect(labels(result)).toEqual([
      "list SUCCEEDED",
      "each[part=a b] SUCCEEDED",
      "each[part=2] SUCCEEDED",
      "each[part=true] SUCCEEDED",
      "each[part=$(id)] SUCCEEDED",
      "after SUCCEEDED",
    ]);
    expect(said()).toEqual(["a b", "2", "true", "$(id)", "after"]);
  });

  it("is one line until the list is known, and starts in the order of the file", async () => {
    const late = shellStep("late", "echo late >> said", { dependsOn: ["list"] });
    const handle = await rig.start(testWorkflow([list('["a", "b"]'), each(), late], { concurrency: 1 }));
    await handle.result();
    expect(rig.events[0]).toMatchObject({ type: "run_started", steps: ["list", "each", "late"] });
    expect(said()).toEqual(["a", "b", "late"]);
  });

  it("joins the other keys of the matrix, and its values can be the list of the next one", async () => {
    const pairs = each('echo "v=$AGENTCORE_MATRIX_OS-$AGENTCORE_MATRIX_PART" >> "$AGENTCORE_OUTPUT"', {
      matrix: new Map([["os", ["x", "y"]]]),
      values: [value("v")],
    });
    const next = shellStep("next", 'echo "$AGENTCORE_MATRIX_V" >> said', {
      dependsOn: ["each"],
      matrixLists: new Map([["v", "${{ steps.each.outputs.v }}"]]),
    });
    const result = await rig.run(testWorkflow([list('["a","b"]'), pairs, next], { concurrency: 1 }));
    expect(
      labels(result)
        .slice(1, 5)
        .map((label) => label.split(" ")[0]),
    ).toEqual(["each[os=x,part=a]", "each[os=x,part=b]", "each[os=y,part=a]", "each[os=y,part=b]"]);
    expect(said()).toEqual(["x-a", "x-b", "y-a", "y-b"]);
  });

  it("that is empty skips the step and passes, and so does one that comes from it", async () => {
    const chained = each("true", { values: [value("v")] });
    const next = shellStep("next", "true", {
      dependsOn: ["each"],
      matrixLists: new Map([["v", "${{ steps.each.outputs.v }}"]]),
    });
    const result = await rig.run(testWorkflow([list("[]"), chained, next, after({ dependsOn: ["next"] })]));
    expect(labels(result)).toEqual(["list SUCCEEDED", "each SKIPPED", "next SKIPPED", "after SUCCEEDED"]);
    expect(reasonOf(result, "each")).toBe("the list of its matrix is empty");
    const { header } = (await readRun(rig.journal, result.run)) ?? {};
    expect(header).toMatchObject({ steps: 4, stepsEnded: 4 });
  });

  it.each([
    ["no JSON", "a, b", '"a, b" is not JSON'],
    ["no list", '{"a": 1}', "is not a list"],
    ["a list of lists", "[[1]]", 'the list holds "[1]", which is no text, number or boolean'],
    ["null in it", "[null]", 'the list holds "null"'],
    ["a value twice", '["a","a"]', 'the list holds "a" twice'],
    ["two values of one folder", '["a/b","a_b"]', '"a_b" and "a/b" in the list make the same folder name'],
    [
      "257 values",
      JSON.stringify(Array.from({ length: 257 }, (_, n) => n)),
      "the list has 257 values, more than 256",
    ],
    ["nothing", "", "the value is empty"],
  ])("of %s fails the step with the reason", async (_what, json, reason) => {
    const result = await rig.run(testWorkflow([list(json), each(), after()]));
    expect(labels(result)).toEqual(["list SUCCEEDED", "each FAILED", "after SKIPPED"]);
    expect(reasonOf(result, "each")).toContain(reason);
    expect(result.steps[1]?.code).toBe("AC_WORKFLOW_VALUE");
    const tolerant = each("true", { onFailure: "continue" });
    const again = await rig.run(testWorkflow([list(json), tolerant, after()]));
    expect([again.outcome, ...labels(again)]).toEqual([
      "SUCCEEDED",
      "list SUCCEEDED",
      "each FAILED",
      "after SUCCEEDED",
    ]);
  });

  it("takes 256 values", async () => {
    const parts = JSON.stringify(Array.from({ length: 256 }, (_, n) => n));
    const result = await rig.run(testWorkflow([list(parts), each("true"), after()], { concurrency: 8 }));
    expect([result.outcome, result.steps.length]).toEqual(["SUCCEEDED", 258]);
  });

  it("does not expand a step whose condition is not met, or whose dependency failed", async () => {
    const off = each("true", { condition: "steps.list.status == 'FAILED'" });
    const skipped = await rig.run(testWorkflow([list('["a"]'), off, after()]));
    expect(labels(skipped)).toEqual(["list SUCCEEDED", "each SKIPPED", "after SUCCEEDED"]);
    const failing = { ...list('["a"]'), verify: "false" };
    const stopped = await rig.run(testWorkflow([failing, each(), after()]));
    expect(labels(stopped)).toEqual(["list FAILED", "each SKIPPED", "after SKIPPED"]);
  });

  it("of which one instance fails stops the run, or not, as a matrix of the file does", async () => {
    const script = 'test "$AGENTCORE_MATRIX_PART" != b';
    const stopped = await rig.run(
      testWorkflow([list('["a","b","c"]'), each(script), after()], { concurrency: 1 }),
    );
    expect(labels(stopped)).toEqual([
      "list SUCCEEDED",
      "each[part=a] SUCCEEDED",
      "each[part=b] FAILED",
      "each[part=c] SKIPPED",
      "after SKIPPED",
    ]);
    const cleanup = shellStep("cleanup", "true", { dependsOn: ["after"], condition: "failure()" });
    const tolerant = each(script, { onFailure: "continue" });
    const reacting = after({ condition: "steps.each.status == 'FAILED'" });
    const passed = await rig.run(testWorkflow([list('["a","b"]'), tolerant, reacting, cleanup]));
    expect(labels(passed).slice(-2)).toEqual(["after SUCCEEDED", "cleanup SUCCEEDED"]);
  });

  it("begins again only with the instances that failed; with all, from a new list, if that begins again", async () => {
    const script = 'echo "$AGENTCORE_MATRIX_PART" >> said; test "$AGENTCORE_MATRIX_PART" = a -o -e "$PWD/go"';
    const source = shellStep("list", 'cat parts >> "$AGENTCORE_OUTPUT"', { values: [value("parts")] });
    const first = shellStep("first", 'test -e parts || echo \'parts=["a","b"]\' > parts');
    const workflow = testWorkflow([first, { ...source, dependsOn: ["first"] }, each(script), after()], {
      concurrency: 1,
    });
    const failed = await rig.run(workflow);
    expect([failed.outcome, ...said()]).toEqual(["FAILED", "a", "b"]);
    const atRest = { stepsActive: 0, stepsAsking: 0 };
    const { header } = (await readRun(rig.journal, failed.run))!;
    expect(header).toMatchObject({ steps: 5, stepsEnded: 5, stepsFailed: 1, ...atRest });
    const { writeFileSync } = await import("node:fs");
    writeFileSync(join(rig.workspace, "go"), "");
    const retried = await (await rig.retry(failed.run, workflow)).result();
    expect([retried.outcome, ...said()]).toEqual(["SUCCEEDED", "a", "b", "b", "after"]);
    writeFileSync(join(rig.workspace, "parts"), 'parts=["b","c"]\n');
    const anew = await (await rig.retry(failed.run, workflow, { kind: "from", step: "list" })).result();
    expect([anew.outcome, ...said().slice(4)]).toEqual(["SUCCEEDED", "b", "c", "after"]);
    expect(labels(anew).slice(2)).toEqual([
      "each[part=b] SUCCEEDED",
      "each[part=c] SUCCEEDED",
      "after SUCCEEDED",
    ]);
    expect(anew.steps.find(({ id }) => id === "each[part=b]")?.attempts).toBe(3);
    const stored = await readRun(rig.journal, failed.run);
    expect(storedSteps(stored!, workflow).map(({ id }) => id)).toEqual(anew.steps.map(({ id }) => id));
    expect(stored?.header).toMatchObject({ steps: 5, stepsEnded: 5, stepsFailed: 0, ...atRest });
  });

  it("waits again for another dependency that begins again, with the list that it had", async () => {
    const other = shellStep("other", "sleep 0.1; echo other >> said");
    const workflow = testWorkflow(
      [list('["a","b"]'), other, each(undefined, { dependsOn: ["list", "other"] }), after()],
      {
        concurrency: 1,
      },
    );
    const first = await rig.run(workflow);
    const again = await (await rig.retry(first.run, workflow, { kind: "from", step: "other" })).result();
    expect(labels(again)).toEqual(labels(first));
    expect(said()).toEqual(["other", "a", "b", "after", "other", "a", "b", "after"]);
  });

  it("can run alone, with the list of an earlier run; what uses it cannot, and says why", async () => {
    const uses = after({ dependsOn: ["each"], condition: "steps.each.status == 'SUCCEEDED'" });
    const workflow = testWorkflow([list('["a","b"]'), each(), uses], { concurrency: 1 });
    await rig.run(workflow);
    const alone = await rig.run(workflow, { only: "each" });
    expect(labels(alone)).toEqual([
      "list SUCCEEDED",
      "each[part=a] SUCCEEDED",
      "each[part=b] SUCCEEDED",
      "after SKIPPED",
    ]);
    expect(said()).toEqual(["a", "b", "after", "a", "b"]);
    await expect(rig.run(workflow, { only: "after" })).rejects.toMatchObject({
      code: "AC_WORKFLOW_ONLY",
      message: expect.stringContaining('step "each" leaves, whose matrix comes from a list'),
    });
  });

  it("exports and passes on what its instances leave", async () => {
    const output = { name: "out", path: "out-${{ matrix.part }}", optional: false, type: null };
    const script =
      'echo "$AGENTCORE_MATRIX_PART" > "out-$AGENTCORE_MATRIX_PART"; echo "v=$AGENTCORE_MATRIX_PART" >> "$AGENTCORE_OUTPUT"';
    const inner = testWorkflow(
      [list('["a","b"]'), each(script, { outputs: [output], values: [value("v")] })],
      { hash: "inner" },
    );
    const exports = {
      exports: [{ from: "each", artifact: "out", as: "out" }],
      valueExports: [{ from: "each", value: "v", as: "v" }],
    };
    const reader = shellStep(
      "reader",
      "cat in/part=a/* in/part=b/* > said; echo '${{ steps.s.outputs.v }}' >> said",
      {
        dependsOn: ["s"],
        inputs: [{ from: "s", artifact: "out", as: "in" }],
      },
    );
    const result = await rig.run(testWorkflow([testStep("s", subWorkflow(inner, exports)), reader]));
    expect([result.outcome, ...said()]).toEqual(["SUCCEEDED", "a", "b", '["a","b"]']);
  });
});

describe("after the end of its process, at any entry of its journal,", () => {
  const inner = testWorkflow([list('["a"]'), each("echo inner >> said")], { hash: "inner", name: "inner" });
  const workflow: Workflow = testWorkflow(
    [
      list('["a","b"]'),
      each('echo "$AGENTCORE_MATRIX_PART" >> said'),
      after(),
      testStep("sub", subWorkflow(inner), { dependsOn: ["after"] }),
    ],
    { concurrency: 1 },
  );

  it("a run with a list goes on to what it would have been, and no instance runs twice", async () => {
    const whole = await rig.run(workflow);
    const stream = runStream(whole.run);
    const { entries = [], header } = (await rig.journal.read(stream)) ?? {};
    expect(entries.map((entry) => (entry as { event?: { type?: string } }).event?.type)).toContain(
      "expanded",
    );
    const expected = said();
    expect(expected).toEqual(["a", "b", "after", "inner"]);
    for (let length = 1; length <= entries.length; length++) {
      const journal = createMemoryJournal();
      await journal.append(stream, {
        after: 0,
        entries: entries.slice(0, length),
        header: { ...header!, outcome: null, endedAt: null },
      });
      const result = await (await rig.resume(whole.run, workflow, { journal })).result();
      expect({ length, outcome: result.outcome, labels: labels(result) }).toEqual({
        length,
        outcome: "SUCCEEDED",
        labels: labels(whole),
      });
      const stored = await readRun(journal, whole.run);
      expect(storedSteps(stored!, workflow).map(({ id }) => id)).toEqual(whole.steps.map(({ id }) => id));
    }
  });

  it("a journal that expands what has no list cannot be read, and that is one error", async () => {
    const whole = await rig.run(workflow);
    const stream = runStream(whole.run);
    const { entries = [], header } = (await rig.journal.read(stream)) ?? {};
    const journal = createMemoryJournal();
    const bad = { type: "event", at: 1, event: { type: "expanded", step: "after", lists: { part: ["x"] } } };
    await journal.append(stream, { after: 0, entries: [...entries.slice(0, 2), bad], header: header! });
    await expect(rig.resume(whole.run, workflow, { journal })).rejects.toMatchObject({
      code: "AC_WORKFLOW_RECORD",
      message: expect.stringContaining("entry 3"),
    });
  });
});
