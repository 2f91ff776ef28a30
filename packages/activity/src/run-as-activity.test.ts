/** Activities over both doors: AgentCore in this process, and a daemon. The worker is a function. */
import { memoryPorts, serveTestApi } from "@agentcore/api/testing";
import { createClient } from "@agentcore/client";
import { AgentCoreError, silentLog, systemClock, systemIds, type WorkerResult } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import { createMemoryStore, createScheduler, QueueClient } from "@agentcore/scheduler";
import {
  createFakeRuntime,
  testResult,
  type FakeExecution,
  type FakeRuntime,
} from "@agentcore/scheduler/testing";
import { afterEach, describe, expect, it } from "vitest";
import {
  ActivityFailure,
  cancelActivity,
  runAsActivity,
  type ActivityContext,
  type ActivityCore,
  type ActivityRequest,
  type LibraryCore,
} from "./index.ts";

type Worker = (execution: FakeExecution) => Promise<WorkerResult> | WorkerResult;

interface Opened {
  readonly core: ActivityCore;
  readonly runtime: FakeRuntime;
  readonly close: () => Promise<void>;
}

async function openLibrary(execute: Worker): Promise<Opened & { readonly core: LibraryCore }> {
  const runtime = createFakeRuntime({ clock: systemClock, execute });
  const scheduler = await createScheduler({ store: createMemoryStore(), runtime });
  const core = { submit: scheduler.submit.bind(scheduler), scheduler };
  return { core, runtime, close: () => scheduler.close() };
}

async function openDaemon(execute: Worker): Promise<Opened> {
  const runtime = createFakeRuntime({ clock: systemClock, execute });
  const store = createMemoryStore();
  const scheduler = await createScheduler({ store, runtime });
  const client = new QueueClient({ store, clock: systemClock, ids: systemIds, log: silentLog });
  const api = await serveTestApi({ ports: memoryPorts({ client }) });
  return {
    core: createClient({ url: `unix://${api.socket}` }),
    runtime,
    close: async () => {
      await scheduler.close();
      client.closeClient();
      await api.close();
    },
  };
}

const opened: Opened[] = [];
afterEach(async () => {
  for (const { close } of opened.splice(0)) await close();
});

const doors = { "the library": openLibrary, "a daemon": openDaemon };

const request: ActivityRequest = {
  task: { worker: "agent", workspace: "/projects/shop", instructions: "review", capabilities: ["read"] },
};
const context: ActivityContext = { activityId: "order-7/review" };

const failed = (errorClass: WorkerResult["errorClass"], rest: Partial<WorkerResult> = {}): WorkerResult =>
  testResult({ outcome: "failed", errorClass, code: null, summary: "it failed", ...rest });

async function failureOf(running: Promise<unknown>): Promise<ActivityFailure> {
  const error: unknown = await running.then(
    () => new Error("it succeeded"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ActivityFailure) return error;
  throw error;
}

describe.each(Object.entries(doors))("an activity over %s", (_name, openDoor) => {
  const open = async (execute: Worker): Promise<Opened> => {
    const door = await openDoor(execute);
    opened.push(door);
    return door;
  };

  it("returns the end of its job as plain data", async () => {
    const { core } = await open(() =>
      testResult({ summary: "reviewed", costUsd: 0.5, costBasis: "reported" }),
    );
    const result = await runAsActivity(core, request, context);
    expect(result).toMatchObject({
      jobId: "activity:order-7/review",
      outcome: "succeeded",
      errorClass: null,
      summary: "reviewed",
      attempts: 1,
      costUsd: 0.5,
    });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  it("has one job, however often the engine delivers it: at once, while it runs and after its end", async () => {
    const { promise: goOn, resolve } = Promise.withResolvers<WorkerResult>();
    const { core, runtime } = await open(() => goOn);
    const deliveries = [runAsActivity(core, request, context), runAsActivity(core, request, context)];
    await until(() => runtime.ledger.length === 1);
    deliveries.push(runAsActivity(core, request, { ...context, attempt: 2 }));
    resolve(testResult({ summary: "once" }));
    const results = await Promise.all(deliveries);
    results.push(await runAsActivity(core, request, { ...context, attempt: 3 }));
    expect(results.map(({ summary }) => summary)).toEqual(["once", "once", "once", "once"]);
    expect(new Set(results.map(({ jobId }) => jobId)).size).toBe(1);
    expect(runtime.ledger).toHaveLength(1);
  });

  it("is repeated by the engine: the second try runs again, and a try that is delivered twice does not", async () => {
    const ends = [failed("task_failed"), failed("network"), testResult({ summary: "third" })];
    const { core, runtime } = await open(() => ends[runtime.ledger.length - 1]!);
    const tryOf = (attempt: number) => runAsActivity(core, request, { ...context, attempt });
    expect(await failureOf(tryOf(1))).toMatchObject({ retryable: true, errorClass: "task_failed" });
    expect(await failureOf(tryOf(1))).toMatchObject({ retryable: true, errorClass: "task_failed" });
    expect(runtime.ledger).toHaveLength(1);
    expect(await failureOf(tryOf(2))).toMatchObject({ retryable: true, errorClass: "network" });
    // An engine that counts anew after a crash gets the last end again.
    expect(await failureOf(tryOf(1))).toMatchObject({ retryable: true, errorClass: "network" });
    expect(runtime.ledger).toHaveLength(2);
    const third = { summary: "third", jobId: "activity:order-7/review#3" };
    expect(await tryOf(3)).toMatchObject(third);
    expect(await tryOf(1)).toMatchObject(third);
    expect(runtime.ledger).toHaveLength(3);
  });

  it("is final if the engine does not count its tries", async () => {
    const { core, runtime } = await open(() => failed("task_failed"));
    expect(await failureOf(runAsActivity(core, request, context))).toMatchObject({ retryable: false });
    expect(await failureOf(runAsActivity(core, request, context))).toMatchObject({ retryable: false });
    expect(runtime.ledger).toHaveLength(1);
  });

  it.each([
    ["of a class that is not retried", () => failed("auth"), "auth"],
    ["whose processes are left", () => failed("timeout", { containment: receipt(1) }), "timeout"],
    [
      "whose probe found the end",
      () => failed("stalled", { outcome: "stalled", code: "AC_PROBE_TERMINAL" }),
      "stalled",
    ],
  ])("is final after an end %s", async (_what, end, errorClass) => {
    const { core, runtime } = await open(end);
    expect(await failureOf(runAsActivity(core, request, { ...context, attempt: 1 }))).toMatchObject({
      retryable: false,
      errorClass,
    });
    expect(await failureOf(runAsActivity(core, request, { ...context, attempt: 9 }))).toMatchObject({
      retryable: false,
    });
    expect(runtime.ledger).toHaveLength(1);
  });

  it("is not repeated by the engine if AgentCore repeats the work", async () => {
    const { core, runtime } = await open(() => failed("task_failed"));
    const repeated = { ...request, limits: { maxAttempts: 2 }, retry: { baseDelayMs: 1 } };
    const failure = await failureOf(runAsActivity(core, repeated, { ...context, attempt: 1 }));
    expect(failure).toMatchObject({ retryable: false, result: { attempts: 2 } });
    await failureOf(runAsActivity(core, repeated, { ...context, attempt: 2 }));
    expect(runtime.ledger).toHaveLength(2);
  });

  it("spends no more than its ceiling over all jobs", async () => {
    const granted: (number | null)[] = [];
    const { core } = await open(({ permit }) => {
      granted.push(permit.grants.maxCostUsd);
      return failed("task_failed", { costUsd: 2, costBasis: "reported" });
    });
    const capped = { ...request, limits: { maxCostUsd: 3 } };
    await failureOf(runAsActivity(core, capped, { ...context, attempt: 1 }));
    await failureOf(runAsActivity(core, capped, { ...context, attempt: 2 }));
    expect(granted).toEqual([3, 1]);
    expect(await failureOf(runAsActivity(core, capped, { ...context, attempt: 3 }))).toMatchObject({
      retryable: false,
      code: "AC_COST_CEILING",
    });
    expect(granted).toHaveLength(2);
  });

  it("stops its worker when it is cancelled, and ends after that", async () => {
    const { promise: stopped, resolve } = Promise.withResolvers<WorkerResult>();
    let asked = false;
    const { core, runtime } = await open(({ signal }) => {
      signal.onChange(() => (asked = true));
      return stopped;
    });
    const cancel = new AbortController();
    let isOver = false;
    const failure = failureOf(
      runAsActivity(core, request, { ...context, cancelSignal: cancel.signal }),
    ).finally(() => (isOver = true));
    await until(() => runtime.ledger.length === 1);
    cancel.abort();
    await until(() => asked);
    expect(isOver).toBe(false);
    resolve(testResult({ outcome: "cancelled", errorClass: "cancelled", code: "AC_CANCELLED" }));
    expect(await failure).toMatchObject({ retryable: false, code: "AC_CANCELLED", errorClass: "cancelled" });
  });

  it("submits nothing after it was cancelled", async () => {
    const { core, runtime } = await open(() => testResult());
    const cancelSignal = AbortSignal.abort();
    expect(await failureOf(runAsActivity(core, request, { ...context, cancelSignal }))).toMatchObject({
      retryable: false,
      code: "AC_CANCELLED",
    });
    expect(runtime.ledger).toHaveLength(0);
  });

  it("is cancelled from elsewhere", async () => {
    const { core, runtime } = await open(({ signal }) => {
      const { promise, resolve } = Promise.withResolvers<WorkerResult>();
      signal.onChange(() => resolve(testResult({ outcome: "cancelled", errorClass: "cancelled" })));
      return promise;
    });
    const failure = failureOf(runAsActivity(core, request, context));
    await until(() => runtime.ledger.length === 1);
    expect(await cancelActivity(core, { activityId: "another" })).toBe(false);
    expect(await cancelActivity(core, context)).toBe(true);
    expect(await failure).toMatchObject({ retryable: false, code: "AC_CANCELLED" });
  });

  it("lets its job go on when the engine no longer waits, and the next try gets the result", async () => {
    const { promise, resolve } = Promise.withResolvers<WorkerResult>();
    const { core, runtime } = await open(() => promise);
    const detach = new AbortController();
    const failure = failureOf(runAsActivity(core, request, { ...context, detachSignal: detach.signal }));
    await until(() => runtime.ledger.length === 1);
    detach.abort();
    expect(await failure).toMatchObject({ retryable: true, result: null });
    const next = runAsActivity(core, request, { ...context, attempt: 2 });
    resolve(testResult({ summary: "went on" }));
    expect(await next).toMatchObject({ summary: "went on" });
    expect(runtime.ledger).toHaveLength(1);
  });

  it("tells the engine while it runs, and no longer after its end", async () => {
    const { promise, resolve } = Promise.withResolvers<WorkerResult>();
    const { core } = await open(() => promise);
    const beats: string[] = [];
    const heartbeat = ({ jobId }: { jobId: string }) => beats.push(jobId);
    const running = runAsActivity(core, request, { ...context, heartbeat, heartbeatMs: 1 });
    await until(() => beats.length > 3);
    resolve(testResult());
    await running;
    const count = beats.length;
    await new Promise((go) => void setTimeout(go, 20));
    expect(beats).toEqual(Array.from({ length: count }, () => "activity:order-7/review"));
  });

  it("ends with the error of a heartbeat, and its job goes on", async () => {
    const { promise, resolve } = Promise.withResolvers<WorkerResult>();
    const { core } = await open(() => promise);
    const heartbeat = () => Promise.reject(new Error("no server"));
    expect(await failureOf(runAsActivity(core, request, { ...context, heartbeat }))).toMatchObject({
      retryable: true,
      message: "no server",
    });
    resolve(testResult({ summary: "unharmed" }));
    expect(await runAsActivity(core, request, context)).toMatchObject({ summary: "unharmed" });
  });

  it("fails for good if its job is refused", async () => {
    const { core } = await open(() => testResult());
    const wrong = { ...request, limits: { timeoutMs: -1 } };
    expect(await failureOf(runAsActivity(core, wrong, context))).toMatchObject({
      retryable: false,
      code: "AC_JOB_INVALID",
    });
  });
});

const receipt = (survivors: number): WorkerResult["containment"] => ({
  level: "best-effort",
  implementation: "process-group",
  processesSeen: 2,
  survivors,
  signals: ["TERM", "KILL"],
  emptyAfterMs: null,
  provedBy: "process-group",
});

it("may be tried again if the store or the daemon does not answer", async () => {
  const unavailable = new AgentCoreError("AC_STORE_UNAVAILABLE", "the disk is full");
  const core: LibraryCore = {
    submit: () => Promise.reject(unavailable),
    scheduler: { attach: () => Promise.reject(unavailable) },
  };
  expect(await failureOf(runAsActivity(core, request, context))).toMatchObject({
    retryable: true,
    code: "AC_STORE_UNAVAILABLE",
    cause: unavailable,
  });
  const nobody = createClient({ url: "unix:///nowhere/api.sock" });
  expect(await failureOf(runAsActivity(nobody, request, context))).toMatchObject({
    retryable: true,
    code: "AC_API_UNREACHABLE",
  });
});

it("asks for the cancel again while the store does not answer, and waits until the worker is stopped", async () => {
  const { core, runtime, close } = await openLibrary(({ signal }) => {
    const { promise, resolve } = Promise.withResolvers<WorkerResult>();
    signal.onChange(() => resolve(testResult({ outcome: "cancelled", errorClass: "cancelled" })));
    return promise;
  });
  opened.push({ core, runtime, close });
  let failures = 0;
  const faulty: LibraryCore = {
    scheduler: core.scheduler,
    async submit(job) {
      const handle = await core.submit(job);
      return {
        id: handle.id,
        result: () => handle.result(),
        cancel: async (why) => {
          failures += 1;
          if (failures < 3) throw new AgentCoreError("AC_STORE_UNAVAILABLE", "busy");
          return handle.cancel(why);
        },
      };
    },
  };
  const cancel = new AbortController();
  const failure = failureOf(runAsActivity(faulty, request, { ...context, cancelSignal: cancel.signal }));
  await until(() => runtime.ledger.length === 1);
  cancel.abort();
  expect(await failure).toMatchObject({ code: "AC_CANCELLED" });
  expect(failures).toBe(3);
});

it.each([
  [{ activityId: "" }, "activityId: must be a text of 1 to 450 characters"],
  [{ activityId: "x".repeat(451) }, "activityId: must be a text of 1 to 450 characters"],
  [{ activityId: "a", attempt: 0 }, "attempt: must be a whole number from 1"],
  [{ activityId: "a", heartbeatMs: 0 }, "heartbeatMs: must be above 0"],
])("refuses the context %j", async (wrong, message) => {
  const { core, runtime, close } = await openLibrary(() => testResult());
  opened.push({ core, runtime, close });
  await expect(runAsActivity(core, request, wrong)).rejects.toMatchObject({
    code: "AC_OPTION_INVALID",
    message: `runAsActivity(): ${message}`,
  });
});
