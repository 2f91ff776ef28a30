import { createMemoryCallJournal, type CallJournal } from "@agentcore/core";
import { until } from "@agentcore/contract/testing";
import { AgentCoreError, type ProviderCall } from "@agentcore/contract";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { openRig, realKey } from "../testing/rig.ts";
import { eventStream, messageEvents, replies, streams } from "../testing/upstream.ts";

const hello = messageEvents(["Hello", " world"], { input: 1000, output: 20 });

/** A journal whose calls of `end` wait, or fail. */
function journalWith(end: (call: ProviderCall) => Promise<void>): CallJournal {
  const journal = createMemoryCallJournal();
  return {
    ...journal,
    async end(call) {
      await end(call);
      await journal.end(call);
    },
  };
}

const unavailable = () => new AgentCoreError("AC_STORE_UNAVAILABLE", "the disk is full");

it("forwards a request with the real credential, and meters the stream", async () => {
  const rig = await openRig(streams(hello));
  const attempt = await rig.open({ maxCostUsd: 1 });

  const response = await attempt.post();
  expect(await response.text()).toBe(hello.join(""));
  const [call] = await attempt.calls();
  expect(call).toMatchObject({ outcome: "completed", status: 200, estimated: false, tokens: 1020 });
  expect(call?.costMicroUsd).toBeGreaterThan(0);
  const [request] = rig.upstream.requests;
  expect(request?.headers["x-api-key"]).toBe(realKey);
  expect(request?.rawHeaders.join()).not.toContain(attempt.meter.access.key);
  const bytes = hello.join("").length;
  expect(attempt.activities.at(-1)).toEqual({ waiting: 0, streaming: 0, bytes, identicalCalls: 1 });
  const spent = { calls: 1, tokens: 1020, costMicroUsd: call?.costMicroUsd, estimated: false };
  expect(attempt.spendings.at(-1)).toMatchObject(spent);
  expect(await attempt.meter.close()).toMatchObject(spent);
});

it("meters a response that is one JSON document", async () => {
  const body = { type: "message", content: [], usage: { input_tokens: 7, output_tokens: 5 } };
  const rig = await openRig(replies(200, body));
  const attempt = await rig.open();
  const response = await attempt.post({ stream: false });
  expect(await response.json()).toEqual(body);
  expect(await attempt.calls()).toMatchObject([{ outcome: "completed", tokens: 12, estimated: false }]);
});

it("passes on each event at once", async () => {
  let response: ServerResponse | null = null;
  const rig = await openRig((_request, to) => {
    response = to.writeHead(200, eventStream);
    to.flushHeaders();
  });
  const attempt = await rig.open();
  const reader = (await attempt.post()).body?.getReader();
  for (const event of hello) {
    (response as ServerResponse | null)?.write(event);
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(event);
  }
});

describe("a trap of the wire", () => {
  it.each([
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ])(
    "compressed responses: %s is decoded and metered, although identity was asked for",
    async (name, compress) => {
      const rig = await openRig((_request, response) => {
        response.writeHead(200, { ...eventStream, "content-encoding": name });
        response.end(compress(hello.join("")));
      });
      const attempt = await rig.open();
      const response = await attempt.post({}, { headers: { "accept-encoding": "gzip, zstd" } });
      expect(await response.text()).toBe(hello.join(""));
      expect(rig.upstream.requests[0]?.headers["accept-encoding"]).toBe("identity");
      expect(await attempt.calls()).toMatchObject([{ outcome: "completed", tokens: 1020, estimated: false }]);
    },
  );

  it("closing after the terminal event: the call is settled on the event, though the upstream never ends", async () => {
    const rig = await openRig((_request, response) =>
      response.writeHead(200, eventStream).write(hello.join("")),
    );
    const attempt = await rig.open();
    const reader = (await attempt.post()).body?.getReader();
    let seen = "";
    while (!seen.includes("message_stop"))
      seen += Buffer.from((await reader?.read())?.value ?? []).toString();
    expect(await attempt.calls()).toMatchObject([{ outcome: "completed", tokens: 1020, estimated: false }]);
    await reader?.cancel();
    await until(async () => (await rig.upstream.connections()) === 0);
    expect(await attempt.calls()).toMatchObject([{ outcome: "completed", tokens: 1020 }]);
  });

  it("an upstream that never ends after the terminal event: the response ends all the same", async () => {
    const rig = await openRig((_request, response) =>
      response.writeHead(200, eventStream).write(hello.join("")),
    );
    const attempt = await rig.open();
    expect(await (await attempt.post()).text()).toBe(hello.join(""));
  });

  it("leaving before the ledger is written: the terminal event waits for the journal", async () => {
    const written = Promise.withResolvers<void>();
    const ending = Promise.withResolvers<void>();
    const journal = journalWith(async () => {
      ending.resolve();
      await written.promise;
    });
    const rig = await openRig(streams(hello), { journal });
    const attempt = await rig.open();
    const reader = (await attempt.post()).body?.getReader();
    let seen = "";
    const reading = (async () => {
      for (let part = await reader?.read(); part?.done === false; part = await reader?.read())
        seen += Buffer.from(part.value).toString();
    })();
    await ending.promise;
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).not.toContain("message_stop");
    written.resolve();
    await reading;
    expect(seen).toBe(hello.join(""));
  });

  it("aborting: the upstream is aborted, and the call is charged an estimate of what was seen", async () => {
    const rig = await openRig((_request, response) =>
      response.writeHead(200, eventStream).write(hello.slice(0, 4).join("")),
    );
    const attempt = await rig.open();
    const controller = new AbortController();
    const reader = (await attempt.post({}, { signal: controller.signal })).body?.getReader();
    await reader?.read();
    controller.abort();
    await until(async () => (await attempt.calls())[0]?.outcome === "cancelled");
    await until(async () => (await rig.upstream.connections()) === 0);
    const [call] = await attempt.calls();
    expect(call).toMatchObject({ estimated: true, status: 200, usage: { inputTokens: 1000 } });
    expect(call?.tokens).toBeGreaterThan(1000);
  });

  it("a 2xx without usage leaves a row with an estimate; a real zero is not one", async () => {
    const rig = await openRig(replies(200, { type: "message", content: [] }));
    const attempt = await rig.open();
    await (await attempt.post({ stream: false })).text();
    rig.upstream.answer = replies(200, {
      type: "message",
      content: [],
      usage: { input_tokens: 0, output_tokens: 0 },
    });
    await (await attempt.post({ stream: false })).text();
    const [bounded, zero] = await attempt.calls();
    expect(bounded).toMatchObject({ outcome: "completed", estimated: true });
    expect(bounded?.tokens).toBeGreaterThanOrEqual(1000);
    expect(zero).toMatchObject({ outcome: "completed", estimated: false, tokens: 0, costMicroUsd: 0 });
  });
});

describe("a bad upstream", () => {
  it("that answers with an error costs nothing, and its text is passed on unchanged", async () => {
    const text =
      '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}';
    const rig = await openRig(replies(400, text, { "request-id": "req_1" }));
    const attempt = await rig.open();
    const response = await attempt.post();
    expect(response.status).toBe(400);
    expect(response.headers.get("request-id")).toBe("req_1");
    expect(await response.text()).toBe(text);
    expect(await attempt.calls()).toMatchObject([
      { outcome: "failed", status: 400, costMicroUsd: 0, estimated: false },
    ]);
  });

  it("that resets in mid-stream breaks the response, and is charged what was seen or held", async () => {
    const rig = await openRig((_request, response) => {
      response.writeHead(200, eventStream).write(hello.slice(0, 4).join(""), () => response.destroy());
    });
    const attempt = await rig.open();
    const response = await attempt.post();
    await expect(response.text()).rejects.toThrow("terminated");
    await until(async () => (await attempt.calls())[0]?.outcome === "failed");
    expect(await attempt.calls()).toMatchObject([{ outcome: "failed", estimated: true, status: 200 }]);
  });

  it("that resets before it answers is charged its bound, and the worker gets a 502 in its protocol", async () => {
    const rig = await openRig((request) => request.message.socket.destroy());
    const attempt = await rig.open();
    const response = await attempt.post();
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ type: "error", error: { type: "api_error" } });
    const [call] = await attempt.calls();
    expect(call).toMatchObject({ outcome: "failed", status: null, estimated: true });
    expect(call?.costMicroUsd).toBeGreaterThan(0);
  });

  it("that cannot be reached costs nothing", async () => {
    const rig = await openRig(streams(hello));
    const { url } = rig.upstream;
    const attempt = await rig.open({ upstream: { baseUrl: url.replace(/\d+$/, "1") } });
    const response = await attempt.post();
    expect(response.status).toBe(502);
    expect(await response.text()).toContain("ECONNREFUSED");
    expect(await attempt.calls()).toMatchObject([
      { outcome: "failed", costMicroUsd: 0, tokens: 0, estimated: false },
    ]);
  });

  it.each([
    ["HTML", "text/html", "<html>Bad gateway</html>"],
    ["events without JSON", "text/event-stream", "event: x\ndata: {{{{\n\n"],
    ["a JSON document that ends early", "application/json", '{"type":"message","usage":{"input_tokens":5'],
    ["nothing", "text/event-stream", ""],
  ])("that sends garbage (%s) is charged its bound", async (_name, type, body) => {
    const rig = await openRig((_request, response) =>
      response.writeHead(200, { "content-type": type }).end(body),
    );
    const attempt = await rig.open();
    const response = await attempt.post();
    expect(await response.text()).toBe(body);
    const [call] = await attempt.calls();
    expect(call).toMatchObject({ outcome: "failed", status: 200, estimated: true });
    expect(call?.tokens).toBeGreaterThanOrEqual(1000);
  });

  it("that reports an error in place of an answer costs nothing", async () => {
    const event =
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n';
    const rig = await openRig(streams([event]));
    const attempt = await rig.open();
    expect(await (await attempt.post()).text()).toBe(event);
    expect(await attempt.calls()).toMatchObject([{ outcome: "failed", status: 200, costMicroUsd: 0 }]);
  });

  it("that sends 100 MB is cut off, and charged its bound", async () => {
    const part = Buffer.alloc(1024 * 1024, "x");
    let isGone = false;
    const rig = await openRig(async (_request, response) => {
      const closed = once(response, "close").then(() => (isGone = true));
      response.writeHead(200, eventStream);
      for (let count = 0; count < 100 && !response.destroyed; count += 1) {
        if (!response.write(part)) await Promise.race([once(response, "drain"), closed]);
      }
      response.end();
    });
    const attempt = await rig.open();
    const response = await attempt.post();
    await expect(response.text()).rejects.toThrow("terminated");
    await until(() => isGone);
    await until(async () => (await attempt.calls())[0]?.outcome === "failed");
    expect(await attempt.calls()).toMatchObject([{ outcome: "failed", estimated: true }]);
  });

  it("that never answers is ended with the meter, and charged its bound", async () => {
    const rig = await openRig(() => {});
    const attempt = await rig.open();
    const sent = attempt.post().catch(() => null);
    await until(() => rig.upstream.requests.length === 1);
    const total = await attempt.meter.close();
    expect(await sent).toBeNull();
    const [call] = await attempt.calls();
    expect(call).toMatchObject({ outcome: "cancelled", status: null, estimated: true });
    expect(total).toMatchObject({ calls: 1, costMicroUsd: call?.costMicroUsd, estimated: true });
  });

  it("that repeats the credential in its error does not get it to the worker", async () => {
    const rig = await openRig(
      replies(403, { error: `the key ${realKey} is disabled` }, { "x-debug": `key=${realKey}` }),
    );
    const attempt = await rig.open();
    const response = await attempt.post();
    expect(await response.text()).toBe('{"error":"the key [credential] is disabled"}');
    expect(JSON.stringify([...response.headers])).not.toContain(realKey);
  });
});

it("the journal knows of a response that is longer than was held before more of it is passed on", async () => {
  const chunk = { choices: [{ index: 0, delta: { content: "word ".repeat(8000) } }] };
  const rig = await openRig((_request, response) =>
    response.writeHead(200, eventStream).write(`data: ${JSON.stringify(chunk)}\n\n`.repeat(6)),
  );
  const attempt = await rig.open({ upstream: { provider: "openai", protocol: "openai-chat" } });
  const body = JSON.stringify({ model: "gpt-5.5", stream: true, messages: [] });
  const response = await attempt.post({}, { path: "/v1/chat/completions", body });
  await response.body?.getReader().read();
  await until(async () => ((await attempt.calls())[0]?.tokens ?? 0) > 40_000);
  const [open] = await attempt.calls();
  expect(open).toMatchObject({ outcome: "open", endedAt: null, estimated: true });
  expect((await attempt.meter.close()).tokens).toBeGreaterThan(40_000);
});

describe("a failing journal", () => {
  it("refuses the request before it is forwarded", async () => {
    const journal = { ...createMemoryCallJournal(), begin: () => Promise.reject(unavailable()) };
    const rig = await openRig(streams(hello), { journal });
    const attempt = await rig.open();
    const response = await attempt.post();
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ type: "error", error: { type: "api_error" } });
    expect(rig.upstream.requests).toEqual([]);
    expect(await attempt.meter.close()).toMatchObject({ costMicroUsd: 0, tokens: 0 });
  });

  it("breaks the response whose end it cannot record, which then counts with the most that it can cost", async () => {
    const begun: ProviderCall[] = [];
    const memory = createMemoryCallJournal();
    const journal: CallJournal = {
      ...memory,
      begin: (call) => (begun.push(call), memory.begin(call)),
      end: () => Promise.reject(unavailable()),
    };
    const rig = await openRig(streams(hello), { journal });
    const attempt = await rig.open();
    await expect((await attempt.post()).text()).rejects.toThrow("terminated");
    const total = await attempt.meter.close();
    expect(total).toMatchObject({
      costMicroUsd: begun[0]?.costMicroUsd,
      tokens: begun[0]?.tokens,
      estimated: true,
    });
  });

  it("gets the end of the call when the meter is closed, if it works again", async () => {
    let isBroken = true;
    const journal = journalWith(() => (isBroken ? Promise.reject(unavailable()) : Promise.resolve()));
    const rig = await openRig(streams(hello), { journal });
    const attempt = await rig.open();
    await expect((await attempt.post()).text()).rejects.toThrow("terminated");
    isBroken = false;
    expect(await attempt.meter.close()).toMatchObject({ tokens: 1020, estimated: false });
    expect(await attempt.calls()).toMatchObject([{ outcome: "completed", tokens: 1020 }]);
  });
});
