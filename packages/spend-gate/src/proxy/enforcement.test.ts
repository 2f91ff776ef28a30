import { until } from "@agentcore/contract/testing";
import { describe, expect, it } from "vitest";
import { openRig } from "../testing/rig.ts";
import { eventStream, messageEvents, replies, streams } from "../testing/upstream.ts";

const hello = messageEvents(["Hello"], { input: 20, output: 10 });
const long = "word ".repeat(2000);

it("lowers the limit of output to what fits, and changes nothing else", async () => {
  const rig = await openRig(streams(hello));
  const attempt = await rig.open({ maxTokens: 5000 });
  const body = '{"model":"claude-sonnet-5","max_tokens": 128000 ,"stream":true,"messages":[],"x":1.0}';
  await (await attempt.post({}, { body })).text();
  const sent = rig.upstream.requests[0]?.body.toString() ?? "";
  const { max_tokens: asked } = JSON.parse(sent) as { max_tokens: number };
  expect(asked).toBeLessThan(5000);
  expect(asked).toBeGreaterThan(1024);
  expect(sent).toBe(body.replace("128000", String(asked)));
});

it("refuses a request that does not fit, and stops the attempt once", async () => {
  const rig = await openRig(streams(hello));
  const attempt = await rig.open({ maxCostUsd: 0.000_01 });
  const response = await attempt.post();
  expect(response.status).toBe(429);
  expect(response.headers.get("x-should-retry")).toBe("false");
  expect(await response.json()).toMatchObject({ error: { type: "billing_error" } });
  expect((await attempt.post()).status).toBe(429);
  expect(rig.upstream.requests).toEqual([]);
  expect(attempt.stops).toMatchObject([{ kind: "budget", code: "AC_COST_CEILING" }]);
  expect(await attempt.meter.close()).toMatchObject({ calls: 0, costMicroUsd: 0 });
});

describe("cuts a response that has used up the ceiling, between two events", () => {
  it("Anthropic: the stream ends, and the automatic retry is refused", async () => {
    const rig = await openRig((_request, response) => {
      response.writeHead(200, eventStream);
      const [start = "", block = "", delta = ""] = messageEvents([long]);
      response.write(start + block + delta + delta + delta + delta.slice(0, 100));
    });
    // Without a limit in the response, as a provider that ignores max_tokens.
    const attempt = await rig.open({ maxTokens: 4000 });
    const response = await attempt.post({ max_tokens: 128_000 });
    const text = await response.text();
    expect(text.slice(-20)).toMatch(/\n\n$/);
    expect(attempt.stops).toMatchObject([{ kind: "budget", code: "AC_TOKEN_CEILING" }]);
    await until(async () => (await rig.upstream.connections()) === 0);
    const retry = await attempt.post({ stream: false });
    expect([retry.status, retry.headers.get("x-should-retry")]).toEqual([429, "false"]);
    expect(rig.upstream.requests).toHaveLength(1);
    expect(await attempt.calls()).toMatchObject([{ outcome: "cut", estimated: true }]);
  });

  it("OpenAI Responses: the stream ends with response.failed", async () => {
    const delta = `event: response.output_text.delta\ndata: ${JSON.stringify({ type: "response.output_text.delta", delta: long })}\n\n`;
    const rig = await openRig((_request, response) =>
      response.writeHead(200, eventStream).write(delta.repeat(4)),
    );
    const attempt = await rig.open({
      maxTokens: 4000,
      upstream: { provider: "openai", protocol: "openai-responses" },
    });
    const text = await (await attempt.post({ model: "gpt-5.5" }, { path: "/v1/responses" })).text();
    expect(text).toContain("event: response.failed");
    expect(text).toContain("insufficient_quota");
    expect(attempt.stops).toHaveLength(1);
  });
});

it("passes on a long event as it comes; a cut in it breaks the connection", async () => {
  const start = `event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"`;
  const rig = await openRig((_request, response) =>
    response.writeHead(200, eventStream).write(messageEvents([])[0] + start + "word ".repeat(100_000)),
  );
  const attempt = await rig.open();
  const reader = (await attempt.post()).body?.getReader();
  let bytes = 0;
  while (bytes < 300_000) bytes += (await reader?.read())?.value?.length ?? 0;
  rig.upstream.answer = () => {};
  attempt.permit.cancel({
    reason: { kind: "budget", code: "AC_COST_CEILING", message: "over", evidence: {} },
  });
  await expect(
    (async () => {
      while ((await reader?.read())?.done === false);
    })(),
  ).rejects.toThrow("terminated");
});

it("lets parallel calls wait for each other's holds, and refuses none of them", async () => {
  const rig = await openRig(streams(hello));
  const attempt = await rig.open({ maxTokens: 4000 });
  const responses = await Promise.all(Array.from({ length: 8 }, () => attempt.post({ max_tokens: 3000 })));
  expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  await Promise.all(responses.map((response) => response.text()));
  expect(attempt.stops).toEqual([]);
  const total = await attempt.meter.close();
  expect(total).toMatchObject({ calls: 8, tokens: 240, estimated: false });
});

it("a call that waits gives up when its worker goes", async () => {
  const rig = await openRig((_request, response) => response.writeHead(200, eventStream).write(hello[0]));
  const attempt = await rig.open({ limits: { callsInFlight: 1 } });
  await attempt.post();
  const controller = new AbortController();
  const waiting = attempt.post({}, { signal: controller.signal }).catch(() => "gone");
  await new Promise((resolve) => setTimeout(resolve, 20));
  controller.abort();
  expect(await waiting).toBe("gone");
  await attempt.meter.close();
  expect(rig.upstream.requests).toHaveLength(1);
  expect(await attempt.calls()).toHaveLength(1);
});

it("stops an attempt that has made all its calls", async () => {
  const rig = await openRig(streams(hello));
  const attempt = await rig.open({ limits: { calls: 2 } });
  for (const status of [200, 200, 429]) {
    const response = await attempt.post();
    await response.text();
    expect(response.status).toBe(status);
  }
  expect(attempt.stops).toMatchObject([{ kind: "budget", code: "AC_CALL_CEILING" }]);
});

it("stops an attempt that repeats a request, and takes the retries after failures for none", async () => {
  const rig = await openRig(replies(529, { type: "error" }, { "retry-after": "0" }));
  const attempt = await rig.open({ limits: { identicalCalls: 3 } });
  for (let count = 0; count < 6; count += 1)
    await (await attempt.post({}, { headers: { "x-stainless-retry-count": String(count) } })).text();
  expect(attempt.stops).toEqual([]);
  rig.upstream.answer = streams(hello);
  const statuses: number[] = [];
  for (let count = 0; count < 4; count += 1) {
    const response = await attempt.post({}, { headers: { "x-stainless-retry-count": "0" } });
    await response.text();
    statuses.push(response.status);
  }
  expect(statuses).toEqual([200, 200, 200, 429]);
  expect(attempt.stops).toMatchObject([{ kind: "stalled", code: "AC_LOOP_DETECTED" }]);
});

it.each([
  [429, { "retry-after": "7" }, 7000],
  [529, {}, null],
  [503, { "retry-after-ms": "1500" }, 1500],
] as const)("reports a provider that answers %i", async (status, headers, retryAfterMs) => {
  const rig = await openRig(replies(status, { type: "error" }, headers));
  const attempt = await rig.open();
  const response = await attempt.post();
  expect(response.status).toBe(status);
  expect(attempt.refusals).toEqual([
    { provider: "anthropic", model: "claude-sonnet-5", status, retryAfterMs },
  ]);
});

it("does not report other errors as overload", async () => {
  const rig = await openRig(replies(500, { type: "error" }));
  const attempt = await rig.open();
  await (await attempt.post()).text();
  rig.upstream.answer = replies(503, { type: "error" });
  await (await attempt.post()).text();
  expect(attempt.refusals).toEqual([]);
});
