import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Log,
  spooledResultSchema,
  systemClock,
  systemIds,
  wireMessageBytesMax,
  wireRequests,
  wireResponseEnvelopeSchema,
  workerTaskSchema,
} from "@agentcore/contract";
import { describe, expect, it, onTestFinished } from "vitest";
import type { RuntimeConfigInput } from "../config/runtime-config.ts";
import { createRuntime } from "../runtime/create-runtime.ts";
import { fakeAdapter } from "../testing/fake-worker.ts";
import { obedientRunner } from "../testing/obedient-runner.ts";
import { permitRequest, runtimeConfig } from "../testing/requests.ts";
import { runtimeConformanceCases } from "../testing/runtime-conformance.ts";
import { testSeed, seededRandom, until } from "@agentcore/contract/testing";
import { connectTestClient } from "../testing/wire-client.ts";
import { serveRuntime } from "./serve-runtime.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
let places = 0;

function serve(config: RuntimeConfigInput = {}, spoolDir?: string) {
  const { runner, instructions } = obedientRunner();
  const adapters = [fakeAdapter({ name: "obedient", provider: null })];
  const runtime = createRuntime({
    config: runtimeConfig(config),
    adapters,
    runner,
    clock: systemClock,
    ids: systemIds,
  });
  const [input, output] = [new PassThrough(), new PassThrough()];
  const options = { input, output, clock: systemClock, log: silent, server: { name: "test", version: "1" } };
  const served = serveRuntime(runtime, { ...options, ...(spoolDir !== undefined && { spoolDir }) });
  void served.then(() => output.end());
  const place = () => ({
    worker: "obedient",
    workspace: `/place/${(places += 1)}`,
    capabilities: ["read" as const],
  });
  return { runtime, runner, instructions, input, output, served, place };
}

/** Sends raw lines, and reads replies one by one. */
function rawClient(config: RuntimeConfigInput = {}) {
  const rig = serve(config);
  const lines: unknown[] = [];
  const waiters: ((line: unknown) => void)[] = [];
  let rest = "";
  rig.output.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const line = JSON.parse(part) as { method?: string };
      if (line.method === "heartbeat") continue;
      const waiter = waiters.shift();
      if (waiter === undefined) lines.push(line);
      else waiter(line);
    }
  });
  const next = (): Promise<unknown> => {
    const line = lines.shift();
    if (line !== undefined) return Promise.resolve(line);
    return new Promise((resolve) => {
      waiters.push(resolve);
    });
  };
  const send = (line: string | Buffer) => void rig.input.write(line);
  const ask = (message: object) => {
    send(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    return next();
  };
  const hello = { protocolVersions: [1], client: { name: "t", version: "0" } };
  const initialize = () => ask({ id: "hello", method: "initialize", params: hello });
  const bye = async () => {
    rig.input.end();
    await rig.served;
  };
  onTestFinished(bye);
  return { ...rig, send, ask, next, initialize, hello };
}

describe("the runtime over the wire meets the conformance suite", () => {
  const open = async (config: RuntimeConfigInput) => {
    const { instructions, input, output, served, place } = serve(config);
    const client = await connectTestClient(output, input);
    const close = async () => {
      input.end();
      await served;
    };
    return { runtime: client.runtime, instructions, place, close };
  };
  it.each(runtimeConformanceCases({ open }))("$name", async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });
});

describe("the handshake", () => {
  it("tells versions, heartbeat, window and load", async () => {
    const { initialize } = rawClient();
    const reply = wireResponseEnvelopeSchema.parse(await initialize());
    expect(reply).toMatchObject({ id: "hello" });
    expect(wireRequests.initialize.result.parse("result" in reply && reply.result)).toMatchObject({
      protocolVersion: 1,
      server: { name: "test", version: "1" },
    });
  });

  it("comes first: everything else is refused until then", async () => {
    const { ask, initialize } = rawClient();
    const notReady = { error: { code: -32000, data: { code: "AC_WIRE_NOT_READY" } } };
    expect(await ask({ id: 1, method: "load", params: {} })).toMatchObject({ id: 1, ...notReady });
    expect(await ask({ method: "queue/report", params: { depth: 1, oldestWaitMs: 1 } })).toMatchObject({
      id: null,
      ...notReady,
    });
    await initialize();
    expect(await ask({ id: 2, method: "load", params: {} })).toMatchObject({
      id: 2,
      result: { permitsLive: 0 },
    });
  });

  it("takes the newest version that both speak", async () => {
    const { ask, hello } = rawClient();
    const initialize = { id: 1, method: "initialize", params: { ...hello, protocolVersions: [1, 2, 3, 4] } };
    expect(await ask(initialize)).toMatchObject({ result: { protocolVersion: 3 } });
  });

  it("without a common version is refused, with what there is, and may be tried again", async () => {
    const { ask, initialize, hello } = rawClient();
    expect(
      await ask({ id: 1, method: "initialize", params: { ...hello, protocolVersions: [99] } }),
    ).toMatchObject({
      error: { data: { code: "AC_WIRE_NOT_READY", evidence: { offered: [99], supported: [3, 2, 1] } } },
    });
    expect(await initialize()).toMatchObject({ result: { protocolVersion: 1 } });
    expect(await initialize()).toMatchObject({ error: { data: { code: "AC_WIRE_MALFORMED" } } });
  });
});

describe("bad input harms nothing", () => {
  it("a message beyond 8 MiB is refused at once, and the next is answered", async () => {
    const { send, next, initialize, ask } = rawClient();
    await initialize();
    const megabyte = Buffer.alloc(1024 * 1024, "x");
    for (let i = 0; i <= wireMessageBytesMax / megabyte.length; i += 1) send(megabyte);
    expect(await next()).toMatchObject({ id: null, error: { data: { code: "AC_WIRE_TOO_LARGE" } } });
    send("still the same line\n");
    expect(await ask({ id: 3, method: "load", params: {} })).toMatchObject({ id: 3, result: {} });
  });

  it("an id that is in use is refused, and its request answered all the same", async () => {
    const { ask, next, initialize, place, instructions, send } = rawClient();
    await initialize();
    const params = permitRequest(place());
    const granted = (await ask({ id: 1, method: "permit/request", params })) as {
      result: { permit: { id: string } };
    };
    const permitId = granted.result.permit.id;
    const { worker, workspace, capabilities } = params;
    const task = { worker, workspace, capabilities, instructions: instructions.hangs };
    const started = await ask({ id: 7, method: "execute", params: { permitId, task } });
    expect(started).toMatchObject({ method: "started", params: { permitId } });
    expect(await ask({ id: 7, method: "load", params: {} })).toMatchObject({
      id: 7,
      error: { code: -32600 },
    });
    expect(await ask({ id: 8, method: "execute", params: { permitId, task } })).toMatchObject({
      id: 8,
      error: { data: { code: "AC_PERMIT_INVALID" } },
    });
    send(
      `${JSON.stringify({ jsonrpc: "2.0", id: 9, method: "cancel", params: { permitId, message: "x" } })}\n`,
    );
    const replies = [await next(), await next()];
    expect(replies).toContainEqual(
      expect.objectContaining({ id: 7, result: expect.objectContaining({ outcome: "cancelled" }) }),
    );
    expect(replies).toContainEqual(expect.objectContaining({ id: 9, result: null }));
  });

  it("garbage of every kind gets error replies, and the runtime goes on", async () => {
    const random = seededRandom(testSeed("wire garbage"));
    const { initialize, ask, send, output } = rawClient();
    await initialize();
    const fragments = [
      '{"jsonrpc":"2.0"',
      '"id":1',
      "[",
      "]",
      "{}",
      "null",
      "\u0000",
      "\u2028",
      '"method":"execute"',
      ",",
      ":",
      "}",
      "1e999",
      "é",
    ];
    for (let i = 0; i < 2000; i += 1) {
      const words = Array.from(
        { length: 1 + Math.floor(random.next() * 6) },
        () => fragments[Math.floor(random.next() * fragments.length)],
      );
      const noise =
        random.next() < 0.2
          ? Buffer.from([0xff, Math.floor(random.next() * 256)])
          : Buffer.from(words.join(""));
      send(Buffer.concat([noise, Buffer.from("\n")]));
    }
    output.removeAllListeners("data");
    let text = "";
    const answered = new Promise<void>((resolve) => {
      output.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes('"id":"last"')) resolve();
      });
    });
    void ask({ id: "last", method: "load", params: {} });
    await answered;
    const replies = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id?: unknown; error?: unknown; method?: string });
    expect(
      replies.every(
        (reply) => reply.method === "heartbeat" || reply.id === "last" || reply.error !== undefined,
      ),
    ).toBe(true);
  });
});

it("the heartbeat brings the load", async () => {
  const { input, output, served } = serve();
  const client = await connectTestClient(output, input);
  await until(() => client.heartbeats > 0);
  expect(client.heartbeats).toBeGreaterThan(0);
  input.end();
  await served;
});

describe("the end of a connection", () => {
  const scratch = async () => {
    const directory = await mkdtemp(join(tmpdir(), "agentcore-spool-"));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    return join(directory, "not", "there", "yet");
  };
  const spooled = async (directory: string) => {
    const names = (await readdir(directory)).toSorted();
    expect(names.every((name) => name.endsWith(".json"))).toBe(true);
    const texts = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
    return texts.map((text) => spooledResultSchema.parse(JSON.parse(text)));
  };
  /** A client with one run that has just ended and one that hangs. */
  const busy = async (spoolDir: string) => {
    const rig = serve({}, spoolDir);
    const client = await connectTestClient(rig.output, rig.input);
    const start = async (instructions: string) => {
      const request = permitRequest({ ...rig.place(), attempt: 2 });
      const decision = await client.runtime.requestPermit(request);
      if (decision.kind !== "granted") throw new TypeError(decision.message);
      const { worker, workspace, capabilities } = request;
      const task = workerTaskSchema.parse({ worker, workspace, capabilities, instructions });
      return {
        jobId: request.jobId,
        permitId: decision.permit.id,
        result: client.runtime.execute(decision.permit.id, task),
      };
    };
    const ended = await start(rig.instructions.succeeds);
    await ended.result;
    const hanging = await start(rig.instructions.hangs);
    while (rig.runner.runs.length < 2) await sleep(1);
    return { ...rig, client, ended, hanging };
  };

  it("without a goodbye: everything is cancelled, and results that may not have arrived are spooled", async () => {
    const spoolDir = await scratch();
    const { input, served, ended, hanging, runtime } = await busy(spoolDir);
    input.end();
    expect(await served).toBe("disconnected");
    expect((await runtime.load()).permitsLive).toBe(0);
    const results = await spooled(spoolDir);
    expect(results).toHaveLength(2);
    expect(results).toContainEqual(
      expect.objectContaining({
        jobId: ended.jobId,
        attempt: 2,
        result: expect.objectContaining({ outcome: "succeeded" }),
      }),
    );
    expect(results).toContainEqual(
      expect.objectContaining({
        permitId: hanging.permitId,
        result: expect.objectContaining({ outcome: "cancelled" }),
      }),
    );
  });

  it("by an error of the stream is the same as its end", async () => {
    const spoolDir = await scratch();
    const { output, served } = await busy(spoolDir);
    output.emit("error", new Error("EPIPE"));
    expect(await served).toBe("disconnected");
    expect(await spooled(spoolDir)).toHaveLength(2);
  });

  it("with a goodbye: results are delivered, then the answer, and nothing is spooled", async () => {
    const spoolDir = await scratch();
    const { served, client, hanging } = await busy(spoolDir);
    const order: string[] = [];
    await Promise.all([
      hanging.result.then(({ outcome }) => order.push(outcome)),
      client.call("shutdown", {}).then(() => order.push("goodbye")),
    ]);
    expect(order).toEqual(["cancelled", "goodbye"]);
    expect(await served).toBe("shutdown");
    await expect(readdir(spoolDir)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("a client that is behind with its reading is heard: it can cancel", async () => {
    const { input, output, runtime, instructions, place, served } = serve();
    const send = (message: object) => input.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    const client = { name: "slow", version: "0" };
    send({ id: 1, method: "initialize", params: { protocolVersions: [1], client } });
    const request = permitRequest(place());
    const decision = await runtime.requestPermit(request);
    if (decision.kind !== "granted") throw new TypeError(decision.message);
    const { id: permitId } = decision.permit;
    const { worker, workspace, capabilities } = request;
    const task = { worker, workspace, capabilities, instructions: instructions.hangs };
    send({ id: 2, method: "execute", params: { permitId, task } });
    for (let i = 0; !output.writableNeedDrain; i += 1) {
      send({ id: `q${i}`, method: "load", params: {} });
      await new Promise((resolve) => setImmediate(resolve));
    }
    // At the next request, a server might stop reading.
    send({ id: "q", method: "load", params: {} });
    await new Promise((resolve) => setImmediate(resolve));
    send({ id: 3, method: "cancel", params: { permitId, reason: "enough", force: true } });
    while ((await runtime.load()).executing > 0) await sleep(5);
    expect(output.writableNeedDrain).toBe(true);
    input.destroy();
    expect(await served).toBe("disconnected");
  });

  it("a client that does not read is not fed without end", async () => {
    const { input, output, runtime, instructions, place, served } = serve();
    const line = (message: object) => `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
    input.write(
      line({
        id: 1,
        method: "initialize",
        params: { protocolVersions: [1], client: { name: "deaf", version: "0" } },
      }),
    );
    const request = permitRequest(place());
    const decision = await runtime.requestPermit(request);
    if (decision.kind !== "granted") throw new TypeError(decision.message);
    const { worker, workspace, capabilities } = request;
    const task = { worker, workspace, capabilities, instructions: instructions.emits(200_000) };
    input.write(line({ id: 2, method: "execute", params: { permitId: decision.permit.id, task } }));
    for (let i = 0; i < 2000; i += 1) input.write(line({ id: `q${i}`, method: "load", params: {} }));
    while ((await runtime.load()).executing === 0) await sleep(1);
    while ((await runtime.load()).executing === 1) await sleep(5);
    expect(output.writableLength + output.readableLength).toBeLessThan(4 * 1024 * 1024);
    input.destroy();
    expect(await served).toBe("disconnected");
  });
});
