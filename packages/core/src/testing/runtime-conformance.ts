/**
 * What every form of {@link Runtime} must do, in process and over the wire, as cases that any test runner can run. A case
 * knows nothing but the interface; the harness says which tasks of its worker succeed, fail, hang and emit events.
 */
import assert from "node:assert/strict";
import {
  loadReportSchema,
  type PermitDecision,
  permitRecordSchema,
  systemClock,
  type PermitRequest,
  probeSpecSchema,
  type RunIdentity,
  type Runtime,
  type WorkerEvent,
  type WorkerTask,
} from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import type { RuntimeConfigInput } from "../config/runtime-config.ts";
import type { ConformanceCase } from "./conformance.ts";
import { permitRequest } from "./requests.ts";

export interface RuntimeHarness {
  /** A separate runtime with this configuration. */
  open(config: RuntimeConfigInput): Promise<OpenRuntime>;
}

export interface OpenRuntime {
  readonly runtime: Runtime;
  /** Fields of a request and a task for the harness's worker; each call names another workspace. */
  place(): Pick<PermitRequest, "worker" | "workspace" | "capabilities">;
  readonly instructions: {
    readonly succeeds: string;
    /** Instructions that fail because of the task. */
    readonly fails: string;
    /** Instructions that fail because of the worker. */
    readonly crashes: string;
    /** Instructions that never end. */
    readonly hangs: string;
    /** Emits at least this many events, then succeeds. */
    emits(count: number): string;
    /** Script of a probe whose looks all give this answer. */
    answers(answer: object): string;
  };
  close(): Promise<void>;
}

class Subject {
  readonly runtime: Runtime;
  readonly instructions: OpenRuntime["instructions"];
  readonly #opened: OpenRuntime;

  constructor(opened: OpenRuntime) {
    this.#opened = opened;
    this.runtime = opened.runtime;
    this.instructions = opened.instructions;
  }

  request(change: Partial<PermitRequest> = {}): PermitRequest {
    return permitRequest({ ...this.#opened.place(), ...change });
  }

  ask(change: Partial<PermitRequest> = {}): Promise<PermitDecision> {
    return this.runtime.requestPermit(this.request(change));
  }

  async grant(request: PermitRequest): Promise<string> {
    const decision = await this.runtime.requestPermit(request);
    assert.equal(decision.kind, "granted", JSON.stringify(decision));
    return decision.kind === "granted" ? decision.permit.id : "";
  }

  task(request: PermitRequest, instructions: string): WorkerTask {
    const { worker, workspace, capabilities } = request;
    return { worker, workspace, capabilities, instructions };
  }

  /** Requests a permit and executes the task; does not wait for the result. */
  async start(instructions: string, change: Partial<PermitRequest> = {}, task: Partial<WorkerTask> = {}) {
    const request = this.request(change);
    const permitId = await this.grant(request);
    const events: WorkerEvent[] = [];
    const identities: RunIdentity[] = [];
    const result = this.runtime.execute(
      permitId,
      { ...this.task(request, instructions), ...task },
      {
        onEvent: (event) => events.push(event),
        onStarted: (identity) => identities.push(identity),
      },
    );
    return { permitId, request, result, events, identities };
  }
}

const codeIs = (code: string) => (error: { code?: unknown }) => error.code === code;

interface Case {
  readonly config?: RuntimeConfigInput;
  readonly check: (subject: Subject) => Promise<void>;
}

const cases: Readonly<Record<string, Case>> = {
  "a permit is plain data of its schema": {
    check: async (subject) => {
      const decision = await subject.ask({ maxCostUsd: 1.5 });
      assert.ok(decision.kind === "granted");
      assert.deepEqual(permitRecordSchema.parse(decision.permit), decision.permit);
      assert.equal(decision.permit.grants.maxCostUsd, 1.5);
      assert.deepEqual(structuredClone(decision.permit), decision.permit);
    },
  },

  "a run ends with one result, its identity was known, and nothing stays held": {
    check: async (subject) => {
      const run = await subject.start(subject.instructions.succeeds);
      const result = await run.result;
      assert.equal(result.outcome, "succeeded", JSON.stringify(result));
      assert.equal(run.identities.length, 1);
      const load = await subject.runtime.load();
      assert.equal(load.permitsLive, 0);
      assert.equal(load.executing, 0);
    },
  },

  "a failure is a result and not a rejection": {
    check: async (subject) => {
      const result = await (await subject.start(subject.instructions.fails)).result;
      assert.equal(result.outcome, "failed");
      assert.notEqual(result.errorClass, null);
    },
  },

  "a permit is used once": {
    check: async (subject) => {
      const { permitId, request, result } = await subject.start(subject.instructions.hangs);
      const again = () => subject.runtime.execute(permitId, subject.task(request, "x"));
      await assert.rejects(again(), codeIs("AC_PERMIT_INVALID"));
      await subject.runtime.cancel(permitId, { reason: "enough" });
      await result;
      await assert.rejects(again(), codeIs("AC_PERMIT_INVALID"));
    },
  },

  "a permit that was never issued is worth nothing": {
    check: async (subject) => {
      const task = subject.task(subject.request(), "x");
      await assert.rejects(subject.runtime.execute("made-up", task), codeIs("AC_PERMIT_INVALID"));
      await subject.runtime.releasePermit("made-up");
      await subject.runtime.cancel("made-up", { reason: "x" });
    },
  },

  "a task that does not fit its permit is refused, and the permit stays usable": {
    check: async (subject) => {
      const request = subject.request();
      const permitId = await subject.grant(request);
      const task = subject.task(request, subject.instructions.succeeds);
      const misfit = { ...task, workspace: `${task.workspace}-other` };
      await assert.rejects(subject.runtime.execute(permitId, misfit), codeIs("AC_PERMIT_INVALID"));
      assert.equal((await subject.runtime.execute(permitId, task)).outcome, "succeeded");
    },
  },

  "a denial says why, with evidence": {
    check: async (subject) => {
      const decision = await subject.ask({ worker: "no-such-worker" });
      assert.ok(decision.kind === "rejected");
      assert.equal(decision.code, "AC_WORKER_UNKNOWN");
      assert.equal(decision.evidence.worker, "no-such-worker");
    },
  },

  "a slot is refused while it is taken and granted once it was released": {
    config: { limits: { global: { concurrency: 1 } } },
    check: async (subject) => {
      const permitId = await subject.grant(subject.request());
      const decision = await subject.ask();
      assert.ok(decision.kind === "deferred" && decision.code === "AC_CONCURRENCY");
      assert.ok(decision.retryAfterMs > 0);
      await subject.runtime.releasePermit(permitId);
      await subject.runtime.releasePermit(permitId);
      assert.equal((await subject.ask()).kind, "granted");
    },
  },

  "of many requests at once exactly as many are granted as there are slots": {
    config: { limits: { global: { concurrency: 7 } } },
    check: async (subject) => {
      const decisions = await Promise.all(Array.from({ length: 50 }, () => subject.ask()));
      assert.equal(decisions.filter(({ kind }) => kind === "granted").length, 7);
      assert.equal((await subject.runtime.load()).permitsLive, 7);
    },
  },

  "a run that is cancelled ends as cancelled, and cancelling again is harmless": {
    check: async (subject) => {
      const { permitId, result, identities } = await subject.start(subject.instructions.hangs);
      await until(() => identities.length === 1, { what: "the run to start" });
      await subject.runtime.cancel(permitId, { reason: "enough" });
      await subject.runtime.cancel(permitId, { reason: "now", force: true });
      const { outcome, errorClass } = await result;
      assert.deepEqual([outcome, errorClass], ["cancelled", "cancelled"]);
      await subject.runtime.cancel(permitId, { reason: "late" });
    },
  },

  "a run that passes its wall clock ends as timed out": {
    check: async (subject) => {
      const { result } = await subject.start(subject.instructions.hangs, { timeoutMs: 300 });
      const { outcome, code } = await result;
      assert.deepEqual([outcome, code], ["timed_out", "AC_TIMEOUT"]);
    },
  },

  "events arrive all, in order, before the result": {
    check: async (subject) => {
      const count = 5000;
      const run = await subject.start(subject.instructions.emits(count));
      assert.equal((await run.result).outcome, "succeeded");
      const numbers = run.events.flatMap((event) =>
        event.type === "stdout" || event.type === "text"
          ? event.text.split("\n").filter(Boolean).map(Number)
          : [],
      );
      assert.equal(numbers.length, count);
      assert.ok(numbers.every((number, index) => number === index));
    },
  },

  "a probe stops the run, each look is an event, and what it found is in the result": {
    check: async (subject) => {
      const answer = {
        class: "stalled",
        fingerprints: ["db/locked"],
        reasons: ["no row"],
        summary: { n: 7 },
      };
      const command = subject.instructions.answers(answer);
      const probe = probeSpecSchema.parse({ command, intervalMs: 100, stallThreshold: 3 });
      const { result, events } = await subject.start(subject.instructions.hangs, {}, { probe });
      const { outcome, code, probe: finding } = await result;
      assert.deepEqual({ outcome, code }, { outcome: "stalled", code: "AC_PROBE_STALLED" });
      assert.deepEqual(finding, { ...answer, by: "answer" });
      const looks = events.flatMap((event) => (event.type === "probe" ? [[event.found, event.inRow]] : []));
      assert.deepEqual(looks, [
        ["stalled", 1],
        ["stalled", 2],
        ["stalled", 3],
      ]);
    },
  },

  "the load is what its schema says, and follows what happens": {
    check: async (subject) => {
      const { permitId, result } = await subject.start(subject.instructions.hangs);
      const load = await subject.runtime.load();
      assert.deepEqual(loadReportSchema.parse(load), load);
      assert.equal(load.permitsLive, 1);
      assert.equal(load.draining, false);
      subject.runtime.reportQueue({ depth: 3, oldestWaitMs: 10 });
      await subject.runtime.cancel(permitId, { reason: "enough" });
      await result;
      assert.equal((await subject.runtime.load()).permitsLive, 0);
    },
  },

  "draining lets runs end and grants nothing more": {
    check: async (subject) => {
      const { permitId, result } = await subject.start(subject.instructions.hangs);
      let drained = false;
      const draining = subject.runtime.drain().then(() => {
        drained = true;
      });
      await until(async () => (await subject.runtime.load()).draining, { what: "draining" });
      const decision = await subject.ask();
      assert.ok(decision.kind === "rejected" && decision.code === "AC_DRAINING");
      assert.equal(drained, false);
      await subject.runtime.cancel(permitId, { reason: "enough" });
      await result;
      await draining;
    },
  },

  "runs are killed when the lease runs out, and refused until it is renewed": {
    check: async (subject) => {
      const { runtime, instructions } = subject;
      const renew = (forMs: number) => runtime.renewLease(systemClock.monotonicMs() + forMs);
      const { result } = await subject.start(instructions.hangs);
      renew(300);
      const request = subject.request();
      const unused = await subject.grant(request);
      const { outcome, code } = await result;
      assert.deepEqual([outcome, code], ["lost", "AC_LEASE_LOST"]);
      const decision = await subject.ask();
      assert.ok(decision.kind === "deferred" && decision.code === "AC_LEASE_LOST", JSON.stringify(decision));
      const task = subject.task(request, instructions.succeeds);
      await assert.rejects(runtime.execute(unused, task), codeIs("AC_LEASE_LOST"));
      renew(60_000);
      await assert.rejects(runtime.execute(unused, task), codeIs("AC_PERMIT_INVALID"));
      const { result: next } = await subject.start(instructions.succeeds);
      assert.equal((await next).outcome, "succeeded");
    },
  },

  "closing ends what runs, and closing twice is one close": {
    check: async (subject) => {
      const { result } = await subject.start(subject.instructions.hangs);
      await Promise.all([subject.runtime.close(), subject.runtime.close()]);
      assert.equal((await result).outcome, "cancelled");
      await subject.runtime.close();
    },
  },

  "breakers that open are told to who listens, until they stop listening": {
    config: {
      breakers: { consecutive_failures: 1 },
    },
    check: async (subject) => {
      const heard: string[] = [];
      const stop = subject.runtime.onEscalation(({ stage }) => heard.push(stage));
      await (
        await subject.start(subject.instructions.crashes)
      ).result;
      await until(() => heard.includes("open_breaker"), { what: "the escalation" });
      stop();
    },
  },
};

export function runtimeConformanceCases(harness: RuntimeHarness): readonly ConformanceCase[] {
  return Object.entries(cases).map(([name, { config = {}, check }]) => ({
    name,
    run: async () => {
      const opened = await harness.open(config);
      try {
        await check(new Subject(opened));
      } finally {
        await opened.close();
      }
    },
  }));
}
