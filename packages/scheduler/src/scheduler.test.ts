import { describe, expect, it } from "vitest";
import {
  AgentCoreError,
  type PermitDecision,
  type RunEvent,
  type Runtime,
  silentLog,
  systemIds,
  type WorkerResult,
} from "@agentcore/contract";
import { createRankPolicy } from "./claim-order.ts";
import type { JobStore } from "./job-store.ts";
import type { JournalHeader } from "./journal.ts";
import { createMemoryJournal } from "./memory/memory-journal.ts";
import { createMemoryStore } from "./memory/memory-store.ts";
import { QueueClient } from "./submit/queue-client.ts";
import { cancelledResult, createFakeRuntime, takeTime } from "./testing/fake-runtime.ts";
import { testFailure, testResult } from "./testing/fixtures.ts";
import { countingIds, createRig, simpleJob, type Rig } from "./testing/rig.ts";

const lasting =
  (durationMs: number, result = testResult()) =>
  (rig: () => Rig) => ({
    execute: (execution: Parameters<typeof takeTime>[0]) =>
      takeTime(execution, durationMs, result, rig().clock),
  });

/** A rig whose executions take this long. */
async function slowRig(durationMs: number, options: Parameters<typeof createRig>[0] = {}): Promise<Rig> {
  let rig: Rig | undefined;
  rig = await createRig({ ...lasting(durationMs)(() => rig!), ...options });
  return rig;
}

const deferral = (code: string, retryAfterMs: number, evidence = {}): PermitDecision =>
  ({ kind: "deferred", code, message: code, evidence, retryAfterMs }) as PermitDecision;

describe("a scheduler", () => {
  it("runs a job and gives its result to whoever waits for it", async () => {
    const { scheduler, runtime } = await createRig();
    const handle = await scheduler.submit(simpleJob());
    const end = await handle.result();
    expect(end).toMatchObject({ jobId: handle.id, state: "succeeded", attempts: 1, reason: null });
    expect(end.result?.outcome).toBe("succeeded");
    expect(handle.deduplicated).toBe(false);
    await scheduler.close();
    expect(runtime.violations).toEqual([]);
    expect(runtime.permitsLive).toBe(0);
  });

  it("tells the story of a job as one stream of events", async () => {
    const { scheduler, clock } = await createRig({
      execute: ({ permit, observer }) => {
        observer?.onEvent?.({ type: "text", text: `attempt ${permit.attempt}` });
        return permit.attempt === 1 ? testFailure : testResult();
      },
    });
    const seen: RunEvent[] = [];
    scheduler.subscribe((event) => seen.push(event));
    const handle = await scheduler.submit(simpleJob({ limits: { maxAttempts: 2 } }));
    await clock.advance(1000);
    expect((await handle.result()).state).toBe("succeeded");
    const attempt = ["permit_granted", "attempt_started", "worker_event", "attempt_ended"];
    expect(seen.map((event) => event.type)).toEqual([
      "job_submitted",
      ...attempt,
      "retry_scheduled",
      ...attempt,
      "job_ended",
    ]);
    await scheduler.close();
  });

  it("hands the caller's place in its trace to the worker, and says so", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const given: unknown[] = [];
    const { scheduler } = await createRig({
      execute: ({ task }) => {
        given.push(task.env);
        return testResult();
      },
    });
    const started: unknown[] = [];
    scheduler.subscribe((event) => {
      if (event.type === "attempt_started") started.push(event.traceparent);
    });
    const env = { A: "1" };
    const traced = simpleJob({ context: { traceparent } });
    const task = { ...traced.task, env };
    for (const job of [{ ...traced, task }, simpleJob()]) await (await scheduler.submit(job)).result();
    expect(given).toEqual([{ TRACEPARENT: traceparent, ...env }, undefined]);
    expect(started).toEqual([traceparent, undefined]);
    await scheduler.close();
  });

  it("lets a consumer follow a job at its own pace, to its end", async () => {
    const rig = await slowRig(100);
    const handle = await rig.scheduler.submit(simpleJob());
    const types: string[] = [];
    const following = (async () => {
      for await (const event of handle.events()) types.push(event.type);
    })();
    await rig.clock.advance(200);
    await following;
    expect(types.at(-1)).toBe("job_ended");
    const after = (await rig.scheduler.attach(handle.id)).events();
    const late: string[] = [];
    for await (const event of after) late.push(event.type);
    expect(late).toEqual(["job_ended"]);
    await rig.scheduler.close();
  });

  it("claims only what it was handed itself where it is told to, and joins what it coalesces into", async () => {
    const rig = await createRig();
    await rig.scheduler.close();
    const { store, clock } = rig;
    await new QueueClient({ store, clock, ids: systemIds, log: silentLog }).submitAll([
      simpleJob({ id: "stranger" }),
      simpleJob({ id: "joined", key: "k" }),
    ]);
    const scheduler = await rig.another({ claims: "own" });
    const own = await scheduler.submit(simpleJob());
    const joined = await scheduler.submit(simpleJob({ key: "k" }));
    expect((await own.result()).state).toBe("succeeded");
    expect(await joined.result()).toMatchObject({ jobId: "joined", state: "succeeded" });
    expect((await store.get("stranger"))?.state.kind).toBe("queued");
    const attached = await scheduler.attach("stranger");
    expect((await attached.result()).state).toBe("succeeded");
    await scheduler.close();
  });

  it("notices what another process did before its first look", async () => {
    const rig = await slowRig(100, { claims: "own" });
    let version = 0;
    rig.store.onChange(() => (version += 1));
    // Like the view of a second process, which is not notified of commits and has to poll.
    const store = { ...rig.store, onChange: () => () => {}, externalVersion: async () => version };
    const other = await rig.another({ claims: "own", store });
    const { task } = simpleJob();
    const first = await rig.scheduler.submit({ task });
    const second = await other.submit({ task });
    await rig.clock.advance(150);
    expect((await first.result()).state).toBe("succeeded");
    await rig.clock.advance(250);
    expect((await second.result()).state).toBe("succeeded");
    await Promise.all([rig.scheduler.close(), other.close()]);
  });

  it("keeps no more attempts in flight than its concurrency", async () => {
    const rig = await slowRig(100, { concurrency: 3 });
    const handles = await Promise.all(Array.from({ length: 10 }, () => rig.scheduler.submit(simpleJob())));
    await rig.clock.advance(50);
    expect(rig.runtime.ledger.length).toBe(3);
    await rig.clock.advance(400);
    const ends = await Promise.all(handles.map((handle) => handle.result()));
    expect(ends.every(({ state }) => state === "succeeded")).toBe(true);
    expect(rig.runtime.violations).toEqual([]);
    await rig.scheduler.close();
  });

  it("runs jobs of one workspace one after the other", async () => {
    const rig = await slowRig(100);
    const job = simpleJob();
    await rig.scheduler.submitAll([job, job, job]);
    await rig.clock.advance(150);
    expect(rig.runtime.ledger.map(({ endedAt }) => endedAt !== null)).toEqual([true, false]);
    await rig.clock.advance(200);
    expect(rig.runtime.ledger.length).toBe(3);
    await rig.scheduler.close();
  });

  it("starts a delayed job at its moment, without asking all the time", async () => {
    const { scheduler, clock, runtime } = await createRig();
    await scheduler.submit(simpleJob({ notBefore: clock.now() + 60_000 }));
    await clock.advance(59_990);
    expect(runtime.ledger.length).toBe(0);
    await clock.advance(20);
    expect(runtime.ledger.length).toBe(1);
    await scheduler.close();
  });

  it("starts a delayed job when the wall clock is set forward past its moment", async () => {
    const { scheduler, clock, runtime } = await createRig();
    await scheduler.submit(simpleJob({ notBefore: clock.now() + 3_600_000 }));
    await clock.advance(1000);
    clock.setWall(clock.now() + 3_600_000);
    await clock.advance(1000);
    expect(runtime.ledger.length).toBe(1);
    await scheduler.close();
  });

  it("retries after the jittered delay and ends dead with every attempt's evidence", async () => {
    const { scheduler, clock, store, runtime } = await createRig({ execute: () => testFailure });
    const handle = await scheduler.submit(simpleJob({ limits: { maxAttempts: 3 } }));
    await clock.advance(499);
    expect(runtime.ledger.length).toBe(1);
    await clock.advance(2);
    expect(runtime.ledger.length).toBe(2);
    await clock.advance(1001);
    expect(runtime.ledger.length).toBe(3);
    const end = await handle.result();
    expect(end).toMatchObject({ state: "dead", attempts: 3, reason: { code: "AC_WORKER_EXIT" } });
    expect((await store.attempts(handle.id)).map(({ decision }) => decision)).toEqual([
      "retry",
      "retry",
      "dead",
    ]);
    const report = await scheduler.why(handle.id);
    expect(report.decisions.map(({ type, attempt }) => [type, attempt])).toEqual([
      ["retry", 1],
      ["retry", 2],
      ["dead", 3],
    ]);
    await scheduler.close();
  });

  it("kills a job whose permit is rejected, with the gate's reason", async () => {
    const { scheduler, store } = await createRig({
      decide: () => ({
        kind: "rejected",
        code: "AC_BUDGET_COST",
        message: "too dear",
        evidence: { limit: 1 },
      }),
    });
    const handle = await scheduler.submit(simpleJob());
    const end = await handle.result();
    expect(end).toMatchObject({
      state: "dead",
      result: null,
      reason: { code: "AC_BUDGET_COST", evidence: { limit: 1 } },
    });
    expect((await store.decisions(handle.id))[0]).toMatchObject({ type: "rejected", code: "AC_BUDGET_COST" });
    await scheduler.close();
  });

  it.each(["AC_DRAINING", "AC_GLOBAL_STOP", "AC_BACKPRESSURE", "AC_RESTART_INTENSITY"])(
    "keeps jobs in the queue while the runtime refuses everybody with %s",
    async (code) => {
      let refusing = true;
      const refusal = { kind: "rejected", code, message: code, evidence: {} } as PermitDecision;
      const { scheduler, clock, runtime } = await createRig({
        decide: (_request, grant) => (refusing ? refusal : grant()),
      });
      const handles = await Promise.all(Array.from({ length: 20 }, () => scheduler.submit(simpleJob())));
      await clock.advance(10_000);
      expect(runtime.ledger.length).toBe(0);
      refusing = false;
      await clock.advance(120_000);
      const ends = await Promise.all(handles.map((handle) => handle.result()));
      expect(ends.every(({ state, attempts }) => state === "succeeded" && attempts === 1)).toBe(true);
      await scheduler.close();
    },
  );

  it("goes on with others while one worker is held back, and asks for it as seldom as it is told to", async () => {
    let asked = 0;
    let paused = true;
    const { scheduler, clock, runtime } = await createRig({
      decide: (request, grant) => {
        if (request.worker !== "codex" || !paused) return grant();
        asked += 1;
        return deferral("AC_WORKER_ISOLATED", 5000, { appliesTo: "worker:codex" });
      },
    });
    const codex = (n: number) =>
      simpleJob({ task: { worker: "codex", workspace: `/c/${n}`, instructions: "x" } });
    await scheduler.submitAll(Array.from({ length: 30 }, (_, n) => codex(n)));
    await scheduler.submitAll(Array.from({ length: 10 }, () => simpleJob()));
    await clock.advance(4000);
    expect(runtime.ledger.length).toBe(10);
    // All that were claimed before the first answer made a request; none after it.
    expect(asked).toBeLessThanOrEqual(30);
    const before = asked;
    await clock.advance(20_000);
    expect(asked - before).toBeLessThanOrEqual(5);
    expect(scheduler.heldBack().map(({ scope }) => scope.kind)).toEqual(["worker"]);
    paused = false;
    await clock.advance(30_000);
    expect(runtime.ledger.length).toBe(40);
    await scheduler.close();
  });

  it("keeps to a concurrency limit of the runtime without asking for every waiting job", async () => {
    let running = 0;
    let asked = 0;
    const limit = 4;
    let rig: Rig | undefined;
    rig = await createRig({
      decide: (_request, grant) => {
        asked += 1;
        return running >= limit
          ? deferral("AC_CONCURRENCY", 500, { appliesTo: "global", limit, running })
          : ((running += 1), grant());
      },
      execute: async (execution) => {
        const result = await takeTime(execution, 100, testResult(), rig!.clock);
        running -= 1;
        return result;
      },
    });
    await rig.scheduler.submitAll(Array.from({ length: 200 }, () => simpleJob()));
    await rig.clock.advance(6000);
    expect(rig.runtime.ledger.length).toBe(200);
    // 200 grants, the first burst of denials, and one request each half second.
    expect(asked).toBeLessThan(200 + 64 + 20);
    await rig.scheduler.close();
  });

  it("says what a deferred job waits for", async () => {
    const { scheduler, clock } = await createRig({
      decide: () =>
        deferral("AC_BUDGET_COST", 3_600_000, { appliesTo: "job", limit: 10, setting: "limits.global" }),
    });
    const handle = await scheduler.submit(simpleJob());
    await clock.advance(100);
    const { record, decisions } = await scheduler.why(handle.id);
    expect(record.state).toMatchObject({ kind: "queued", waitingFor: { code: "AC_BUDGET_COST" } });
    expect(record.attempt).toBe(0);
    expect(decisions).toMatchObject([{ type: "deferred", code: "AC_BUDGET_COST", count: 1 }]);
    await scheduler.close();
  });

  it("leaves the jobs of a worker that it lacks to another scheduler, and runs the others", async () => {
    const denial = { code: "AC_WORKER_MISSING" as const, message: "not here", evidence: {} };
    const lacking = await createRig({ lack: (worker) => (worker === "codex" ? denial : null) });
    const job = simpleJob();
    const handle = await lacking.scheduler.submit({ ...job, task: { ...job.task, worker: "codex" } });
    expect((await (await lacking.scheduler.submit(job)).result()).state).toBe("succeeded");
    await lacking.clock.advance(60_000);
    const { record, decisions } = await lacking.scheduler.why(handle.id);
    expect(record).toMatchObject({
      attempt: 0,
      state: { kind: "queued", waitingFor: { message: "not here" } },
    });
    expect(decisions[0]?.count).toBeLessThan(10);
    const having = await lacking.another({ lack: () => null });
    await lacking.clock.advance(2000);
    expect((await (await having.attach(handle.id)).result()).state).toBe("succeeded");
    await having.close();
    await lacking.scheduler.close();
  });

  it("says that a job waits for room where as many run as may", async () => {
    const { scheduler, clock } = await slowRig(10_000, { concurrency: 1 });
    const first = await scheduler.submit(simpleJob());
    const second = await scheduler.submit(simpleJob());
    await clock.advance(100);
    expect(await scheduler.why(second.id)).toMatchObject({
      record: { state: { kind: "queued" } },
      waitingFor: { code: "AC_CONCURRENCY", message: "1 of 1 jobs run in this process" },
    });
    expect(await scheduler.why(first.id)).toMatchObject({ waitingFor: null });
    const delayed = await scheduler.submit({ ...simpleJob(), notBefore: clock.now() + 60_000 });
    expect(await scheduler.why(delayed.id)).toMatchObject({ waitingFor: null });
    await scheduler.close();
  });

  it("asks for what is left of a job's ceilings and stops when nothing is", async () => {
    const asked: (number | undefined)[] = [];
    const spending: WorkerResult = {
      ...testFailure,
      costUsd: 2,
      costBasis: "reported",
      usage: { inputTokens: 100, cachedInputTokens: 50, outputTokens: 25 },
    };
    const { scheduler, clock } = await createRig({
      decide: (request, grant) => {
        asked.push(request.maxCostUsd);
        return grant();
      },
      execute: () => spending,
    });
    const handle = await scheduler.submit(simpleJob({ limits: { maxAttempts: 9, maxCostUsd: 5 } }));
    await clock.advance(120_000);
    expect(asked).toEqual([5, 3, 1]);
    expect(await handle.result()).toMatchObject({
      state: "dead",
      reason: { code: "AC_COST_CEILING" },
      spent: { costUsd: 6, tokens: 525 },
    });
    await scheduler.close();
  });

  describe("a worker that can spend", () => {
    const paid = simpleJob({ task: { worker: "codex", workspace: "/paid", instructions: "x" } });
    const granted = (decision: PermitDecision): PermitDecision =>
      decision.kind === "granted"
        ? { kind: "granted", permit: { ...decision.permit, provider: "openai" } }
        : decision;

    it("starts after its permit was noted, so that a crash leaves something to account for", async () => {
      const order: string[] = [];
      const memory = createMemoryStore();
      const store: JobStore = {
        ...memory,
        recordStarted: async (ref, started) => {
          const applied = await memory.recordStarted(ref, started);
          order.push(started.identity === null ? "permit noted" : "identity noted");
          return applied;
        },
      };
      const { scheduler } = await createRig({
        store,
        decide: (_request, grant) => granted(grant()),
        execute: () => {
          order.push("started");
          return testResult();
        },
      });
      await (await scheduler.submit(paid)).result();
      expect(order.slice(0, 2)).toEqual(["permit noted", "started"]);
      await scheduler.close();
    });

    it("does not start while the store takes no note, and gives its permit back", async () => {
      let down = true;
      const memory = createMemoryStore();
      const store: JobStore = {
        ...memory,
        recordStarted: async (ref, started) => {
          if (down) throw new AgentCoreError("AC_STORE_UNAVAILABLE", "full");
          return memory.recordStarted(ref, started);
        },
      };
      const { scheduler, runtime, clock } = await createRig({
        store,
        decide: (_request, grant) => granted(grant()),
      });
      const handle = await scheduler.submit(paid);
      await clock.advance(5000);
      expect(runtime.ledger).toEqual([]);
      expect((await scheduler.why(handle.id)).record).toMatchObject({
        attempt: 0,
        state: { waitingFor: { code: "AC_STORE_UNAVAILABLE" } },
      });
      down = false;
      await clock.advance(5000);
      expect((await handle.result()).attempts).toBe(1);
      expect(runtime.permitsLive).toBe(0);
      await scheduler.close();
    });
  });

  it("does not repeat an attempt whose processes are left", async () => {
    const containment = {
      level: "best-effort",
      implementation: "process-group",
      processesSeen: 2,
      survivors: 1,
      signals: ["TERM", "KILL"],
      emptyAfterMs: null,
      provedBy: "process-group",
    } as const;
    const { scheduler, clock, runtime } = await createRig({
      execute: () => ({ ...testFailure, containment: { ...containment, signals: [...containment.signals] } }),
    });
    const handle = await scheduler.submit(simpleJob({ limits: { maxAttempts: 5 } }));
    await clock.advance(60_000);
    expect(runtime.ledger.length).toBe(1);
    expect((await handle.result()).reason?.code).toBe("AC_UNCONTAINED");
    await scheduler.close();
  });

  it("survives policies that throw or answer nonsense", async () => {
    const { scheduler, clock, runtime } = await createRig({
      execute: () => testFailure,
      policy: {
        retry: ({ attempt, result }) => {
          if (attempt === 1) throw new RangeError("thrown by a policy");
          return {
            kind: "retry",
            delayMs: NaN,
            parked: false,
            reason: { code: "AC_WORKER_EXIT", message: result.summary, evidence: {} },
          };
        },
      },
    });
    const handle = await scheduler.submit(simpleJob({ limits: { maxAttempts: 3 } }));
    await clock.advance(10_000);
    expect((await handle.result()).attempts).toBe(3);
    expect(runtime.ledger.length).toBe(3);
    await scheduler.close();
  });

  it("is idle when nothing is queued, delayed or running", async () => {
    const rig = await slowRig(100);
    await rig.scheduler.whenIdle();
    await rig.scheduler.submitAll([simpleJob(), simpleJob({ notBefore: rig.clock.now() + 5000 })]);
    let idle = false;
    const waiting = rig.scheduler.whenIdle().then(() => (idle = true));
    await rig.clock.advance(4900);
    expect(idle).toBe(false);
    await rig.clock.advance(400);
    await waiting;
    await rig.scheduler.close();
  });

  it("tells the runtime how long its queue is", async () => {
    const rig = await slowRig(60_000, { concurrency: 1 });
    await rig.scheduler.submitAll([simpleJob(), simpleJob(), simpleJob()]);
    await rig.clock.advance(3000);
    expect(rig.runtime.queueReports.at(-1)).toMatchObject({ depth: 2 });
    expect(rig.runtime.queueReports.at(-1)?.oldestWaitMs).toBeGreaterThan(1500);
    const closing = rig.scheduler.close();
    await rig.clock.advance(1);
    await closing;
  });

  it("passes on what the runtime escalates", async () => {
    const { scheduler, runtime } = await createRig();
    const seen: RunEvent[] = [];
    scheduler.subscribe((event) => seen.push(event));
    const escalation = {
      stage: "notify",
      code: "AC_CANCEL_SLOW",
      target: "global",
      message: "slow",
      evidence: {},
      at: 1,
    } as const;
    runtime.escalate(escalation);
    expect(seen).toEqual([{ type: "escalation", jobId: "", ...escalation }]);
    await scheduler.close();
  });

  it("deletes what ended long ago of the journal, too, and nothing that has not ended", async () => {
    const journal = createMemoryJournal();
    const { scheduler, clock } = await createRig({ journal, keepEndedMs: 60_000 });
    const make = (stream: string, header: JournalHeader) =>
      journal.append(stream, { after: 0, entries: [], header });
    await make("ended", { endedAt: clock.now() });
    await make("part", { partOf: "ended" });
    await make("open", { endedAt: null });
    await clock.advance(200_000);
    expect((await journal.list({ prefix: "" })).map(({ stream }) => stream)).toEqual(["open"]);
    await scheduler.close();
  });

  it("deletes what ended long ago and keeps dead letters", async () => {
    const { scheduler, clock, store } = await createRig({
      execute: ({ task }) => (task.instructions === "false" ? testFailure : testResult()),
      keepEndedMs: 60_000,
    });
    const [good, bad] = await scheduler.submitAll([
      simpleJob(),
      simpleJob({ task: { worker: "shell", workspace: "/bad", instructions: "false" } }),
    ]);
    await clock.advance(200_000);
    expect(good?.ok && (await store.get(good.handle.id))).toBeUndefined();
    expect(bad?.ok && (await store.get(bad.handle.id))?.state.kind).toBe("dead");
    await scheduler.close();
  });
});

describe("under a load that never ends", () => {
  it("runs the lowest of all within what priority is worth in time", async () => {
    // The defaults, a hundred times faster: no job is overtaken by one that comes 56 s later.
    const rank = createRankPolicy({ valueMs: 10, interactiveMs: 36_000 });
    const rig = await slowRig(1000, { concurrency: 1, policy: { rank } });
    await rig.scheduler.submit(simpleJob());
    const lowest = await rig.scheduler.submit(simpleJob({ priority: { class: "batch", value: -1000 } }));
    let started = Infinity;
    rig.scheduler.subscribe((event) => {
      if (event.type === "attempt_started" && event.jobId === lowest.id) started = event.at;
    });
    const from = rig.clock.now();
    const most = () => simpleJob({ priority: { class: "interactive", value: 1000 } });
    // Two jobs come for each one that can run: 112 are ahead of it when the last comes that may overtake it.
    for (let second = 0; second < 130; second += 1) {
      await rig.scheduler.submitAll([most(), most()]);
      await rig.clock.advance(1000);
    }
    expect(started - from).toBeGreaterThan(100_000);
    expect(started - from).toBeLessThan(116_000);
    const closing = rig.scheduler.close();
    await rig.clock.advance(1);
    await closing;
  });
});

describe("cancelling", () => {
  it("ends a queued job at once and tells who waits", async () => {
    const rig = await slowRig(1000, { concurrency: 1 });
    await rig.scheduler.submit(simpleJob());
    const handle = await rig.scheduler.submit(simpleJob());
    expect(await handle.cancel()).toBe("cancelled");
    expect(await handle.result()).toMatchObject({
      state: "cancelled",
      reason: { code: "AC_CANCELLED" },
      result: null,
    });
    await rig.clock.advance(5000);
    expect(rig.runtime.ledger.length).toBe(1);
    await rig.scheduler.close();
  });

  it("stops a running job at once, and ends it when it is gone", async () => {
    const rig = await slowRig(60_000);
    const handle = await rig.scheduler.submit(simpleJob({ limits: { maxAttempts: 5 } }));
    await rig.clock.advance(10);
    expect(await handle.cancel({ reason: "changed my mind" })).toBe("requested");
    const end = await handle.result();
    expect(end).toMatchObject({ state: "cancelled", reason: { message: "changed my mind" }, attempts: 1 });
    expect(await handle.cancel()).toBe("ended");
    expect(rig.runtime.permitsLive).toBe(0);
    await rig.scheduler.close();
  });

  it("reaches a job that runs in another scheduler within a quarter of a second", async () => {
    const rig = await slowRig(60_000);
    const client = await rig.another({ concurrency: 1, runtime: rig.runtime });
    const handle = await rig.scheduler.submit(simpleJob());
    await rig.clock.advance(10);
    const elsewhere = await client.attach(handle.id);
    await rig.store.requestCancel(
      handle.id,
      { code: "AC_CANCELLED", message: "by another", evidence: {} },
      0,
    );
    await rig.clock.advance(300);
    expect((await handle.result()).reason?.message).toBe("by another");
    await rig.clock.advance(300);
    expect((await elsewhere.result()).state).toBe("cancelled");
    await client.close();
    await rig.scheduler.close();
  });

  it("gives a permit back that was granted to an attempt no longer wanted", async () => {
    let answer: (() => void) | undefined;
    const { scheduler, clock, runtime } = await createRig({
      decide: (_request, grant) => new Promise((resolve) => (answer = () => resolve(grant()))),
    });
    const handle = await scheduler.submit(simpleJob());
    await clock.advance(1);
    await handle.cancel();
    answer?.();
    expect((await handle.result()).state).toBe("cancelled");
    expect(runtime.permitsLive).toBe(0);
    expect(runtime.ledger.length).toBe(0);
    await scheduler.close();
  });

  it("does not find a job that never was", async () => {
    const { scheduler } = await createRig();
    expect((await scheduler.cancel("nobody")).kind).toBe("not_found");
    await expect(scheduler.attach("nobody")).rejects.toMatchObject({ code: "AC_JOB_NOT_FOUND" });
    await scheduler.close();
  });
});

describe("one key", () => {
  it("gives 100 concurrent submits one run and 100 identical answers", async () => {
    const rig = await slowRig(100);
    const handles = await Promise.all(
      Array.from({ length: 100 }, () => rig.scheduler.submit(simpleJob({ key: "deploy" }))),
    );
    expect(handles.filter(({ deduplicated }) => !deduplicated).length).toBe(1);
    await rig.clock.advance(200);
    const ends = await Promise.all(handles.map((handle) => handle.result()));
    expect(new Set(ends.map((end) => JSON.stringify(end))).size).toBe(1);
    expect(rig.runtime.ledger.length).toBe(1);
    await rig.scheduler.close();
  });

  it("does not run a duplicate beside a retry", async () => {
    const { scheduler, clock, runtime } = await createRig({
      execute: ({ permit }) => (permit.attempt < 3 ? testFailure : testResult()),
    });
    const first = await scheduler.submit(simpleJob({ key: "k", limits: { maxAttempts: 3 } }));
    await clock.advance(10);
    const second = await scheduler.submit(simpleJob({ key: "k" }));
    expect(second.id).toBe(first.id);
    await clock.advance(5000);
    expect(await second.result()).toMatchObject({ state: "succeeded", attempts: 3 });
    expect(runtime.ledger.length).toBe(3);
    await scheduler.close();
  });

  it("lets the latest win: the older is stopped, the newer starts when it is gone, and keeps the key", async () => {
    const rig = await slowRig(1000);
    const latest = () => simpleJob({ key: "k", dedup: "latest-wins" });
    const old = await rig.scheduler.submit(latest());
    await rig.clock.advance(10);
    const newer = await rig.scheduler.submit(latest());
    expect(await old.result()).toMatchObject({ state: "cancelled", reason: { code: "AC_SUPERSEDED" } });
    await rig.clock.advance(10);
    await expect(rig.scheduler.submit(simpleJob({ key: "k", dedup: "reject" }))).rejects.toMatchObject({
      code: "AC_KEY_HELD",
      evidence: { heldBy: newer.id },
    });
    await rig.clock.advance(1000);
    expect((await newer.result()).state).toBe("succeeded");
    expect(rig.runtime.violations).toEqual([]);
    expect(rig.runtime.ledger.map(({ jobId }) => jobId)).toEqual([old.id, newer.id]);
    await rig.scheduler.close();
  });

  it("tells who waits for a queued job that a newer one takes its place", async () => {
    const rig = await slowRig(1000, { concurrency: 1 });
    await rig.scheduler.submit(simpleJob());
    const latest = () => simpleJob({ key: "k", dedup: "latest-wins" });
    const old = await rig.scheduler.submit(latest());
    const newer = await rig.scheduler.submit(latest());
    expect(await old.result()).toMatchObject({
      state: "cancelled",
      reason: { evidence: { supersededBy: newer.id } },
    });
    const closing = rig.scheduler.close();
    await rig.clock.advance(1);
    await closing;
  });

  it("does not coalesce into a job that is being stopped", async () => {
    const rig = await createRig({
      execute: async ({ signal }) => {
        await new Promise((resolve) => signal.onChange(resolve));
        await rig.clock.next();
        return { ...testFailure, outcome: "cancelled", errorClass: "cancelled" };
      },
    });
    const first = await rig.scheduler.submit(simpleJob({ key: "k" }));
    await rig.clock.advance(1);
    await first.cancel();
    const second = await rig.scheduler.submit(simpleJob({ key: "k" }));
    expect(second.deduplicated).toBe(false);
    await rig.scheduler.cancel(second.id);
  });

  it("refuses several of one call by themselves", async () => {
    const rig = await slowRig(1000);
    const reject = () => simpleJob({ key: "k", dedup: "reject" });
    const [first, second, third] = await rig.scheduler.submitAll([reject(), reject(), simpleJob()]);
    expect([first?.ok, second?.ok, third?.ok]).toEqual([true, false, true]);
    expect(second?.ok === false && second.error.code).toBe("AC_KEY_HELD");
    const closing = rig.scheduler.close();
    await rig.clock.advance(1);
    await closing;
  });
});

describe("closing", () => {
  it("stops what runs; such an attempt counts as lost", async () => {
    const rig = await slowRig(60_000);
    const once = await rig.scheduler.submit(simpleJob());
    const twice = await rig.scheduler.submit(simpleJob({ limits: { maxAttempts: 2 } }));
    await rig.clock.advance(10);
    await rig.scheduler.close();
    await rig.scheduler.close();
    expect((await rig.store.get(once.id))?.state).toMatchObject({
      kind: "dead",
      reason: { code: "AC_DRAINING" },
    });
    expect((await rig.store.get(twice.id))?.state).toMatchObject({ kind: "queued" });
    expect(await rig.store.owners()).toEqual([]);
    expect(rig.runtime.permitsLive).toBe(0);
  });

  it("takes no attempt from a job whose worker had not begun", async () => {
    const rig = await createRig();
    await rig.scheduler.close();
    const fake = createFakeRuntime({ clock: rig.clock });
    const held = Promise.withResolvers<WorkerResult>();
    const runtime: Runtime = {
      ...fake,
      execute: () => held.promise,
      cancel: async () => held.resolve(cancelledResult),
    };
    const scheduler = await rig.another({ runtime });
    const { id } = await scheduler.submit(simpleJob());
    await rig.clock.advance(10);
    expect((await rig.store.get(id))?.state.kind).toBe("running");
    await scheduler.close();
    expect(await rig.store.get(id)).toMatchObject({ attempt: 0, state: { kind: "queued" } });
    const next = await rig.another({ ids: countingIds("next") });
    await rig.clock.advance(10);
    expect(await (await next.attach(id)).result()).toMatchObject({ state: "succeeded", attempts: 1 });
    await next.close();
  });

  it("lets what runs end by itself where it is asked to, and starts nothing new", async () => {
    const rig = await slowRig(1000, { concurrency: 1 });
    const first = await rig.scheduler.submit(simpleJob());
    const second = await rig.scheduler.submit(simpleJob());
    await rig.clock.advance(10);
    const refused = second.result().catch((error: unknown) => error);
    const closing = rig.scheduler.close({ finishRunning: true });
    await rig.clock.advance(2000);
    await closing;
    expect(await refused).toMatchObject({ code: "AC_DRAINING" });
    expect((await rig.store.get(first.id))?.state.kind).toBe("succeeded");
    expect((await rig.store.get(second.id))?.state.kind).toBe("queued");
  });

  it("stops what it let end, once it is closed again without that", async () => {
    const rig = await slowRig(60_000);
    const { id } = await rig.scheduler.submit(simpleJob());
    await rig.clock.advance(10);
    const finished = rig.scheduler.close({ finishRunning: true });
    await rig.clock.advance(1000);
    expect((await rig.store.get(id))?.state.kind).toBe("running");
    const closed = rig.scheduler.close();
    await rig.clock.advance(1000);
    await Promise.all([finished, closed]);
    expect((await rig.store.get(id))?.state.kind).not.toBe("running");
  });

  it("leaves no timer behind", async () => {
    const rig = await createRig();
    await (await rig.scheduler.submit(simpleJob())).result();
    await rig.scheduler.close();
    expect(rig.clock.pending).toBe(0);
  });
});
