/** The looks of a probe, with real processes: beside the worker, contained like it, and never longer than they may be. */
import { probeOutputBytesMax } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { createFakeAgent } from "../testing/fake-agent.ts";
import type { FakeStep } from "../testing/fake-agent-script.ts";
import { drive, type DriveOptions } from "../testing/drive.ts";
import { scriptedAdapter } from "../testing/scripted-adapter.ts";
import { findSurvivors } from "../testing/survivors.ts";

const ready: FakeStep = { do: "print", stream: "stderr", lines: ["ready"] };
const hang: FakeStep = { do: "hang" };

/** A worker that is at work until it is stopped. */
async function atWork(options: Partial<DriveOptions> = {}) {
  const agent = createFakeAgent([ready, hang]);
  const run = await drive({ adapter: scriptedAdapter, program: agent.program, ...options });
  await run.seen((event) => event.type === "stderr" && event.text === "ready");
  return run;
}

const tag = (): string => `probe-${process.pid}-${performance.now()}`;

describe("a look", () => {
  it("sees the workspace and the task's environment, and none of the worker's credentials", async () => {
    const adapter = { ...scriptedAdapter, plan: withSecret };
    const run = await atWork({ adapter, task: { env: { CASE: "seven" } } });
    const output = await run.probe('echo "$PWD $CASE [$SECRET]"; echo oops >&2; exit 3');
    expect(output).toEqual({
      exitCode: 3,
      stdout: `${run.workspace} seven []\n`,
      stderr: "oops\n",
      failure: null,
    });
    run.cancel();
    await run.result;
  });

  it("that hangs is ended after its time, with all that it started", async () => {
    const run = await atWork();
    const mark = tag();
    const script = `setsid tail -f /dev/null --pid=$$ ${mark} & exec -a ${mark} tail -f /dev/null`;
    expect(await run.probe(script, 300)).toMatchObject({ failure: "the probe took longer than 300 ms" });
    expect(findSurvivors([mark])).toEqual([]);
    run.cancel();
    expect((await run.result).containment?.survivors).toBe(0);
  });

  it("that floods is ended at once, and bounded in memory", async () => {
    const run = await atWork();
    const output = await run.probe("yes", 60_000);
    expect(output?.failure).toBe("the probe printed more than 64 KiB");
    expect(output?.stdout.length).toBeLessThanOrEqual(probeOutputBytesMax);
    run.cancel();
    await run.result;
  });

  it("keeps no more of stderr than the first part, and says so", async () => {
    const run = await atWork();
    const output = await run.probe("yes | head -c 100000 >&2; echo '{}'");
    expect(output).toMatchObject({ stdout: "{}\n", failure: null });
    expect(output?.stderr.length).toBeLessThan(17_000);
    expect(output?.stderr).toMatch(/\(more than 16384 bytes\)$/);
    run.cancel();
    await run.result;
  });

  it("ends with the run, whatever it ignores, and holds up nothing", async () => {
    const run = await atWork();
    const mark = tag();
    const looking = run.probe(`trap '' TERM; echo > begun; exec -a ${mark} tail -f /dev/null`);
    await run.probe("until test -e begun; do :; done");
    run.cancel();
    const ended = await run.result;
    expect(ended).toMatchObject({ outcome: "cancelled", containment: { survivors: 0 } });
    expect(await looking).toBeNull();
    expect(findSurvivors([mark])).toEqual([]);
  });

  it("does not go on while the worker is given time to end", async () => {
    const agent = createFakeAgent([{ do: "ignore_signals" }, ready, hang]);
    const limits = { graceMs: 600_000, secondTermAfterMs: 500_000 };
    const run = await drive({ adapter: scriptedAdapter, program: agent.program, limits });
    await run.seen((event) => event.type === "stderr");
    const looking = run.probe("tail -f /dev/null", 600_000);
    run.cancel();
    expect(await looking).toBeNull();
    run.cancel({ force: true });
    expect((await run.result).outcome).toBe("cancelled");
  });

  it("ends with a worker that ends by itself", async () => {
    const adapter = { ...scriptedAdapter, plan: waitsForFile };
    const run = await drive({ adapter, program: "/bin/sh" });
    await run.started;
    const looking = run.probe("echo > go; tail -f /dev/null");
    expect((await run.result).outcome).toBe("succeeded");
    expect(await looking).toBeNull();
    expect(await run.probe("true")).toBeNull();
  });
});

const waitsForFile: typeof scriptedAdapter.plan = (task, context) => ({
  ...scriptedAdapter.plan(task, context),
  command: context.program,
  args: ["-c", `until test -e go; do :; done; echo '{"type":"result","ok":true,"summary":"done"}'`],
});

const withSecret: typeof scriptedAdapter.plan = (task, context) => ({
  ...scriptedAdapter.plan(task, context),
  env: { SECRET: "sk-1" },
});

it("says aloud which settings of a task the worker does not have", async () => {
  const run = await atWork({ task: { variant: "high", maxSteps: 3 } });
  const warnings = run.events.filter((event) => event.type === "warning");
  expect(warnings).toEqual([
    { type: "warning", text: "variant has no effect: Scripted agent has no such setting" },
    { type: "warning", text: "maxSteps has no effect: Scripted agent has no such setting" },
  ]);
  run.cancel();
  await run.result;
});
