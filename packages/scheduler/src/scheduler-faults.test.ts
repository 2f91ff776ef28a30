/** What a scheduler does where the store, a clock or the state directory is not as it should be. */
import { describe, expect, it } from "vitest";
import { AgentCoreError, type RunEvent, type WorkerResult } from "@agentcore/contract";
import type { JobStore } from "./job-store.ts";
import { createMemoryJournal } from "./memory/memory-journal.ts";
import { createMemoryStore } from "./memory/memory-store.ts";
import type { JobHandle } from "./submit/job-handle.ts";
import { takeTime } from "./testing/fake-runtime.ts";
import { testResult } from "./testing/fixtures.ts";
import { countingIds, createRig, simpleJob } from "./testing/rig.ts";

describe("retention beside a scheduler whose clock is wrong", () => {
  const day = 86_400_000;
  const minute = 60_000;

  it.each([-30, 30])("deletes nothing that was seen to end less than its time ago: %d days", async (days) => {
    const keepEndedMs = 7 * minute;
    const journal = createMemoryJournal();
    const rig = await createRig({ keepEndedMs });
    await rig.scheduler.close();
    // This scheduler ends the job by its own wall clock.
    const clock = { ...rig.clock, now: () => rig.clock.now() + days * day };
    const wrong = await rig.another({ clock, keepEndedMs: 100 * day });
    const judge = await rig.another({ journal, keepEndedMs, ids: countingIds("judge"), claims: "own" });
    await rig.clock.advance(1000);
    const seen = await wrong.submit(simpleJob());
    const ended = { endedAt: rig.clock.now() + days * day };
    await journal.append("run", { after: 0, entries: [], header: ended });
    await rig.clock.advance(1000);
    const state = (await rig.store.get(seen.id))?.state;
    expect(state?.kind === "succeeded" && state.endedAt - rig.clock.now()).toBeCloseTo(days * day, -4);
    await rig.clock.advance(6 * minute);
    expect(await rig.store.get(seen.id)).toBeDefined();
    expect(await journal.read("run")).toBeDefined();
    await rig.clock.advance(4 * minute);
    // By the wall clock it ends in a month.
    expect((await rig.store.get(seen.id)) === undefined).toBe(days < 0);
    expect((await journal.read("run")) === undefined).toBe(days < 0);
    await wrong.close();
    await judge.close();
  });
});

describe("a cancel", () => {
  it("stops the run of this process at once, while the disk has not taken it yet", async () => {
    const written = Promise.withResolvers<void>();
    const memory = createMemoryStore();
    const store: JobStore = {
      ...memory,
      requestCancel: async (...request) => {
        await written.promise;
        return memory.requestCancel(...request);
      },
    };
    const rig = await createRig({
      store,
      execute: (run) => takeTime(run, 60_000, testResult(), rig.clock),
    });
    const handle = await rig.scheduler.submit(simpleJob());
    await rig.clock.advance(10);
    const answer = handle.cancel({ reason: "stopped by SIGHUP" });
    await rig.clock.advance(1000);
    expect((await rig.store.get(handle.id))?.state.kind).toBe("cancelled");
    written.resolve();
    expect(await answer).toBe("ended");
    expect(await handle.result()).toMatchObject({
      state: "cancelled",
      reason: { message: "stopped by SIGHUP" },
    });
    await rig.scheduler.close();
  });
});

describe("a close", () => {
  it("waits for a store that takes no ends as long as it is told to, and no longer", async () => {
    const memory = createMemoryStore();
    let isFull = false;
    const store: JobStore = {
      ...memory,
      settleAndClaim: (...call) =>
        isFull ? Promise.reject(new Error("disk full")) : memory.settleAndClaim(...call),
    };
    const rig = await createRig({ store, execute: (run) => takeTime(run, 60_000, testResult(), rig.clock) });
    await rig.scheduler.submit(simpleJob());
    await rig.clock.advance(10);
    isFull = true;
    let isClosed = false;
    void rig.scheduler.close({ storeWaitMs: 3000 }).then(() => (isClosed = true));
    await rig.clock.advance(2900);
    expect(isClosed).toBe(false);
    await rig.clock.advance(200);
    expect(isClosed).toBe(true);
  });
});

describe("an attempt whose worker never began", () => {
  const neverBegun = (code: WorkerResult["code"]) =>
    testResult({ outcome: "failed", errorClass: "internal", code, summary: "cannot be written", costUsd: 0 });

  it("costs no attempt while the state directory cannot be written, and goes on by itself", async () => {
    let isWritable = false;
    let tries = 0;
    const rig = await createRig({
      unstarted: () => {
        if (isWritable) return null;
        tries += 1;
        return neverBegun("AC_STORE_UNAVAILABLE");
      },
    });
    const events: RunEvent[] = [];
    rig.scheduler.subscribe((event) => events.push(event));
    const handles = await Promise.all(Array.from({ length: 12 }, () => rig.scheduler.submit(simpleJob())));
    await rig.clock.advance(600_000);
    expect(await rig.scheduler.stats()).toMatchObject({ ready: 12, dead: 0 });
    // One request at a time, at growing intervals.
    expect(tries).toBeLessThan(80);
    const why = await rig.scheduler.why(handles[0]!.id);
    expect(why.record).toMatchObject({ attempt: 0, state: { waitingFor: { code: "AC_STORE_UNAVAILABLE" } } });
    expect(why.decisions.at(-1)?.message).toBe("no worker was started: cannot be written");
    expect(events.filter(({ type }) => type === "escalation")).toHaveLength(1);
    isWritable = true;
    await rig.clock.advance(60_000);
    const ends = await Promise.all(handles.map((handle) => handle.result()));
    expect(ends.map(({ state, attempts }) => [state, attempts])).toEqual(handles.map(() => ["succeeded", 1]));
    await rig.scheduler.close();
  });

  it("counts in the end where no box can be started for it", async () => {
    const rig = await createRig({ unstarted: () => neverBegun("AC_WORKER_SPAWN") });
    const handle = await rig.scheduler.submit(simpleJob());
    await rig.clock.advance(600_000);
    expect(await handle.result()).toMatchObject({
      state: "dead",
      attempts: 1,
      reason: { code: "AC_WORKER_SPAWN" },
    });
    expect((await rig.store.decisions(handle.id)).map(({ type, count }) => [type, count])).toEqual([
      ["deferred", 5],
      ["dead", 1],
    ]);
    await rig.scheduler.close();
  });

  it("can be cancelled while it is put back", async () => {
    const rig = await createRig({ unstarted: () => neverBegun("AC_STORE_UNAVAILABLE") });
    const handle = await rig.scheduler.submit(simpleJob());
    await rig.clock.advance(5000);
    await handle.cancel();
    expect((await handle.result()).state).toBe("cancelled");
    await rig.scheduler.close();
  });
});

describe("the deadline of a job", () => {
  it("goes to the runtime with each request, which refuses a job that comes too late", async () => {
    const asked: unknown[] = [];
    const rig = await createRig({
      decide: (request, grant) => {
        asked.push(request.deadline);
        return request.deadline === undefined
          ? grant()
          : { kind: "rejected", code: "AC_DEADLINE_PASSED", message: "too late", evidence: {} };
      },
    });
    const late = await rig.scheduler.submit(simpleJob({ limits: { deadline: 7 } }));
    const other = await rig.scheduler.submit(simpleJob());
    await rig.clock.advance(100);
    expect(asked).toEqual([7, undefined]);
    expect(await late.result()).toMatchObject({ state: "dead", reason: { code: "AC_DEADLINE_PASSED" } });
    expect((await other.result()).state).toBe("succeeded");
    await rig.scheduler.close();
  });
});

describe("a query of the store that fails once", () => {
  const failing = (method: "cancelRequests" | "get") => {
    const memory = createMemoryStore();
    const armed = { times: 0 };
    const failure = () => new AgentCoreError("AC_STORE_UNAVAILABLE", "injected");
    const store = new Proxy(memory, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (property !== method) return value;
        return async (...args: unknown[]) => {
          if (armed.times > 0) {
            armed.times -= 1;
            throw failure();
          }
          return Reflect.apply(value as () => unknown, target, args);
        };
      },
    });
    return { memory, store, armed };
  };

  it("does not forget a cancel that another process asked for", async () => {
    const { memory, store, armed } = failing("cancelRequests");
    const rig = await createRig({
      store,
      execute: (run) => takeTime(run, 3_600_000, testResult(), rig.clock),
    });
    const { id } = await rig.scheduler.submit(simpleJob());
    await rig.clock.advance(2000);
    armed.times = 1;
    await memory.requestCancel(id, { code: "AC_CANCELLED", message: "stop", evidence: {} }, rig.clock.now());
    await rig.clock.advance(2000);
    expect((await memory.get(id))?.state.kind).toBe("cancelled");
    await rig.scheduler.close();
  });

  it("does not end the wait for a job", async () => {
    const { store, armed } = failing("get");
    const rig = await createRig({ store, execute: (run) => takeTime(run, 5000, testResult(), rig.clock) });
    const handle = await rig.scheduler.submit(simpleJob());
    armed.times = 1;
    const end = handle.result();
    await rig.clock.advance(10_000);
    expect((await end).state).toBe("succeeded");
    await rig.scheduler.close();
  });
});

describe("the note of who runs", () => {
  it("is repeated until the store takes it, however long that takes, and no longer than the attempt", async () => {
    const memory = createMemoryStore();
    let failing = true;
    let tries = 0;
    const store: JobStore = {
      ...memory,
      recordStarted(ref, started) {
        tries += 1;
        return failing
          ? Promise.reject(new AgentCoreError("AC_STORE_UNAVAILABLE", "injected"))
          : memory.recordStarted(ref, started);
      },
    };
    const rig = await createRig({
      store,
      execute: (run) => takeTime(run, 3_600_000, testResult(), rig.clock),
    });
    const { id } = await rig.scheduler.submit(simpleJob());
    await rig.clock.advance(600_000);
    expect(tries).toBeLessThan(80);
    failing = false;
    await rig.clock.advance(10_000);
    const state = (await rig.store.get(id))?.state;
    expect(state?.kind === "running" && state.started?.identity).toMatchObject({ hostPid: 1 });
    const before = tries;
    await rig.clock.advance(600_000);
    expect(tries).toBe(before);
    await rig.scheduler.close();
  });
});

describe("waiting for the end of a job that is not there", () => {
  it("is refused, and leaves nobody who waits", async () => {
    const rig = await createRig();
    const handle = await rig.scheduler.submit(simpleJob());
    await rig.clock.advance(100);
    await rig.store.deleteEnded({ endedBefore: Infinity });
    await expect(handle.result()).rejects.toMatchObject({ code: "AC_JOB_NOT_FOUND" });
    await rig.scheduler.close();
    await expect(handle.result()).rejects.toMatchObject({ code: "AC_DRAINING" });
  });
});

describe("a submit that the store refuses", () => {
  const refused = async (kind: "before" | "after" | "blind") => {
    const memory = createMemoryStore();
    const failure = () => new AgentCoreError("AC_STORE_UNAVAILABLE", "database is locked");
    const store: JobStore = {
      ...memory,
      async submit(...args) {
        if (kind !== "before") await memory.submit(...args);
        throw failure();
      },
      get: (id) => (kind === "blind" ? Promise.reject(failure()) : memory.get(id)),
    };
    const rig = await createRig({ store });
    return { rig, memory };
  };
  const refusedOne = async (kind: "before" | "after" | "blind") => {
    const { rig, memory } = await refused(kind);
    const outcome = await rig.scheduler.submit(simpleJob()).catch((error: unknown) => error);
    return { rig, memory, outcome };
  };

  it("says that nothing was submitted, and it is so", async () => {
    const { outcome, memory } = await refusedOne("before");
    expect(outcome).toMatchObject({ code: "AC_STORE_UNAVAILABLE", evidence: { submitted: false } });
    expect((outcome as Error).message).toBe("nothing was submitted: database is locked");
    expect((await memory.list({})).jobs).toEqual([]);
  });

  it("is a submit all the same where the job is there", async () => {
    const { outcome, rig } = await refusedOne("after");
    expect(outcome).toMatchObject({ id: expect.any(String), deduplicated: false });
    expect((await (outcome as JobHandle).result()).state).toBe("succeeded");
    await rig.scheduler.close();
  });

  it("tells which of several jobs was coalesced into another one of them", async () => {
    const { rig } = await refused("after");
    const outcomes = await rig.scheduler.submitAll([
      { ...simpleJob(), id: "first", key: "k" },
      { ...simpleJob(), id: "second", key: "k" },
    ]);
    expect(outcomes).toMatchObject([
      { ok: true, handle: { id: "first", deduplicated: false } },
      { ok: true, handle: { id: "first", deduplicated: true } },
    ]);
    await rig.scheduler.close();
  });

  it("says the id where nobody can tell", async () => {
    const { outcome, memory } = await refusedOne("blind");
    const [job] = (await memory.list({})).jobs;
    expect(outcome).toMatchObject({ evidence: { submitted: null, jobIds: [job?.job.id] } });
    expect((outcome as Error).message).toContain(`whether job ${job?.job.id} was submitted is not known`);
  });
});
