import type { JournalValue } from "@agentcore/scheduler";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "@agentcore/contract/testing";
import { createRunRig, type RunRig } from "../testing/run-rig.ts";
import { shellLoop, shellStep, subWorkflow, testStep, testWorkflow } from "../testing/test-workflow.ts";
import { endRun } from "./end-run.ts";
import { requestCancel } from "./requests.ts";
import { listRuns, readRun, storedSteps } from "../records/read-runs.ts";
import { runStream } from "../records/streams.ts";

let rig: RunRig;
beforeAll(async () => {
  rig = await createRunRig();
});
afterAll(() => rig.close());

const lines = (name: string): string[] =>
  readFileSync(join(rig.workspace, name), "utf8").split("\n").filter(Boolean);
const there = (name: string): Promise<void> => until(() => existsSync(join(rig.workspace, name)));
const make = (name: string): void => writeFileSync(join(rig.workspace, name), "");
const statusOf = (steps: readonly { id: string; status: string }[]) =>
  Object.fromEntries(steps.map(({ id, status }) => [id, status]));

/** Reports that it began, then waits until the file `NAME.go` exists. */
const waits = (name: string): string =>
  `echo ${name} >> ${name}.log; touch ${name}.begun; until test -e ${name}.go; do sleep 0.02; done`;

describe("an interrupted run", () => {
  it("has not ended; a resume goes on with it, and no finished step runs again", async () => {
    const workflow = testWorkflow([
      shellStep("first", "echo first >> first.log"),
      shellStep("loop", "echo $AGENTCORE_ITERATION >> loop.log", {
        dependsOn: ["first"],
        loop: shellLoop(`${waits("check")}; test $(tail -n1 loop.log) = 2`),
      }),
      shellStep("work", waits("work"), { dependsOn: ["first"] }),
      shellStep("last", "echo last >> last.log", { dependsOn: ["loop", "work"] }),
    ]);
    const handle = await rig.start(workflow);
    await Promise.all([there("check.begun"), there("work.begun")]);
    handle.interrupt({ reason: "stopped by SIGINT" });
    handle.interrupt({ reason: "stopped by SIGINT", force: true });
    const stopped = await handle.result();
    expect(stopped).toMatchObject({ outcome: "INTERRUPTED", reason: "stopped by SIGINT", code: null });
    expect(statusOf(stopped.steps)).toEqual({
      first: "SUCCEEDED",
      loop: "READY",
      work: "READY",
      last: "PENDING",
    });
    const [listed] = await listRuns(rig.journal);
    expect(listed?.header).toMatchObject({ outcome: null, endedAt: null, interrupted: true, owner: null });

    await rig.restart();
    for (const name of ["check", "work"]) make(`${name}.go`);
    const result = await (await rig.resume(handle.id, workflow)).result();
    expect(result.outcome).toBe("SUCCEEDED");
    expect(lines("first.log")).toEqual(["first"]);
    expect(lines("loop.log")).toEqual(["1", "2"]);
    expect(lines("work.log")).toEqual(["work", "work"]);
    expect(result.steps.find(({ id }) => id === "work")?.attempts).toBe(2);
    expect((await listRuns(rig.journal))[0]?.header).toMatchObject({
      outcome: "SUCCEEDED",
      interrupted: false,
    });
  });

  it("of a process that was killed while it stopped knows why its jobs were cancelled", async () => {
    const workflow = testWorkflow([shellStep("killed", waits("killed"))]);
    let isDead = false;
    const { journal } = rig;
    const mortal = {
      ...journal,
      append: (...args: Parameters<typeof journal.append>) =>
        isDead ? new Promise<never>(() => {}) : journal.append(...args),
    };
    const handle = await rig.start(workflow, { journal: mortal });
    await there("killed.begun");
    isDead = true;
    handle.interrupt({ reason: "stopped by SIGTERM" });
    await until(async () => {
      const { jobs } = await rig.store.list({ states: ["cancelled"], labels: { "workflow.step": "killed" } });
      return jobs.length === 1;
    });
    make("killed.go");
    expect((await (await rig.resume(handle.id, workflow)).result()).outcome).toBe("SUCCEEDED");
    expect(lines("killed.log")).toEqual(["killed", "killed"]);
  });

  it("goes on within a sub-workflow, too", async () => {
    const inner = testWorkflow(
      [
        shellStep("inner-one", "echo one >> inner.log"),
        shellStep("inner-two", waits("inner-two"), { dependsOn: ["inner-one"] }),
      ],
      { name: "inner", hash: "inner" },
    );
    const workflow = testWorkflow([testStep("sub", subWorkflow(inner))]);
    const handle = await rig.start(workflow);
    await there("inner-two.begun");
    handle.interrupt();
    expect((await handle.result()).outcome).toBe("INTERRUPTED");
    make("inner-two.go");
    expect((await (await rig.resume(handle.id, workflow)).result()).outcome).toBe("SUCCEEDED");
    expect(lines("inner.log")).toEqual(["one"]);
    expect(lines("inner-two.log")).toEqual(["inner-two", "inner-two"]);
  });

  it("ends as it would have where it is ending already", async () => {
    const workflow = testWorkflow([
      shellStep("fails", "until test -e slow.begun; do sleep 0.02; done; exit 3"),
      shellStep("slow", "touch slow.begun; sleep 60"),
    ]);
    const handle = await rig.start(workflow);
    await until(async () => (await listRuns(rig.journal))[0]?.header["message"] !== null);
    handle.interrupt();
    expect((await handle.result()).outcome).toBe("FAILED");
  });
});

describe("a retry", () => {
  const flaky = (name: string): string => `echo ${name} >> ${name}.tries; test -e ${name}.ok`;
  const workflow = testWorkflow([
    shellStep("good", "echo good >> good.tries"),
    shellStep("bad", flaky("bad"), { dependsOn: ["good"] }),
    shellStep("after", "echo after >> after.tries", { dependsOn: ["bad"] }),
  ]);

  it("decides again on the dependants with a condition, and repeats what waits for one that had run", async () => {
    const steps = testWorkflow([
      shellStep("lint", "echo lint >> lint.tries; exit 1", { onFailure: "continue" }),
      shellStep("report", "echo report >> report.tries", { dependsOn: ["lint"] }),
      shellStep("deploy", flaky("deploy"), { dependsOn: ["report"] }),
      shellStep("rollback", "echo rollback >> rollback.tries", {
        dependsOn: ["deploy"],
        condition: "failure() && steps.deploy.status == 'FAILED'",
      }),
      shellStep("told", "echo told >> told.tries", { dependsOn: ["rollback"], condition: "always()" }),
    ]);
    const { run } = await rig.run(steps);
    expect(lines("rollback.tries")).toHaveLength(1);
    const failedAgain = await (await rig.retry(run, steps)).result();
    expect([failedAgain.outcome, lines("deploy.tries").length]).toEqual(["FAILED", 2]);
    expect([lines("rollback.tries"), lines("told.tries")].map(({ length }) => length)).toEqual([2, 2]);
    make("deploy.ok");
    const mended = await (await rig.retry(run, steps)).result();
    expect([mended.outcome, statusOf(mended.steps)]).toEqual([
      "SUCCEEDED",
      expect.objectContaining({ rollback: "SKIPPED", told: "SUCCEEDED" }),
    ]);
    expect(lines("told.tries")).toHaveLength(3);
    // A step without a condition keeps its success, although a failure that the run tolerates is tried again. In the run that
    // failed again, it may have been stopped before it wrote.
    expect(lines("lint.tries").length).toBeGreaterThan(1);
    expect(lines("report.tries")).toHaveLength(1);
  });

  it("begins only what failed and what waited for it; a resume of an ended run begins nothing", async () => {
    const failed = await rig.run(workflow);
    expect(failed.outcome).toBe("FAILED");
    expect((await (await rig.resume(failed.run, workflow)).result()).outcome).toBe("FAILED");
    expect(lines("bad.tries")).toHaveLength(1);
    await rig.restart();
    const again = await (await rig.retry(failed.run, workflow)).result();
    expect(again.outcome).toBe("FAILED");
    make("bad.ok");
    const result = await (await rig.retry(failed.run, workflow)).result();
    expect(result.outcome).toBe("SUCCEEDED");
    expect(
      [lines("good.tries"), lines("bad.tries"), lines("after.tries")].map(({ length }) => length),
    ).toEqual([1, 3, 1]);
    expect(result.steps.map(({ attempts }) => attempts)).toEqual([1, 3, 1]);
    const stored = await readRun(rig.journal, failed.run);
    expect(stored?.header).toMatchObject({ outcome: "SUCCEEDED", message: null });
    expect(stored && statusOf(storedSteps(stored, workflow))).toEqual(statusOf(result.steps));

    await expect(rig.retry(failed.run, workflow)).rejects.toMatchObject({ code: "AC_WORKFLOW_ENDED" });
    await expect(rig.retry(failed.run, workflow, { kind: "from", step: "nope" })).rejects.toMatchObject({
      message: expect.stringContaining('no step "nope"; there are good, bad, after') as string,
    });
    const from = await (await rig.retry(failed.run, workflow, { kind: "from", step: "bad" })).result();
    expect(from.outcome).toBe("SUCCEEDED");
    expect(
      [lines("good.tries"), lines("bad.tries"), lines("after.tries")].map(({ length }) => length),
    ).toEqual([1, 4, 2]);
  });

  it("of a run that was out of time has the whole time again", async () => {
    const late = testWorkflow([shellStep("late", "echo late >> late.tries; test -e late.ok || sleep 60")], {
      timeoutMs: 400,
    });
    const timedOut = await rig.run(late);
    expect(timedOut.outcome).toBe("TIMED_OUT");
    make("late.ok");
    expect((await (await rig.retry(timedOut.run, late)).result()).outcome).toBe("SUCCEEDED");
  });
});

it("a run ends CANCELLED when another process asks for it; an old request ends no later try", async () => {
  const workflow = testWorkflow([shellStep("long", waits("long"))]);
  const handle = await rig.start(workflow);
  await there("long.begun");
  await requestCancel(rig.journal, handle.id, { at: Date.now(), message: "cancelled by a test" });
  const result = await handle.result();
  expect(result).toMatchObject({ outcome: "CANCELLED", reason: "cancelled by a test" });
  make("long.go");
  expect((await (await rig.retry(handle.id, workflow)).result()).outcome).toBe("SUCCEEDED");
});

it("a step that a stopped run never began has no record of its own, only its state in that of the run", async () => {
  const workflow = testWorkflow([
    shellStep("begun", waits("begun")),
    shellStep("unbegun", "true", { dependsOn: ["begun"] }),
  ]);
  const handle = await rig.start(workflow);
  await there("begun.begun");
  handle.cancel({ reason: "cancelled by a test" });
  await handle.result();
  const context = join(rig.workspace, "context");
  const { steps } = JSON.parse(readFileSync(join(context, "_workflow.json"), "utf8"));
  expect(steps).toEqual({ begun: "CANCELLED", unbegun: "SKIPPED" });
  expect(["begun", "unbegun"].map((step) => existsSync(join(context, step, "_meta.json")))).toEqual([
    true,
    false,
  ]);
});

it("a run whose definition is gone ends by its journal alone, and can be retried when that is back", async () => {
  const workflow = testWorkflow([
    shellStep("gone", waits("gone")),
    shellStep("then", "true", { dependsOn: ["gone"] }),
  ]);
  const handle = await rig.start(workflow);
  await there("gone.begun");
  handle.interrupt();
  await handle.result();
  await endRun(rig.journal, handle.id, { at: Date.now(), message: "cancelled by a test" });
  expect((await listRuns(rig.journal))[0]?.header).toMatchObject({
    outcome: "CANCELLED",
    interrupted: false,
  });
  const ended = await (await rig.resume(handle.id, workflow)).result();
  expect(ended).toMatchObject({ outcome: "CANCELLED", reason: "cancelled by a test" });
  make("gone.go");
  expect((await (await rig.retry(handle.id, workflow)).result()).outcome).toBe("SUCCEEDED");
});

describe("a damaged journal", () => {
  const workflow = testWorkflow([shellStep("a", "true")]);
  const event = (step: string): JournalValue => ({
    type: "event",
    at: 1,
    event: { type: "step", step, event: { type: "skipped", reason: "", passes: true } },
  });
  it.each<[string, JournalValue]>([
    ["no object", "nonsense"],
    ["another type", { type: "exploded", at: 1 }],
    [
      "a lost field",
      { type: "event", at: 1, event: { type: "step", step: "a", event: { type: "work_started" } } },
    ],
    ["a field of another kind", { type: "resumed", at: "yesterday" }],
    ["an unknown step", event("b")],
    ["a second beginning", null],
  ])("is one error that names the run and the entry: %s", async (_what, entry) => {
    const { run } = await rig.run(workflow);
    const stream = (await rig.journal.read(runStream(run)))!;
    const { length } = stream.entries;
    await rig.journal.append(runStream(run), { after: length, entries: [entry ?? stream.entries[0]!] });
    await expect(rig.resume(run, workflow)).rejects.toMatchObject({
      code: "AC_WORKFLOW_RECORD",
      message: expect.stringContaining(`entry ${length + 1} in the journal of workflow run ${run}`) as string,
    });
  });
});
