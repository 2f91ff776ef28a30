/** Who is answered, over real sockets. */
import { systemClock, systemIds } from "@agentcore/contract";
import { patienceMs } from "@agentcore/contract/testing";
import { createMemoryTokenStore } from "@agentcore/triggers";
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createToken } from "./http/tokens.ts";
import { serveApi } from "./serve-api.ts";
import { memoryPorts, serveTestApi, testLog, type TestApi } from "./testing/index.ts";

let api: TestApi;
beforeAll(async () => {
  api = await serveTestApi({ limits: { bodyBytes: 100_000, requestMs: 600 }, hosts: ["Agents.example"] });
});
afterAll(() => api.close());

/** With any Host header, which `fetch` does not allow. */
async function ask(headers: Record<string, string>, path = "/v1/queue", method = "GET") {
  const asked = request(`${api.url}${path}`, { method, headers });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const text = (await response.toArray()).join("");
  const { code = null } = JSON.parse(text || "{}") as { code?: string };
  return { status: response.statusCode, code, headers: response.headers };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe("tokens", () => {
  it.each([
    ["no token", {}],
    ["another scheme", { authorization: "Basic YTpi" }],
    ["an unknown token", bearer("agc_unknown")],
    ["an empty one", bearer("")],
    ["a long one", bearer("x".repeat(5000))],
  ])("%s is refused with 401", async (_name, headers) => {
    expect(await ask(headers)).toMatchObject({ status: 401, code: "AC_API_UNAUTHORIZED" });
    expect(await ask(headers, "/metrics")).toMatchObject({ status: 401 });
    expect(await ask(headers, "/v1/unknown")).toMatchObject({ status: 401 });
  });

  it("with the scope `read` may read, and change nothing", async () => {
    expect(await ask(bearer(api.read))).toMatchObject({ status: 200 });
    const { paths } = (await (await fetch(`${api.url}/v1/openapi.json`)).json()) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const changes = Object.entries(paths).filter(([, methods]) => "post" in methods);
    expect(changes.length).toBeGreaterThan(15);
    for (const [path] of changes) {
      const answer = await ask(bearer(api.read), path.replaceAll(/\{\w+\}/g, "id"), "POST");
      expect({ path, ...answer }).toMatchObject({ path, status: 403, code: "AC_API_FORBIDDEN" });
    }
  });

  it("that expired or were revoked are refused from the next request on", async () => {
    const made = { store: api.tokens, clock: systemClock, ids: systemIds };
    const past = await createToken({ name: "past", scope: "read", expiresAt: 1 }, made);
    expect(await ask(bearer(past.text))).toMatchObject({ status: 401 });
    const { text, stored } = await createToken({ name: "gone", scope: "read", expiresAt: null }, made);
    expect(await ask(bearer(text))).toMatchObject({ status: 200 });
    await api.tokens.remove(stored.id);
    expect(await ask(bearer(text))).toMatchObject({ status: 401 });
    expect(JSON.stringify(await api.tokens.list())).not.toContain(api.operate);
  });

  it("are not needed for health, readiness and the OpenAPI document", async () => {
    for (const path of ["/v1/health", "/v1/readiness", "/v1/openapi.json"])
      expect(await ask({}, path)).toMatchObject({ status: 200 });
  });
});

describe("other sites", () => {
  it.each(["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:9", "agents.example", "agents.example.:443"])(
    "the name %s is one of the daemon",
    async (host) => expect(await ask({ ...bearer(api.read), host })).toMatchObject({ status: 200 }),
  );

  it.each(["evil.example", "127.0.0.1.evil.example", "169.254.169.254"])(
    "the name %j is not, even with a token",
    async (host) => {
      expect(await ask({ ...bearer(api.operate), host })).toMatchObject({ status: 403, code: "AC_API_HOST" });
    },
  );

  it("what is no name at all is not answered", async () => {
    for (const host of ["localhost@evil", "agents.example:x"])
      expect((await ask({ ...bearer(api.operate), host })).status).toBeGreaterThanOrEqual(400);
  });

  it.each<Record<string, string>>([
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "http://localhost:1" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ])("%j may neither change anything nor follow events", async (headers) => {
    const refused = { status: 403, code: "AC_API_ORIGIN" };
    expect(await ask({ ...bearer(api.operate), ...headers }, "/v1/stop", "POST")).toMatchObject(refused);
    expect(await ask({ ...bearer(api.operate), ...headers }, "/v1/events")).toMatchObject(refused);
  });

  it("the daemon's own page may, and nobody else is allowed by a header", async () => {
    const origin = api.url;
    const headers = { ...bearer(api.operate), origin, "sec-fetch-site": "same-origin" };
    const answer = await ask(headers, "/v1/stop", "POST");
    expect(answer.status).toBe(200);
    const names = Object.keys(answer.headers);
    expect(names.filter((name) => name.startsWith("access-control"))).toEqual([]);
    expect(answer.headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "cache-control": "no-store",
    });
    const preflight = await ask({ origin: "https://evil.example" }, "/v1/stop", "OPTIONS");
    expect(preflight.status).toBe(403);
  });
});

describe("limits", () => {
  it("refuse a large body, announced or not, before it is read", async () => {
    const headers = { ...bearer(api.operate), "content-type": "application/json" };
    const large = await api.fetch("/v1/jobs", { method: "POST", headers, body: "x".repeat(100_001) });
    expect(large.status).toBe(413);
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
    });
    const init = { method: "POST", headers, body, duplex: "half" } as RequestInit;
    // The connection may be cut before the answer is read.
    const status = await fetch(`${api.url}/v1/jobs`, init).then(
      (response) => response.status,
      () => 413,
    );
    expect(status).toBe(413);
  });

  it("end a request that does not arrive", async () => {
    const socket = connect(Number(new URL(api.url).port), "127.0.0.1");
    socket.write(`POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${api.operate}\r\n`);
    socket.write("Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    await once(socket, "close", { signal: AbortSignal.timeout(patienceMs(10_000)) });
    expect(text).toMatch(/^HTTP\/1\.1 408/);
  });

  it("refuse what is no JSON, or not sent as such, and say which field is wrong", async () => {
    const post = async (body: string, type = "application/json") => {
      const answer = await api.fetch("/v1/jobs/cancel", {
        method: "POST",
        headers: { "content-type": type },
        body,
      });
      return { status: answer.status, ...((await answer.json()) as object) };
    };
    expect(await post("{")).toMatchObject({ status: 400, code: "AC_API_REQUEST" });
    expect(await post("{}", "text/plain")).toMatchObject({ status: 400, code: "AC_API_REQUEST" });
    expect(await post('{"limit":501,"all":true}')).toMatchObject({
      message: expect.stringContaining("limit"),
    });
    expect(await post('{"wehre":{}}')).toMatchObject({ message: expect.stringContaining("wehre") });
    expect(await post('{"where":{}}')).toMatchObject({ message: expect.stringContaining("all: true") });
    for (const field of ["state", "label", "id", "idEnding"])
      expect(await post(`{"where":{"${field}":[]}}`)).toMatchObject({
        status: 400,
        message: expect.stringContaining(field),
      });
  });

  it("log a flood of refusals once, and count each", async () => {
    const before = api.served.stats().refused["AC_API_NO_OPERATION"] ?? 0;
    await Promise.all(Array.from({ length: 50 }, () => api.fetch("/v1/nothing")));
    expect(api.served.stats().refused["AC_API_NO_OPERATION"]).toBe(before + 50);
    expect(api.log.lines.filter((line) => line.includes("AC_API_NO_OPERATION"))).toHaveLength(1);
  });
});

describe("addresses", () => {
  it("the socket may be opened only by its owner, and a stale one is replaced", async () => {
    expect(statSync(api.socket).mode & 0o777).toBe(0o600);
    const common = {
      ports: memoryPorts(),
      tokens: createMemoryTokenStore(),
      clock: systemClock,
      log: testLog(),
    };
    await expect(serveApi({ ...common, listen: { socket: api.socket } })).rejects.toMatchObject({
      code: "AC_ADDRESS_UNAVAILABLE",
      message: expect.stringContaining("another process uses it"),
    });
    const { port } = new URL(api.url);
    await expect(serveApi({ ...common, listen: { port: Number(port) } })).rejects.toMatchObject({
      code: "AC_ADDRESS_UNAVAILABLE",
    });
    const file = join(dirname(api.socket), "file");
    writeFileSync(file, "");
    await expect(serveApi({ ...common, listen: { socket: file } })).rejects.toThrow(/no socket/);
    const long = join(dirname(api.socket), "x".repeat(100));
    await expect(serveApi({ ...common, listen: { socket: long } })).rejects.toThrow(/103 bytes/);
  });
});
