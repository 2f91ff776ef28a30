import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import {
  AgentCoreError,
  type Escalation,
  type PermitRequest,
  silentLog,
  unknownUsage,
  type WorkerEvent,
  type WorkerTask,
} from "@agentcore/contract";
import { createMemoryStore } from "../memory/memory-store.ts";
import { createScheduler } from "../scheduler.ts";
import { simpleJob } from "../testing/rig.ts";
import type { WireProcessBehavior } from "../testing/wire-process.ts";
import { decideRestart } from "./restart-intensity.ts";
import type { RuntimeStatus } from "./runtime-supervisor.ts";
import { runtimeProcess } from "./runtime-process.ts";
import {
  superviseRuntime,
  type SupervisedRuntime,
  type SupervisedRuntimeOptions,
} from "./supervised-runtime.ts";
import { WirePeer } from "./wire-peer.ts";

const program = fileURLToPath(new URL("../testing/wire-process.ts", import.meta.url));
const open: SupervisedRuntime[] = [];
afterEach(() => Promise.all(open.splice(0).map((runtime) => runtime.close())));

function start(behavior: WireProcessBehavior = {}) {
  const args = ["--conditions=@agentcore/source", program, JSON.stringify(behavior)];
  return runtimeProcess({ command: process.execPath, args, env: {} });
}

function supervise(
  behavior: WireProcessBehavior = {},
  options: Partial<SupervisedRuntimeOptions> = {},
): SupervisedRuntime {
  const runtime = superviseRuntime({ start: start(behavior), proveGone: async () => true, ...options });
  open.push(runtime);
  return runtime;
}

const request = (jobId = "j"): PermitRequest => ({
  jobId,
  attempt: 1,
  maxAttempts: 1,
  worker: "shell",
  workspace: "/w",
  capabilities: ["read"],
  timeoutMs: 1000,
  priorityClass: "batch",
});
const task = (instructions: string): WorkerTask => ({
  worker: "shell",
  workspace: "/w",
  instructions,
  capabilities: ["read"],
});

async function grant(runtime: SupervisedRuntime): Promise<string> {
  const decision = await runtime.requestPermit(request());
  if (decision.kind !== "granted") throw new TypeError(`not granted: ${decision.code}`);
  return decision.permit.id;
}

/** Resolves when the runtime has reached the state. */
function reaches(runtime: SupervisedRuntime, state: RuntimeStatus["state"]): Promise<void> {
  return new Promise((resolve) => {
    if (runtime.status().state === state) return resolve();
    const stop = runtime.onStatus((status) => {
      if (status.state !== state) return;
      stop();
      resolve();
    });
  });
}

describe("a runtime behind a wire", () => {
  it("lets a request wait while it starts, instead of refusing it", async () => {
    const runtime = supervise();
    expect(runtime.status().state).toBe("starting");
    expect(await runtime.requestPermit(request())).toMatchObject({ kind: "granted" });
  });

  it("defers a request whose process dies while it starts, and is not started again once it is retired", async () => {
    const runtime = supervise({ exitAtStart: 3 });
    expect(await runtime.requestPermit(request())).toMatchObject({
      kind: "deferred",
      code: "AC_RUNTIME_LOST",
    });
    runtime.retire();
    await reaches(runtime, "closed");
    expect(await runtime.requestPermit(request())).toMatchObject({ kind: "rejected", code: "AC_DRAINING" });
  });

  it("answers like one in process: permit, execute, events in order, load, release", async () => {
    const runtime = supervise();
    await runtime.ready();
    const seen: WorkerEvent[] = [];
    let marker = "";
    const permitId = await grant(runtime);
    const result = await runtime.execute(permitId, task("flood 5000"), {
      onEvent: (event) => seen.push(event),
      onStarted: (identity) => (marker = identity.marker),
    });
    expect(result.outcome).toBe("succeeded");
    expect(marker).toBe(permitId);
    expect(seen.map((event) => (event.type === "text" ? event.text : ""))).toEqual(
      Array.from({ length: 5000 }, (_, index) => `event ${index + 1}`),
    );
    const unused = await grant(runtime);
    expect((await runtime.load()).permitsLive).toBe(1);
    await runtime.releasePermit(unused);
    expect((await runtime.load()).permitsLive).toBe(0);
  });

  it("takes a permit once only, and none that it did not grant", async () => {
    const runtime = supervise();
    await runtime.ready();
    const permitId = await grant(runtime);
    await runtime.execute(permitId, task("true"));
    await expect(runtime.execute(permitId, task("true"))).rejects.toMatchObject({
      code: "AC_PERMIT_INVALID",
    });
    await expect(runtime.execute("invented", task("true"))).rejects.toMatchObject({
      code: "AC_PERMIT_INVALID",
    });
  });

  it.each([1, 2])("passes a cancel on, in the words of version %i", async (protocolVersion) => {
    const runtime = supervise({ protocolVersion });
    await runtime.ready();
    const permitId = await grant(runtime);
    const running = runtime.execute(permitId, task("sleep 60000"));
    await runtime.cancel(permitId, { reason: "enough" });
    expect((await running).outcome).toBe("cancelled");
  });

  it("answers a request that came before it was ready once it is, and refuses them once closed", async () => {
    const runtime = supervise();
    expect(runtime.status().state).not.toBe("ready");
    expect((await runtime.requestPermit(request())).kind).toBe("granted");
    expect(runtime.status().state).toBe("ready");
    await runtime.close();
    expect(await runtime.requestPermit(request())).toMatchObject({ kind: "rejected", code: "AC_DRAINING" });
    await expect(runtime.ready()).rejects.toMatchObject({ code: "AC_DRAINING" });
    expect(runtime.status()).toMatchObject({ state: "closed", restarts: 0 });
  });

  it("survives a message of 9 MiB", async () => {
    const runtime = supervise();
    await runtime.ready();
    expect((await runtime.execute(await grant(runtime), task("huge"))).outcome).toBe("succeeded");
  });
});

describe("a supervised runtime", () => {
  it("ends what ran in a process that died as lost, once it is proved gone, and restarts the process", async () => {
    let proofs = 0;
    const runtime = supervise(
      {},
      { proveGone: async ({ identity }) => identity !== null && (proofs += 1) > 1 },
    );
    await runtime.ready();
    const first = runtime.status().pid;
    const result = await runtime.execute(await grant(runtime), task("die"));
    expect(result).toMatchObject({ outcome: "lost", errorClass: "lost", code: "AC_RUNTIME_LOST" });
    expect(proofs).toBe(2);
    await runtime.ready();
    expect(runtime.status()).toMatchObject({ state: "ready", restarts: 1, lastDeath: "exit code 9" });
    expect(runtime.status().pid).not.toBe(first);
    expect((await runtime.execute(await grant(runtime), task("true"))).outcome).toBe("succeeded");
  });

  it("charges what ran in a process that died by its own records", async () => {
    const usage = { ...unknownUsage, outputTokens: 9 };
    const runtime = supervise(
      {},
      {
        proveGone: async () => true,
        spendingOfLost: async (lost) => (lost.task.instructions === "die" ? { costUsd: 0.25, usage } : null),
      },
    );
    await runtime.ready();
    const result = await runtime.execute(await grant(runtime), task("die"));
    expect(result).toMatchObject({ outcome: "lost", costUsd: 0.25, costBasis: "estimated", usage });
  });

  it.each([
    ["rejects where it is proved that no worker began", async () => true, "AC_RUNTIME_LOST"],
    ["ends as lost where that is not proved", async () => false, null],
    ["ends as lost where nobody can tell", async () => Promise.reject(new Error("unreadable")), null],
  ])("of an attempt whose process died before a start was heard of %s", async (_what, neverBegan, code) => {
    const runtime = supervise({}, { neverBegan });
    await runtime.ready();
    const execution = runtime.execute(await grant(runtime), task("die-held"));
    if (code === null) expect(await execution).toMatchObject({ outcome: "lost", costUsd: null });
    else await expect(execution).rejects.toMatchObject({ code });
  });

  it("does not execute a permit of a process that died: the attempt has not begun", async () => {
    const runtime = supervise();
    await runtime.ready();
    const unused = await grant(runtime);
    await runtime.execute(await grant(runtime), task("die"));
    await expect(runtime.execute(unused, task("true"))).rejects.toMatchObject({ code: "AC_RUNTIME_LOST" });
    await runtime.releasePermit(unused);
    await runtime.cancel(unused, { reason: "late" });
  });

  it("kills a process that is silent", async () => {
    const runtime = supervise({ heartbeatMs: 20, beats: 3 });
    await runtime.ready();
    await reaches(runtime, "waiting");
    expect(runtime.status().lastDeath).toMatch(/silent for 5 heartbeats of 20 ms/);
  });

  it("kills a process whose loop hangs, and ends its executions as lost", async () => {
    const runtime = supervise({ heartbeatMs: 20 });
    await runtime.ready();
    const result = await runtime.execute(await grant(runtime), task("hang"));
    expect(result.outcome).toBe("lost");
  });

  it("kills a process that talks nonsense", async () => {
    const runtime = supervise();
    await runtime.ready();
    const result = await runtime.execute(await grant(runtime), task("garbage"));
    expect(result.outcome).toBe("lost");
    expect(runtime.status().lastDeath).toMatch(/100 bad messages/);
  });

  it("kills a process that does not answer the handshake, or speaks another version", async () => {
    const mute = supervise({ mute: true }, { answerMs: 100 });
    await reaches(mute, "waiting");
    expect(mute.status().lastDeath).toMatch(/did not answer initialize within 100 ms/);
    const foreign = supervise({ protocolVersion: 99 });
    await reaches(foreign, "waiting");
    expect(foreign.status().lastDeath).toMatch(/speaks version 99/);
  });

  it("escalates after exactly as many restarts as allowed, and starts nothing more", async () => {
    let starts = 0;
    const dying = start({ exitAtStart: 3 });
    const escalations: Escalation[] = [];
    const runtime = supervise(
      {},
      { start: () => ((starts += 1), dying()), intensity: { max: 3, windowMs: 60_000 } },
    );
    // A listener that throws affects nobody else.
    runtime.onEscalation(() => {
      throw new RangeError("thrown by a listener");
    });
    runtime.onEscalation((escalation) => escalations.push(escalation));
    await reaches(runtime, "escalated");
    expect(starts).toBe(4);
    expect(escalations).toMatchObject([
      { code: "AC_RESTART_INTENSITY", stage: "global_stop", evidence: { restarts: 3 } },
    ]);
    expect(await runtime.requestPermit(request())).toMatchObject({
      kind: "rejected",
      code: "AC_RESTART_INTENSITY",
    });
    await expect(runtime.ready()).rejects.toMatchObject({ code: "AC_RESTART_INTENSITY" });
    expect(runtime.status().lastDeath).toBe("exit code 3");
  });

  it("counts a process that cannot be started at all", async () => {
    const missing = runtimeProcess({ command: "/nonexistent/agentcore", args: [], env: {} });
    const runtime = supervise({}, { start: missing, intensity: { max: 1, windowMs: 60_000 } });
    await reaches(runtime, "escalated");
    expect(runtime.status().lastDeath).toMatch(/could not be started/);
  });

  it("loses no job of a scheduler when its process is killed again and again", async () => {
    const runtime = supervise({}, { intensity: { max: 50, windowMs: 60_000 } });
    const store = createMemoryStore();
    const scheduler = await createScheduler({ store, runtime, concurrency: 4 });
    const retry = { baseDelayMs: 10 };
    const jobs = Array.from({ length: 30 }, (_, n) =>
      simpleJob({ retry, limits: { maxAttempts: 20 }, task: { ...task("sleep 30"), workspace: `/w/${n}` } }),
    );
    let kills = 0;
    scheduler.subscribe((event) => {
      const { pid } = runtime.status();
      if (event.type !== "attempt_started" || kills === 3 || pid === null) return;
      kills += 1;
      process.kill(pid, "SIGKILL");
    });
    await scheduler.submitAll(jobs);
    await scheduler.whenIdle();
    const { succeeded, dead } = await scheduler.stats();
    expect({ succeeded, dead, kills }).toEqual({ succeeded: 30, dead: 0, kills: 3 });
    await scheduler.close();
  });
});

describe("the restart intensity", () => {
  it("allows as many restarts in the window as it says, ever more slowly", () => {
    let restarts: readonly number[] = [];
    const delays: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const decision = decideRestart(restarts, n * 1000);
      if (decision.kind === "escalate") break;
      restarts = decision.restarts;
      delays.push(decision.delayMs);
    }
    expect(delays).toEqual([100, 200, 400, 800, 1600]);
    expect(decideRestart(restarts, 5000).kind).toBe("escalate");
    expect(decideRestart(restarts, 30_000)).toMatchObject({ kind: "restart", delayMs: 1600 });
  });
});

describe("a peer that sends what it must not", () => {
  it.each([
    ["no JSON", "hello"],
    ["no JSON-RPC", '{"jsonrpc":"1.0"}'],
    ["an answer to nothing", '{"jsonrpc":"2.0","id":77,"result":null}'],
    ["an error about nothing", '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}'],
    ["an unknown notification", '{"jsonrpc":"2.0","method":"surprise","params":{}}'],
    ["an event of the wrong shape", '{"jsonrpc":"2.0","method":"event","params":{"seq":0}}'],
  ])("is counted for %s, and harmed by nothing else", async (_what, line) => {
    const [output, input] = [new PassThrough(), new PassThrough()];
    const broken: string[] = [];
    const peer = new WirePeer({
      output,
      input,
      log: silentLog,
      onMessage: () => {},
      onNotification: () => broken.push("a bad notification was passed on"),
      onBroken: (why) => broken.push(why),
    });
    const asked = peer.request("drain", {});
    for (let n = 0; n < 99; n += 1) output.write(`${line}\n`);
    output.write('{"jsonrpc":"2.0","id":1,"result":null}\n');
    expect(await asked).toBeNull();
    expect(broken).toEqual([]);
    output.write(`${line}\n`);
    const reason = new AgentCoreError("AC_RUNTIME_LOST", "gone");
    await expect(
      Promise.race([
        peer.request("drain", {}),
        new Promise((_, reject) => setImmediate(() => reject(reason))),
      ]),
    ).rejects.toBe(reason);
    expect(broken.length).toBe(1);
  });

  it("fails a request whose answer has the wrong shape", async () => {
    const [output, input] = [new PassThrough(), new PassThrough()];
    const ports = {
      output,
      input,
      log: silentLog,
      onMessage: () => {},
      onNotification: () => {},
      onBroken: () => {},
    };
    const peer = new WirePeer(ports);
    const asked = peer.request("load", {});
    output.write('{"jsonrpc":"2.0","id":1,"result":{"permitsLive":-1}}\n');
    await expect(asked).rejects.toMatchObject({ code: "AC_WIRE_MALFORMED" });
  });
});
