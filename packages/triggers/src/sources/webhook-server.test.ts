import { AgentCoreError, systemClock } from "@agentcore/contract";
import { testSeed, until } from "@agentcore/contract/testing";
import * as fc from "fast-check";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import {
  Agent,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from "node:http";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, it } from "vitest";
import type { WebhookSource } from "../definition.ts";
import { recordedLog, TestHost } from "../testing/sources.ts";
import { WebhookServers, type WebhookLimits } from "./webhook-server.ts";

const secret = "it is secret";
const hook: WebhookSource = {
  type: "webhook",
  path: "/hook",
  port: 0,
  host: "127.0.0.1",
  method: "POST",
  secret: null,
};
const ending: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

async function started(
  sources: Readonly<Record<string, Partial<WebhookSource>>> = {
    signed: { secret, path: "/signed" },
    hook: {},
  },
  limits: Partial<WebhookLimits> = {},
) {
  const host = new TestHost();
  const { log, lines } = recordedLog();
  const servers = new WebhookServers({
    sources: new Map(Object.entries(sources).map(([id, change]) => [id, { ...hook, ...change }])),
    host,
    clock: systemClock,
    log,
    limits,
  });
  ending.push(() => servers.close());
  await servers.start();
  const port = servers.portOf(Object.keys(sources)[0] ?? "") ?? 0;
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  ending.push(() => agent.destroy());
  const countOf = (kind: string): number =>
    servers
      .counts()
      .filter((count) => count.kind === kind)
      .reduce((sum, { count }) => sum + count, 0);
  const linesOf = (kind: string) => lines.filter((line) => line["kind"] === kind);
  return { host, lines, linesOf, servers, port, countOf, send: sender(port, agent) };
}

interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

interface Reply {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

const sender =
  (port: number, agent: Agent) =>
  async ({ path = "/hook", method = "POST", headers = {}, body = "" }: Sent): Promise<Reply> => {
    const call = request({ host: "127.0.0.1", port, path, method, agent, headers }).end(body);
    const [response] = (await once(call, "response")) as [IncomingMessage];
    const answer = await text(response);
    return {
      status: response.statusCode,
      headers: response.headers,
      body: answer === "" ? {} : (JSON.parse(answer) as Record<string, unknown>),
    };
  };

const signature = (body: string | Buffer, key = secret): string =>
  `sha256=${createHmac("sha256", key).update(body).digest("hex")}`;

const signed = (body: string, headers: OutgoingHttpHeaders = {}): Sent => ({
  path: "/signed",
  body,
  headers: { "Content-Type": "application/json", "X-Hub-Signature-256": signature(body), ...headers },
});

async function socketTo(port: number): Promise<{ socket: Socket; received: () => string }> {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.on("data", (part: Buffer) => (received += part.toString("latin1"))).on("error", () => {});
  ending.push(() => void socket.destroy());
  await once(socket, "connect");
  return { socket, received: () => received };
}

it("a signed delivery is an event once it is durable, with its chain and without credentials", async () => {
  const { host, send, countOf } = await started();
  const body = `{"text":"$(touch /tmp/owned); \\u001b]0;x\\u0007","__proto__":{"admin":true}}`;
  const { promise, resolve } = Promise.withResolvers<void>();
  host.beforeCommit = () => promise;
  let isAnswered = false;
  const reply = send({
    ...signed(body, {
      "X-GitHub-Delivery": "d-1",
      "X-AgentCore-Chain": "other/nightly/r%2F1",
      "X-GitHub-Event": "push",
      Authorization: "Bearer very-secret",
      "Proxy-Authorization": "Basic very-secret",
      Cookie: "session=very-secret",
      "X-Gitlab-Token": "very-secret",
    }),
    path: "/signed?a=1",
  }).finally(() => (isAnswered = true));
  await send({ path: "/elsewhere" });
  expect(isAnswered).toBe(false);
  resolve();
  expect(await reply).toMatchObject({ status: 202, body: { status: "accepted" } });
  expect(host.events).toMatchObject([
    {
      source: "signed",
      key: "d-1",
      chain: [{ daemon: "other", trigger: "nightly", run: "r/1" }],
      payload: { type: "webhook", method: "POST", path: "/signed", query: "a=1" },
    },
  ]);
  const payload = host.events[0]?.payload as { headers: Record<string, string>; body: unknown };
  expect(JSON.stringify(payload.body)).toBe(JSON.stringify(JSON.parse(body)));
  expect(payload.headers["x-github-event"]).toBe("push");
  expect(JSON.stringify(payload)).not.toMatch(/very-secret|x-hub-signature|sha256=/);
  expect(countOf("accepted")).toBe(1);
});

it.each<[string, OutgoingHttpHeaders, string]>([
  ["no signature", {}, "no_signature"],
  ["an empty one", { "X-Hub-Signature-256": "" }, "no_signature"],
  ["SHA-1", { "X-Hub-Signature-256": `sha1=${"0".repeat(40)}` }, "no_signature"],
  ["a short one", { "X-Hub-Signature-256": "sha256=00" }, "no_signature"],
  ["another secret's", { "X-Hub-Signature-256": signature("{}", "guess") }, "bad_signature"],
  ["another body's", { "X-Hub-Signature-256": signature("{ }") }, "bad_signature"],
  ["two", { "X-Hub-Signature-256": [signature("{}"), signature("{}")] }, "no_signature"],
])("a delivery with %s is refused, logged once and counted", async (_name, headers, kind) => {
  const { host, send, countOf, linesOf, lines } = await started();
  for (let time = 0; time < 3; time += 1) {
    const reply = await send({
      path: "/signed",
      body: "{}",
      headers: { ...headers, "X-GitHub-Delivery": "x" },
    });
    expect(reply).toMatchObject({ status: 401, body: { status: "refused", code: kind } });
  }
  expect([host.events, countOf(kind), linesOf(kind)]).toMatchObject([[], 3, [{ level: "warn" }]]);
  expect(JSON.stringify(lines)).not.toContain(secret);
  // What an unsigned delivery said about its id is not remembered.
  expect((await send(signed("{}", { "X-GitHub-Delivery": "x" }))).status).toBe(202);
});

it("a replay is a duplicate: by the id of the delivery, or by its body", async () => {
  const { host, send, countOf } = await started();
  const delivery = signed(`{"n":1}`, { "X-GitHub-Delivery": "d-1" });
  expect((await send(delivery)).status).toBe(202);
  expect(await send(delivery)).toMatchObject({ status: 200, body: { status: "duplicate" } });
  expect((await send(signed(`{"n":1}`))).status).toBe(202);
  expect((await send(signed(`{"n":1}`))).status).toBe(200);
  expect((await send(signed(`{"n":2}`))).status).toBe(202);
  expect(host.events.map(({ key }) => key)).toEqual([
    "d-1",
    expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    expect.stringMatching(/^sha256:/),
  ]);
  expect([countOf("accepted"), countOf("duplicate")]).toEqual([3, 2]);
});

it("a delivery without a body and a secret has no key, since nothing says which one it is", async () => {
  const { host, send } = await started({ hook: { method: "GET" } });
  for (let time = 0; time < 2; time += 1)
    expect((await send({ method: "GET", path: "/hook?x=1" })).status).toBe(202);
  expect(host.events).toMatchObject([{ key: null, payload: { body: null, query: "x=1" } }, { key: null }]);
});

it.each<[string, Sent, unknown]>([
  ["JSON", { headers: { "Content-Type": "application/json; charset=utf-8" }, body: "[1]" }, [1]],
  ["JSON of a kind", { headers: { "Content-Type": "application/cloudevents+json" }, body: "{}" }, {}],
  ["a form", { headers: { "Content-Type": "application/x-www-form-urlencoded" }, body: "a=%7B" }, "a=%7B"],
  ["text that looks like JSON", { body: "{}" }, "{}"],
  ["bytes", { body: Buffer.from([0x61, 0xff, 0x00, 0x1b]) }, "a\ufffd\u0000\u001b"],
])("a body that is %s is data of the event", async (_name, sent, body) => {
  const { host, send } = await started();
  expect((await send(sent)).status).toBe(202);
  expect(host.events).toMatchObject([{ payload: { body } }]);
});

const json = { "Content-Type": "application/json" };
it.each<[string, Sent, number, string]>([
  ["no JSON", { headers: json, body: "{" }, 400, "bad_body"],
  ["not UTF-8", { headers: json, body: Buffer.from([0x22, 0xff, 0x22]) }, 400, "bad_body"],
  ["too deep", { headers: json, body: "[".repeat(65) + "]".repeat(65) }, 400, "bad_body"],
  ["half a million deep", { headers: json, body: "[".repeat(5e5) + "]".repeat(5e5) }, 400, "bad_body"],
  ["too many values", { headers: json, body: `[${"0,".repeat(150_000)}0]` }, 400, "bad_body"],
  ["compressed", { headers: { "Content-Encoding": "gzip" }, body: "x" }, 415, "encoded_body"],
  ["with a chain that is none", { headers: { "X-AgentCore-Chain": "a/b" }, body: "x" }, 400, "bad_chain"],
  ["with a long delivery id", { headers: { "X-GitHub-Delivery": "x".repeat(201) } }, 400, "bad_delivery_id"],
  ["from a page", { headers: { Origin: "https://evil.example" }, body: "x" }, 403, "browser"],
  ["from a page's image", { headers: { "Sec-Fetch-Site": "cross-site" }, body: "x" }, 403, "browser"],
  ["to an unknown path", { path: "/hook/" }, 404, "unknown_path"],
  ["to a path with escapes", { path: "/%2e%2e/hook" }, 404, "unknown_path"],
  ["with the wrong method", { method: "DELETE" }, 405, "wrong_method"],
])("a delivery is refused that is %s", async (_name, sent, status, code) => {
  const { host, send, countOf } = await started();
  expect(await send(sent)).toMatchObject({ status, body: { code } });
  expect([host.events, countOf(code)]).toEqual([[], 1]);
  expect((await send({ body: "still here" })).status).toBe(202);
});

it("a wrong method is answered with those that are right", async () => {
  const { send } = await started({ put: { method: "PUT" }, post: {} });
  const { status, headers } = await send({ method: "GET" });
  expect([status, headers["allow"]]).toEqual([405, "PUT, POST"]);
});

it("escape sequences of a stranger do not reach the log", async () => {
  const { port, lines, countOf } = await started();
  const { socket } = await socketTo(port);
  socket.write("POST /\u009b2J?token=t0ken HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  await until(() => countOf("unknown_path") + countOf("malformed") === 1);
  expect(lines).toHaveLength(1);
  expect(JSON.stringify(lines)).not.toMatch(/[\p{Cc}\p{Cf}]|t0ken/u);
});

it("a body of 100 MB is refused while it arrives, and takes no memory", async () => {
  const { host, port, countOf, send } = await started();
  expect(await send({ headers: { "Content-Length": 2 ** 20 + 1, Expect: "100-continue" } })).toMatchObject({
    status: 413,
  });
  // Of both ends: the sender is in this process, too.
  const before = process.memoryUsage().rss;
  let highest = before;
  const { socket, received } = await socketTo(port);
  socket.write("POST /hook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(65_536, "x"), Buffer.from("\r\n")]);
  for (let sent = 0; sent < 1600 && !socket.destroyed; sent += 1) {
    if (!socket.write(chunk)) await until(() => !socket.writableNeedDrain || socket.destroyed);
    highest = Math.max(highest, process.memoryUsage().rss);
  }
  await until(() => socket.destroyed);
  expect(received()).toMatch(/^HTTP\/1\.1 413 [^]*"code":"too_large"/);
  expect(socket.bytesWritten).toBeLessThan(20 * 2 ** 20);
  expect((highest - before) / 2 ** 20).toBeLessThan(50);
  expect([host.events, countOf("too_large")]).toEqual([[], 2]);
});

it("a body of exactly 1 MiB is taken", async () => {
  const { send } = await started();
  expect((await send({ body: "x".repeat(2 ** 20) })).status).toBe(202);
});

it("a slow body, slow headers and a silent connection time out, while others are served", async () => {
  const { port, send, countOf } = await started(undefined, {
    bodyTimeoutMs: 200,
    headersTimeoutMs: 200,
    lingerMs: 50,
  });
  const body = await socketTo(port);
  body.socket.write("POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx");
  const headers = await socketTo(port);
  headers.socket.write("POST /hook HTTP/1.1\r\nHost: ");
  const silent = await socketTo(port);
  expect((await send({ body: "x" })).status).toBe(202);
  await until(() => [body, headers, silent].every(({ socket }) => socket.destroyed));
  expect(body.received()).toMatch(/^HTTP\/1\.1 408 [^]*"code":"slow_body"/);
  expect([headers.received(), silent.received()].map((answer) => answer.slice(0, 12))).toEqual([
    "HTTP/1.1 408",
    "HTTP/1.1 408",
  ]);
  expect([countOf("slow_body"), countOf("slow_headers")]).toEqual([1, 2]);
});

it.each([
  ["not HTTP", "\u0016\u0003\u0001 hello\r\n\r\n", "400"],
  ["HTTP with headers that are too large", `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, "431"],
])("%s is refused", async (_name, sent, status) => {
  const { port, send } = await started();
  const { socket, received } = await socketTo(port);
  socket.write(sent);
  await until(() => socket.destroyed);
  expect(received()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect((await send({ body: "x" })).status).toBe(202);
});

it("a sender that goes away in the middle of its body leaves nothing behind", async () => {
  const { port, countOf, host, servers } = await started();
  const { socket } = await socketTo(port);
  socket.write("POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx", () =>
    socket.resetAndDestroy(),
  );
  await until(() => countOf("gone") === 1);
  await servers.close();
  expect(host.events).toEqual([]);
});

it("what could not be stored is answered 503, and taken when it comes again", async () => {
  const { host, send, linesOf } = await started();
  host.failure = new Error("disk full at /state");
  const { status, headers, body } = await send(signed("{}"));
  expect([status, headers["retry-after"], body["code"]]).toEqual([503, "5", "not_kept"]);
  expect(JSON.stringify(body)).not.toContain("/state");
  expect(linesOf("not_kept")).toMatchObject([{ reason: "disk full at /state" }]);
  host.failure = null;
  expect((await send(signed("{}"))).status).toBe(202);
});

it("1,000 signed deliveries from 32 senders are each one event", async () => {
  const { host, send, countOf } = await started();
  const startMs = performance.now();
  const replies = await Promise.all(
    Array.from({ length: 1000 }, (_, n) => send(signed(`{"n":${n}}`, { "X-GitHub-Delivery": `d${n}` }))),
  );
  console.info(`1,000 deliveries took ${Math.round(performance.now() - startMs)} ms`);
  expect(replies.every(({ status }) => status === 202)).toBe(true);
  expect(new Set(host.events.map(({ key }) => key)).size).toBe(1000);
  expect(countOf("accepted")).toBe(1000);
});

it("deliveries, bytes and connections in hand are bounded, and what is above is refused", async () => {
  const { host, port, send, countOf } = await started(undefined, {
    deliveriesInHandMax: 2,
    bytesInHandMax: 3000,
    connectionsMax: 4,
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  host.beforeCommit = () => promise;
  const first = send({ body: "x".repeat(2000) });
  await until(async () => (await send({ path: "/none" })).status === 404);
  expect(await send({ body: "y".repeat(2000) })).toMatchObject({
    status: 503,
    headers: { "retry-after": "1" },
  });
  const second = send({ body: "z" });
  await until(async () => (await send({ body: "more" })).status === 503);
  const idle = await Promise.all([1, 2, 3, 4].map(() => socketTo(port)));
  await until(() => countOf("connections") > 0 && idle.some(({ socket }) => socket.destroyed));
  resolve();
  expect([(await first).status, (await second).status]).toEqual([202, 202]);
  expect((await send({ body: "after" })).status).toBe(202);
});

it("a close answers deliveries that are being stored, refuses those that arrive, and frees the port", async () => {
  const { host, port, servers, send } = await started();
  const { promise, resolve } = Promise.withResolvers<void>();
  let isStoring = false;
  host.beforeCommit = () => {
    isStoring = true;
    return promise;
  };
  const storing = send({ body: "x" });
  await until(() => isStoring);
  const arriving = await socketTo(port);
  arriving.socket.write("POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx");
  // The server has read it when a later request on the connection list is answered.
  await send({ path: "/none" });
  const closed = servers.close();
  await until(() => arriving.received().startsWith("HTTP/1.1 503 "));
  resolve();
  expect((await storing).status).toBe(202);
  await closed;
  await servers.close();
  const again = createServer().listen(port, "127.0.0.1");
  await once(again, "listening");
  again.close();
});

it("a port in use is one clear error, and no other server is left listening", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  ending.push(() => void taken.close());
  const { port } = taken.address() as AddressInfo;
  const error: unknown = await started({ free: {}, github: { port } }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AgentCoreError);
  expect(error).toMatchObject({
    code: "AC_ADDRESS_UNAVAILABLE",
    message: `Cannot listen on 127.0.0.1:${port} for the webhooks "github": another process uses the port. Set another \`port\` or \`host\`, or end that process.`,
  });
});

it("two webhooks of one port, path and method are refused", async () => {
  await expect(started({ a: {}, b: {} })).rejects.toMatchObject({ code: "AC_DAEMON_FILE" });
});

it("whatever bytes a connection sends, the server goes on and takes no unsigned event", async () => {
  const { host, port, send } = await started({ signed: { secret } });
  const pieces = fc.oneof(
    fc.constantFrom("POST /hook HTTP/1.1\r\n", "Host: x\r\n", "\r\n", "Content-Length: 3\r\n", "0\r\n\r\n"),
    fc.constantFrom("Transfer-Encoding: chunked\r\n", `X-Hub-Signature-256: sha256=${"0".repeat(64)}\r\n`),
    fc.string({ maxLength: 20, unit: "binary" }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { maxLength: 12 }), async (parts) => {
      const { socket } = await socketTo(port);
      socket.end(parts.join(""));
      await until(() => socket.destroyed);
    }),
    { seed: testSeed("webhook bytes"), numRuns: 60 },
  );
  expect(host.events).toEqual([]);
  expect((await send({ ...signed("{}"), path: "/hook" })).status).toBe(202);
});
