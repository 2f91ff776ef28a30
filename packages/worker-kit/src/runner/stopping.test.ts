/** How runs end: by themselves, by a stop, by their output. The first cause counts, and nothing stays behind. */
import type { Containment } from "@agentcore/containment";
import { Cancellation, type StopCause, type WorkerAdapter } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { createFakeAgent } from "../testing/fake-agent.ts";
import { fakeChildren, type FakeStep } from "../testing/fake-agent-script.ts";
import { drive, machineContainment, type DriveOptions } from "../testing/drive.ts";
import { scriptedAdapter } from "../testing/scripted-adapter.ts";
import { findSurvivors } from "../testing/survivors.ts";

const success = '{"type":"result","ok":true,"summary":"done"}';
const say: FakeStep = { do: "print", stream: "stdout", lines: [success] };
const ready: FakeStep = { do: "print", stream: "stderr", lines: ["ready"] };
const hang: FakeStep = { do: "hang" };

/** Starts the steps, and waits until the worker says that it is ready. */
async function runUntilReady(steps: readonly FakeStep[], options: Partial<DriveOptions> = {}) {
  const agent = createFakeAgent(steps);
  const driven = await drive({ adapter: scriptedAdapter, program: agent.program, ...options });
  await driven.seen((event) => event.type === "stderr" && event.text === "ready");
  return { ...driven, agent };
}

describe("a worker that has reported its end and does not exit", () => {
  const failure = '{"type":"result","ok":false,"summary":"refused","class":"auth","status":401}';
  const ended = async (steps: readonly FakeStep[], options: Partial<DriveOptions> = {}) => {
    const run = await runUntilReady([...steps, ready, hang], options);
    run.endAsReported("it did not exit");
    return run;
  };

  it("is ended, and its success counts with everything that a success is checked for", async () => {
    const run = await ended([say, { do: "write_file", path: "a.txt", content: "a" }], {
      task: { verify: "test -f a.txt", outputs: [{ name: "a", path: "a.txt", optional: false }] },
    });
    expect(await run.result).toMatchObject({
      outcome: "succeeded",
      summary: "done",
      exitCode: null,
      artifacts: expect.arrayContaining([expect.objectContaining({ name: "a" })]),
      containment: { survivors: 0, signals: expect.arrayContaining(["TERM"]) },
    });
    expect(run.events).toContainEqual({ type: "warning", text: "it did not exit" });
  });

  it("is ended by KILL if it ignores TERM, and its success counts", async () => {
    const run = await ended([{ do: "ignore_signals" }, say], {
      limits: { graceMs: 300, secondTermAfterMs: 100 },
    });
    expect((await run.result).outcome).toBe("succeeded");
  });

  it("has its own error as the outcome", async () => {
    const run = await ended([{ do: "print", stream: "stdout", lines: [failure] }]);
    expect(await run.result).toMatchObject({
      outcome: "failed",
      errorClass: "auth",
      summary: expect.stringContaining("refused"),
    });
  });

  it("fails if its work does not pass the verify script", async () => {
    const run = await ended([say], { task: { verify: "false" } });
    expect(await run.result).toMatchObject({ outcome: "failed", code: "AC_VERIFY_FAILED" });
  });

  it("is cancelled if that was asked for before", async () => {
    const run = await runUntilReady([{ do: "flush_on_term", ms: 300, code: 0 }, say, ready, hang]);
    run.cancel();
    run.endAsReported("it did not exit");
    expect((await run.result).outcome).toBe("cancelled");
  });
});

describe("a run that is stopped", () => {
  it.each<[StopCause["kind"], StopCause["code"], string, string]>([
    ["cancelled", "AC_CANCELLED", "cancelled", "cancelled"],
    ["deadline", "AC_TIMEOUT", "timed_out", "timeout"],
    ["stalled", "AC_STALLED", "stalled", "stalled"],
    ["budget", "AC_COST_CEILING", "budget_exhausted", "budget_exhausted"],
    ["runtime_lost", "AC_RUNTIME_LOST", "lost", "lost"],
    ["isolated", "AC_WORKER_ISOLATED", "cancelled", "cancelled"],
  ])("for %s has that as its outcome", async (kind, code, outcome, errorClass) => {
    const { cancel, result } = await runUntilReady([ready, hang]);
    cancel({ reason: { kind, code, message: `stopped: ${kind}` } });
    expect(await result).toMatchObject({
      outcome,
      errorClass,
      code,
      summary: `stopped: ${kind}`,
      exitCode: null,
      containment: { survivors: 0, signals: expect.arrayContaining(["TERM"]) },
    });
  });

  it("lets the worker finish what it does on TERM", async () => {
    const { cancel, result, agent } = await runUntilReady([
      { do: "flush_on_term", ms: 300, code: 0 },
      ready,
      hang,
    ]);
    cancel();
    expect((await result).outcome).toBe("cancelled");
    expect(agent.ledger().map(({ event }) => event)).toContain("flushed");
  });

  it.each<[string, readonly FakeStep[], string]>([
    [
      "has the cancel as its outcome if a signal ended the worker",
      [{ do: "die", signal: "SIGTERM" }],
      "cancelled",
    ],
    [
      "has the cancel as its outcome if the worker failed, as one may that got the signal, too",
      [{ do: "exit", code: 3 }],
      "cancelled",
    ],
    ["keeps the worker's own success", [say], "succeeded"],
  ])("while its box is emptied %s", async (_what, steps, outcome) => {
    const cancellation = new Cancellation<StopCause>();
    const containment = await machineContainment();
    const cancelWhenEnded: Containment = {
      ...containment,
      start: async (command) => {
        const contained = await containment.start(command);
        const finish = contained.finish.bind(contained);
        const reason: StopCause = {
          kind: "cancelled",
          code: "AC_CANCELLED",
          message: "hung up",
          evidence: {},
        };
        return Object.assign(contained, {
          finish: () => {
            cancellation.cancel({ reason });
            return finish();
          },
        });
      },
    };
    const { result } = await drive({
      adapter: scriptedAdapter,
      program: createFakeAgent(steps).program,
      containment: cancelWhenEnded,
      signal: cancellation,
    });
    expect((await result).outcome).toBe(outcome);
  });

  it("is killed after the grace where the worker ignores TERM", async () => {
    const limits = { graceMs: 300, secondTermAfterMs: 100 };
    const { cancel, result } = await runUntilReady([{ do: "ignore_signals" }, ready, hang], { limits });
    cancel();
    const ended = await result;
    expect(ended.outcome).toBe("cancelled");
    expect(ended.containment?.signals.slice(0, 3)).toEqual(["TERM", "TERM", "KILL"]);
  });

  it("is killed at once where the cause asks for it", async () => {
    const { cancel, result } = await runUntilReady([{ do: "ignore_signals" }, ready, hang]);
    cancel({ force: true });
    const ended = await result;
    expect(ended.outcome).toBe("cancelled");
    expect(ended.containment?.signals).not.toContain("TERM");
  });

  it("is killed at once where force is asked for later", async () => {
    const { cancel, result } = await runUntilReady([{ do: "ignore_signals" }, ready, hang], {
      limits: { graceMs: 600_000, secondTermAfterMs: 500_000 },
    });
    cancel();
    cancel({ force: true });
    cancel({ force: true });
    const ended = await result;
    expect(ended.outcome).toBe("cancelled");
    expect(ended.containment?.signals).toContain("KILL");
  });

  it.each(fakeChildren)("takes a %s child with it", async (how) => {
    const child: FakeStep = { do: "spawn", how, holdOutput: true };
    const { cancel, result, agent, started } = await runUntilReady([child, ready, hang]);
    cancel();
    expect((await result).containment).toMatchObject({ survivors: 0 });
    expect(findSurvivors([agent.tag, (await started).marker])).toEqual([]);
  });

  it("keeps what the worker did until then", async () => {
    const { cancel, result } = await runUntilReady([
      { do: "write_file", path: "half", content: "x" },
      {
        do: "print",
        stream: "stdout",
        lines: ['{"type":"tool_call","id":"1","tool":"sh","summary":"","command":"ls"}'],
      },
      ready,
      hang,
    ]);
    cancel();
    const ended = await result;
    expect(ended.observations).toEqual({
      commands: [{ command: "ls", exitCode: null }],
      filesChanged: ["half"],
    });
    expect(ended.artifacts.map(({ name }) => name)).toEqual(["stdout", "stderr"]);
  });

  it("before it began has started nothing", async () => {
    const agent = createFakeAgent([say]);
    const signal = new Cancellation<StopCause>();
    const reason = { code: "AC_TIMEOUT", message: "no time left", evidence: {} } as const;
    signal.cancel({ reason: { kind: "deadline", ...reason } });
    const driven = await drive({ adapter: scriptedAdapter, program: agent.program, signal });
    expect(await driven.result).toMatchObject({
      outcome: "timed_out",
      code: "AC_TIMEOUT",
      containment: null,
    });
    expect(agent.ledger()).toEqual([]);
  });

  it("while it was being prepared has let nothing go", async () => {
    const agent = createFakeAgent([say]);
    const driven = await drive({ adapter: scriptedAdapter, program: agent.program });
    driven.cancel();
    const ended = await driven.result;
    expect(ended.outcome).toBe("cancelled");
    await expect(driven.started).rejects.toThrow("the worker was not started");
    expect(agent.ledger()).toEqual([]);
  });
});

describe("a run that ends by itself", () => {
  it("is not changed by a stop that comes later", async () => {
    const agent = createFakeAgent([say]);
    const driven = await drive({ adapter: scriptedAdapter, program: agent.program });
    const ended = await driven.result;
    driven.cancel();
    driven.cancel({ force: true });
    expect(ended).toMatchObject({
      outcome: "succeeded",
      summary: "done",
      exitCode: 0,
      containment: { survivors: 0 },
    });
  });

  it.each(fakeChildren)("leaves no %s child behind, also after a success", async (how) => {
    const agent = createFakeAgent([{ do: "spawn", how, holdOutput: false }, say, { do: "exit", code: 0 }]);
    const driven = await drive({ adapter: scriptedAdapter, program: agent.program });
    expect(await driven.result).toMatchObject({ outcome: "succeeded", containment: { survivors: 0 } });
    expect(agent.ledger()).toContainEqual(expect.objectContaining({ event: "spawned", how }));
    expect(findSurvivors([agent.tag, (await driven.started).marker])).toEqual([]);
  });

  it.each(["SIGKILL", "SIGSEGV", "SIGTERM", "SIGABRT"] as const)("by %s has crashed", async (signal) => {
    const agent = createFakeAgent([{ do: "die", signal }]);
    const driven = await drive({ adapter: scriptedAdapter, program: agent.program });
    const ended = await driven.result;
    expect(ended).toMatchObject({
      outcome: "failed",
      errorClass: "worker_crashed",
      code: "AC_WORKER_SIGNAL",
      exitCode: null,
    });
    expect(ended.summary).toContain(signal);
  });

  it("with an exit code other than 0 has that in its result", async () => {
    const agent = createFakeAgent([
      { do: "print", stream: "stderr", lines: ["no luck"] },
      { do: "exit", code: 7 },
    ]);
    const driven = await drive({ adapter: scriptedAdapter, program: agent.program });
    expect(await driven.result).toMatchObject({
      errorClass: "worker_crashed",
      code: "AC_WORKER_EXIT",
      exitCode: 7,
      summary: "exited with code 7 and no result: no luck",
    });
  });
});

describe("a run whose output is beyond hope", () => {
  const hopeless: WorkerAdapter = {
    ...scriptedAdapter,
    createReader(context) {
      const reader = scriptedAdapter.createReader(context);
      let seen = false;
      return {
        ...reader,
        stdout(line, oversized) {
          seen ||= line === "garbage";
          return reader.stdout(line, oversized);
        },
        fatal: () =>
          seen
            ? { class: "provider_unavailable", message: "garbage for ever", status: null, retryAfterMs: null }
            : null,
      };
    },
  };

  it("is stopped as soon as the reader says so, with the reader's error as its result", async () => {
    const agent = createFakeAgent([{ do: "print", stream: "stdout", lines: ["garbage"] }, hang]);
    const driven = await drive({ adapter: hopeless, program: agent.program });
    expect(await driven.result).toMatchObject({
      outcome: "failed",
      errorClass: "provider_unavailable",
      code: "AC_PROVIDER_STATUS",
      summary: "garbage for ever",
    });
  });

  const error = { class: "rate_limited", message: "slow down", status: 429, retryAfterMs: null } as const;
  const waits = (forMs: number): WorkerAdapter => ({
    ...scriptedAdapter,
    createReader(context) {
      const reader = scriptedAdapter.createReader(context);
      let waiting: { error: typeof error; forMs: number } | null = null;
      const wait = { error, forMs };
      return {
        ...reader,
        stdout(line, oversized) {
          waiting = line === "429" ? wait : null;
          return reader.stdout(line, oversized);
        },
        waiting: () => waiting,
      };
    },
  });
  const print = (stream: "stdout" | "stderr", line: string): FakeStep => ({
    do: "print",
    stream,
    lines: [line],
  });

  it("is stopped when the reader's wait is over, whatever is logged meanwhile", async () => {
    const agent = createFakeAgent([print("stdout", "429"), print("stderr", "log"), hang]);
    const driven = await drive({ adapter: waits(100), program: agent.program });
    expect(await driven.result).toMatchObject({ errorClass: "rate_limited", code: "AC_PROVIDER_STATUS" });
  });

  it("goes on where the worker says something in time", async () => {
    const agent = createFakeAgent([print("stdout", "429"), print("stdout", success)]);
    const driven = await drive({ adapter: waits(60_000), program: agent.program });
    expect((await driven.result).outcome).toBe("succeeded");
  });

  it("is stopped where the reader throws, and the process that reads lives on", async () => {
    const broken: WorkerAdapter = {
      ...scriptedAdapter,
      createReader: (context) => ({
        ...scriptedAdapter.createReader(context),
        stdout() {
          throw new TypeError("undefined is not a function");
        },
      }),
    };
    const agent = createFakeAgent([{ do: "print", stream: "stdout", lines: ["x"] }, hang]);
    const driven = await drive({ adapter: broken, program: agent.program });
    expect(await driven.result).toMatchObject({
      errorClass: "worker_protocol",
      code: "AC_ADAPTER_INVALID",
      summary: "the adapter failed while reading the output: undefined is not a function",
    });
  });

  it.each([
    ["returns events that are none", { stdout: () => [{ type: "no such event" }] as never }],
    [
      "throws at the end",
      {
        end: () => {
          throw new Error("no end");
        },
      },
    ],
  ])("has failed where the reader %s", async (_what, members) => {
    const broken: WorkerAdapter = {
      ...scriptedAdapter,
      createReader: (context) => ({ ...scriptedAdapter.createReader(context), ...members }),
    };
    const agent = createFakeAgent([say]);
    const driven = await drive({ adapter: broken, program: agent.program });
    expect(await driven.result).toMatchObject({ outcome: "failed", code: "AC_ADAPTER_INVALID" });
  });

  it("is stopped where the caller's own observer throws", async () => {
    const agent = createFakeAgent([ready, hang]);
    const driven = await drive({
      adapter: scriptedAdapter,
      program: agent.program,
      onEvent: () => {
        throw new Error("the screen is gone");
      },
    });
    expect(await driven.result).toMatchObject({
      outcome: "failed",
      errorClass: "internal",
      code: "AC_INTERNAL",
      containment: { survivors: 0 },
    });
  });
});
