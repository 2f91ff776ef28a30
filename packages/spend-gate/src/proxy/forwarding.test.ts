import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { testCertificate } from "../testing/certificate.ts";
import { messageRequest, openRig, realKey } from "../testing/rig.ts";
import { messageEvents, replies, startUpstream, streams } from "../testing/upstream.ts";

const hello = messageEvents(["Hello"]);
const usage = { usage: { input_tokens: 5, output_tokens: 5 } };
const message = replies(200, { type: "message", content: [], ...usage });

it("passes the beta header, unknown headers and unknown fields of the body byte for byte", async () => {
  const rig = await openRig(message);
  const attempt = await rig.open();
  const body =
    '{ "model":"claude-sonnet-5",\n  "max_tokens": 1000, "x_new": {"b":1.50,"a":[ ]}, "messages":[]}';
  const headers = {
    "anthropic-beta": "a-1,b-2",
    "X-Claude-Code-Session-Id": "s1",
    "x-stainless-retry-count": "0",
  };
  await (await attempt.post({}, { path: "/v1/messages?beta=true", body, headers })).text();
  const [request] = rig.upstream.requests;
  expect(request?.body.toString()).toBe(body);
  expect(request?.url).toBe("/v1/messages?beta=true");
  expect(request?.headers).toMatchObject({ "anthropic-beta": "a-1,b-2", "x-claude-code-session-id": "s1" });
});

it("removes the headers of the connection, and does not pass on the provider's rate limits", async () => {
  const rig = await openRig(
    replies(
      200,
      { type: "message", ...usage },
      { "anthropic-ratelimit-tokens-remaining": "5", "request-id": "r1" },
    ),
  );
  const attempt = await rig.open();
  const { url, key } = attempt.meter.access;
  const sent = httpRequest(`${url}/v1/messages`, {
    method: "POST",
    headers: {
      "x-api-key": key,
      connection: "keep-alive, x-hop",
      "x-hop": "1",
      te: "trailers",
      "x-end": "2",
    },
  });
  sent.end(JSON.stringify(messageRequest));
  const [response] = await once(sent, "response");
  response.resume();
  expect(response.headers).toMatchObject({ "request-id": "r1" });
  expect(Object.keys(response.headers).filter((name) => name.startsWith("anthropic-ratelimit"))).toEqual([]);
  const got = rig.upstream.requests[0]?.headers ?? {};
  expect(got).toMatchObject({ "x-end": "2" });
  expect(Object.keys(got)).not.toContain("x-hop");
  expect(Object.keys(got)).not.toContain("te");
});

describe("a compressed request", () => {
  it.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
  ])("with %s is read, and passed on as it came", async (encoding, compress) => {
    const rig = await openRig(message);
    const attempt = await rig.open();
    const body = compress(JSON.stringify({ ...messageRequest, stream: false }));
    const response = await attempt.post({}, { body, headers: { "content-encoding": encoding } });
    expect(response.status).toBe(200);
    const [request] = rig.upstream.requests;
    expect(request?.headers["content-encoding"]).toBe(encoding);
    expect(request?.body.equals(body)).toBe(true);
    expect(await attempt.calls()).toMatchObject([{ tokens: 10 }]);
  });

  it("that grows beyond 64 MiB is refused, and nothing is forwarded", async () => {
    const rig = await openRig(message);
    const attempt = await rig.open();
    const body = gzipSync(Buffer.alloc(65 * 1024 * 1024, " "));
    const response = await attempt.post({}, { body, headers: { "content-encoding": "gzip" } });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ error: { type: "request_too_large" } });
    expect(rig.upstream.requests).toEqual([]);
  });

  it.each([
    ["gzip", "no gzip", 400],
    ["compress", "x", 415],
  ])("with a bad encoding (%s) is refused", async (encoding, body, status) => {
    const rig = await openRig(message);
    const attempt = await rig.open();
    const response = await attempt.post({}, { body, headers: { "content-encoding": encoding } });
    expect(response.status).toBe(status);
    expect(rig.upstream.requests).toEqual([]);
  });
});

it("reads a body of 20 MB, which a request with images has", async () => {
  const rig = await openRig(message);
  const attempt = await rig.open();
  const messages = [{ role: "user", content: "x".repeat(20 * 1024 * 1024) }];
  expect((await attempt.post({ stream: false, messages })).status).toBe(200);
  expect(rig.upstream.requests[0]?.body.length).toBeGreaterThan(20 * 1024 * 1024);
});

it.each([["no JSON"], ["[]"], ['{"model":"a","model":"b","messages":[]}']])(
  "refuses the body %s, which it cannot meter",
  async (body) => {
    const rig = await openRig(message);
    const attempt = await rig.open();
    const response = await attempt.post({}, { body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ type: "error" });
    expect(rig.upstream.requests).toEqual([]);
  },
);

describe("by rule", () => {
  it("counting tokens and listing models pass unmetered", async () => {
    const rig = await openRig(replies(200, { input_tokens: 3 }));
    const attempt = await rig.open({ maxCostUsd: 0.000001 });
    const headers = { "x-api-key": attempt.meter.access.key };
    expect(await (await attempt.post({}, { path: "/v1/messages/count_tokens" })).json()).toEqual({
      input_tokens: 3,
    });
    expect((await fetch(`${attempt.meter.access.url}/v1/models?limit=5`, { headers })).status).toBe(200);
    expect(rig.upstream.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST /v1/messages/count_tokens",
      "GET /v1/models?limit=5",
    ]);
    expect(rig.upstream.requests.map((request) => request.headers["x-api-key"])).toEqual([realKey, realKey]);
    expect(await attempt.meter.close()).toMatchObject({ calls: 0, costMicroUsd: 0, tokens: 0 });
  });

  it("the settings and the tools of a ChatGPT login pass unmetered, with the login", async () => {
    const rig = await openRig(replies(200, {}));
    const upstream = {
      provider: "openai",
      protocol: "openai-responses",
      credential: { kind: "own-login" },
    } as const;
    const attempt = await rig.open({ maxCostUsd: 0.000001, upstream });
    const { url, key } = attempt.meter.access;
    const headers = { authorization: "Bearer own-login", "x-agentcore-key": key };
    const requests = ["GET /models", "GET /wham/usage", "POST /ps/mcp", "GET /ps/mcp"];
    for (const request of requests) {
      const [method = "", path = ""] = request.split(" ");
      const body = method === "POST" ? "{}" : null;
      expect((await fetch(url + path, { method, headers, body })).status).toBe(200);
    }
    expect(rig.upstream.requests.map(({ method, url: path }) => `${method} ${path}`)).toEqual(requests);
    for (const request of rig.upstream.requests)
      expect(request.headers.authorization).toBe("Bearer own-login");
    expect(await attempt.meter.close()).toMatchObject({ calls: 0, costMicroUsd: 0, tokens: 0 });
  });

  it("HEAD /api/hello is answered here", async () => {
    const rig = await openRig(message);
    const attempt = await rig.open();
    const headers = { "x-api-key": attempt.meter.access.key };
    expect((await fetch(`${attempt.meter.access.url}/api/hello`, { method: "HEAD", headers })).status).toBe(
      200,
    );
    expect(rig.upstream.requests).toEqual([]);
    expect(attempt.activities).toMatchObject([{ waiting: 0, streaming: 0, bytes: 0 }]);
  });

  it("another path is refused", async () => {
    const rig = await openRig(message);
    const attempt = await rig.open();
    expect((await attempt.post({}, { path: "/v1/organizations" })).status).toBe(404);
    expect(rig.upstream.requests).toEqual([]);
  });

  it("a WebSocket upgrade gets 426 exactly", async () => {
    const rig = await openRig(message);
    const attempt = await rig.open({ upstream: { protocol: "openai-responses" } });
    const { url, key } = attempt.meter.access;
    const headers = { authorization: `Bearer ${key}`, connection: "upgrade", upgrade: "websocket" };
    const sent = httpRequest(`${url}/v1/responses`, { headers }).end();
    const [response] = await once(sent, "response");
    response.resume();
    expect(response.statusCode).toBe(426);
  });

  it("a compaction of Responses, which reports no usage, is charged its bound", async () => {
    const rig = await openRig(replies(200, { output: [] }));
    const attempt = await rig.open({ upstream: { protocol: "openai-responses", provider: "openai" } });
    await (await attempt.post({ model: "gpt-5.5" }, { path: "/v1/responses/compact" })).text();
    expect(await attempt.calls()).toMatchObject([{ outcome: "completed", estimated: true, status: 200 }]);
  });
});

describe("only the configured address is reached", () => {
  /** Sends bytes as they are. */
  async function raw(url: string, head: string): Promise<string> {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.end(`${head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
    let text = "";
    for await (const part of socket) text += String(part);
    return text.split("\r\n", 1)[0] ?? "";
  }

  it.each([
    ["an absolute target", "POST http://evil.example/v1/messages HTTP/1.1\r\nhost: localhost", 400],
    ["a target with two slashes", "POST //evil.example/v1/messages HTTP/1.1\r\nhost: localhost", 400],
    ["dot segments", "POST /v1/x/../messages HTTP/1.1\r\nhost: localhost", 400],
    ["encoded dot segments", "POST /v1/%2e%2E/messages HTTP/1.1\r\nhost: localhost", 400],
    ["an encoded slash", "POST /v1%2fmessages HTTP/1.1\r\nhost: localhost", 400],
    ["a backslash", "POST /v1\\messages HTTP/1.1\r\nhost: localhost", 400],
    ["another host", "POST /v1/messages HTTP/1.1\r\nhost: evil.example", 421],
    ["a tunnel", "CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443", 405],
  ])("%s is refused", async (_name, head, status) => {
    const rig = await openRig(message);
    const attempt = await rig.open();
    const { url, key } = attempt.meter.access;
    expect(await raw(url, `${head}\r\nx-api-key: ${key}`)).toContain(` ${status} `);
    expect(rig.upstream.requests).toEqual([]);
  });

  it("the path is appended to that of the configured address, and /v1 is meant once", async () => {
    const rig = await openRig(message);
    const base = `${rig.upstream.url}/proxy/v1`;
    const attempt = await rig.open({ upstream: { baseUrl: base } });
    await (await attempt.post()).text();
    expect(rig.upstream.requests[0]?.url).toBe("/proxy/v1/messages");
  });
});

describe("a worker's own login", () => {
  it("passes on unmodified, and the gate's key beside it does not", async () => {
    const rig = await openRig(message);
    const attempt = await rig.open({ upstream: { credential: { kind: "own-login" } } });
    const { url, key } = attempt.meter.access;
    const response = await fetch(`${url}/v1/messages`, {
      method: "POST",
      headers: { authorization: "Bearer sk-ant-oat-own", "x-agentcore-key": key },
      body: JSON.stringify({ ...messageRequest, stream: false }),
    });
    expect(response.status).toBe(200);
    const [request] = rig.upstream.requests;
    expect(request?.headers.authorization).toBe("Bearer sk-ant-oat-own");
    expect(request?.rawHeaders.join()).not.toContain(key);
  });

  it("that is missing does not make the gate's key go to the provider", async () => {
    const rig = await openRig(message);
    const attempt = await rig.open({ upstream: { credential: { kind: "own-login" } } });
    const { url, key } = attempt.meter.access;
    const headers = { authorization: `Bearer ${key}` };
    await fetch(`${url}/v1/messages`, { method: "POST", headers, body: JSON.stringify(messageRequest) });
    expect(rig.upstream.requests[0]?.rawHeaders.join()).not.toContain(key);
  });
});

it("shows a client certificate to an upstream, and trusts the configured authority", async () => {
  const rig = await openRig(message);
  let peer: unknown;
  const tls = { ...testCertificate, requestCert: true, rejectUnauthorized: true, ca: testCertificate.cert };
  const upstream = await startUpstream((request, response) => {
    peer = (request.message.socket as TLSSocket).getPeerCertificate().subject.CN;
    return message(request, response);
  }, tls);
  const [cert, key] = [join(rig.directory, "cert.pem"), join(rig.directory, "key.pem")];
  await writeFile(cert, testCertificate.cert);
  await writeFile(key, testCertificate.key);
  const secured = await openRig(message, {
    providers: { anthropic: { base_url: upstream.url, client_certificate: { cert, key }, ca: cert } },
  });
  const attempt = await secured.open();
  expect((await attempt.post({ stream: false })).status).toBe(200);
  expect(peer).toBe("AgentCore test");
  await secured.gate.close();
  await upstream.close();
});

it("goes through the proxy that the environment names, unless the upstream is on this machine", async () => {
  const tunnels: string[] = [];
  const proxy = createServer();
  proxy.on("connect", (request, socket) => {
    tunnels.push(request.url ?? "");
    const port = Number(new URL(rig.upstream.url).port);
    const through = connect(port, "127.0.0.1", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
    through.on("error", () => {});
    socket.on("error", () => {});
    through.pipe(socket).pipe(through);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const { port } = proxy.address() as AddressInfo;
  const rig = await openRig(message, { env: { HTTP_PROXY: `http://127.0.0.1:${port}` } });
  const local = await rig.open();
  expect((await local.post({ stream: false })).status).toBe(200);
  expect(tunnels).toEqual([]);
  const far = await rig.open({ upstream: { provider: "far", baseUrl: "http://provider.invalid" } });
  expect((await far.post({ stream: false })).status).toBe(200);
  expect(tunnels).toEqual(["provider.invalid:80"]);
  await rig.gate.close();
  proxy.closeAllConnections();
  proxy.close();
});

it("streams through a Unix socket as well, whose file only this user may open", async () => {
  const rig = await openRig(streams(hello));
  const attempt = await rig.open();
  const { socketPath, key } = attempt.meter.access;
  const sent = httpRequest({
    socketPath,
    path: "/v1/messages",
    method: "POST",
    headers: { host: "127.0.0.1", "x-api-key": key },
  });
  sent.end(JSON.stringify(messageRequest));
  const [response] = await once(sent, "response");
  let text = "";
  for await (const part of response) text += String(part);
  expect(text).toBe(hello.join(""));
});
