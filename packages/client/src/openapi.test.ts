/** The client against the OpenAPI document of the API, and against a daemon that is served over real sockets. */
import { openApiDocument } from "@agentcore/api";
import { serveTestApi, type TestApi } from "@agentcore/api/testing";
import type { AgentCoreError } from "@agentcore/contract";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient, type AgentCoreClient } from "./index.ts";

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
}

interface OpenApiOperation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: unknown;
}

const { paths } = openApiDocument() as OpenApi;
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    ...operation,
    method: method.toUpperCase(),
    path,
  })),
);
const job = { task: { worker: "shell", workspace: "/w", instructions: "true" } };

/** Each method once, with every field that it takes. */
const calls: Readonly<Record<string, (client: AgentCoreClient) => unknown>> = {
  submitJob: (client) => client.submitJob(job),
  submitJobs: (client) => client.submitJobs([job]),
  listJobs: (client) =>
    client.listJobs({ state: ["queued", "dead"], label: "a=b", steps: "exclude", before: "x", limit: 10 }),
  countJobs: (client) => client.countJobs({ workspace: "/w", text: "t" }),
  showJob: (client) => client.showJob("a/b"),
  waitForJob: (client) => client.waitForJob("id", { timeoutMs: 5 }),
  cancelJob: (client) => client.cancelJob("id", { reason: "r", force: true }),
  cancelJobs: (client) => client.cancelJobs({ where: { worker: "w" }, limit: 5, before: "x", reason: "r" }),
  runJobNow: (client) => client.runJobNow("id"),
  whyJob: (client) => client.whyJob("id"),
  readJobLog: (client) =>
    client.readJobLog("id", { attempt: 1, stream: "stderr", encoding: "base64", offset: -5, limit: 9 }),
  readArtifact: (client) =>
    client.readArtifact("id", { name: "changes", kind: "patch", attempt: 1, offset: -5, limit: 9 }),
  showJobResult: (client) => client.showJobResult("id"),
  showQueue: (client) => client.showQueue(),
  listDeadLetters: (client) => client.listDeadLetters({ code: "AC_TIMEOUT" }),
  countDeadLetters: (client) => client.countDeadLetters({ label: "a=b" }),
  replayDeadLetter: (client) =>
    client.replayDeadLetter("id", { set: { "limits.maxAttempts": 2 }, setText: { key: "k" } }),
  replayDeadLetters: (client) => client.replayDeadLetters({ all: true, limit: 5, before: "x", set: {} }),
  purgeDeadLetters: (client) => client.purgeDeadLetters({ where: { code: "AC_TIMEOUT" }, limit: 5 }),
  runWorkflow: (client) =>
    client.runWorkflow({ file: "/f", workspace: "/w", inputs: { a: 1 }, agents: ["/a"], maxCostUsd: 1 }),
  listWorkflowRuns: (client) =>
    client.listWorkflowRuns({ state: ["FAILED"], name: "n", before: "x", limit: 5 }),
  listWorkflowSteps: (client) => client.listWorkflowSteps("id"),
  showWorkflowGraph: (client) => client.showWorkflowGraph("id"),
  listSpend: (client) =>
    client.listSpend({ since: "2026-01-01T00:00:00Z", until: "2026-01-02T00:00:00Z", bucket: "hour" }),
  showWorkflowRun: (client) => client.showWorkflowRun("id"),
  listWorkflowJobs: (client) => client.listWorkflowJobs("id", { step: "a/b" }),
  readWorkflowLog: (client) => client.readWorkflowLog("id", { step: "a", after: "j:1:0:0", limit: 2048 }),
  resumeWorkflowRun: (client) => client.resumeWorkflowRun("id"),
  retryWorkflowRun: (client) => client.retryWorkflowRun("id", { from: "a" }),
  cancelWorkflowRun: (client) => client.cancelWorkflowRun("id", { reason: "r" }),
  approveWorkflowStep: (client) => client.approveWorkflowStep("id", { step: "a", by: "b", message: "c" }),
  rejectWorkflowStep: (client) => client.rejectWorkflowStep("id"),
  listTriggers: (client) => client.listTriggers(),
  showTrigger: (client) => client.showTrigger("id"),
  pauseTrigger: (client) => client.pauseTrigger("id", { note: "n" }),
  resumeTrigger: (client) => client.resumeTrigger("id"),
  fireTrigger: (client) => client.fireTrigger("id", { payload: [1] }),
  backfillTrigger: (client) =>
    client.backfillTrigger("id", { from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z" }),
  listTriggerEvents: (client) => client.listTriggerEvents("id", { before: 5, limit: 5 }),
  listTriggerFirings: (client) => client.listTriggerFirings("id", { before: 5, limit: 5 }),
  listEvents: (client) => client.listEvents({ source: "s", before: 5, limit: 5 }),
  showEvent: (client) => client.showEvent("id"),
  replayEvent: (client) => client.replayEvent("id", { trigger: "t" }),
  emitEvent: (client) =>
    client.emitEvent("a topic", {
      payload: { at: 5 },
      key: "k",
      chain: [{ daemon: "d", trigger: "t", run: "r" }],
    }),
  listFirings: (client) =>
    client.listFirings({ trigger: "t", event: "e", run: "r", state: "ended", limit: 5 }),
  showFiring: (client) => client.showFiring("id"),
  cancelFiring: (client) => client.cancelFiring("id", { reason: "r" }),
  health: (client) => client.health(),
  readiness: (client) => client.readiness(),
  version: (client) => client.version(),
  showOverview: (client) => client.showOverview(),
  listBudgets: (client) => client.listBudgets(),
  listHolds: (client) => client.listHolds(),
  showPricing: (client) => client.showPricing(),
  drain: (client) => client.drain(),
  stopAll: (client) => client.stopAll({ reason: "r" }),
  followEvents: (client) =>
    client.followEvents({ topic: ["jobs", "output"], job: "j", run: "r", trigger: "t" }).next(),
};

describe("the client", () => {
  it("has a method for each operation, and no other", () => {
    const methods = Object.keys(createClient({ url: "http://localhost" })).toSorted();
    expect(methods).toEqual(operations.map(({ operationId }) => operationId).toSorted());
    expect(Object.keys(calls).toSorted()).toEqual(methods);
  });

  it.each(operations)("calls $operationId as the document describes it", async (operation) => {
    const asked: { url: URL; init: RequestInit }[] = [];
    const client = createClient({
      url: "http://localhost:1/",
      token: "t",
      fetch: async (url, init) => {
        asked.push({ url: new URL(url), init });
        const error = { v: 1, type: "error", code: "AC_USAGE", message: "m", cure: "c", evidence: {} };
        return Response.json(error, { status: 400 });
      },
    });
    await expect(calls[operation.operationId]?.(client)).rejects.toMatchObject({ code: "AC_USAGE" });
    const [{ url, init } = expect.fail("nothing was asked")] = asked;
    expect(init.method).toBe(operation.method);
    expect(new Headers(init.headers).get("authorization")).toBe("Bearer t");
    const pattern = new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
    expect(url.pathname).toMatch(pattern);
    const known = (operation.parameters ?? []).filter((each) => each.in === "query").map(({ name }) => name);
    expect([...url.searchParams.keys()].filter((name) => !known.includes(name))).toEqual([]);
    if (init.body !== undefined) expect(operation.requestBody).toBeDefined();
  });
});

describe("a daemon", () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await serveTestApi();
  });
  afterAll(() => api.close());

  it.each(Object.keys(calls).filter((name) => name !== "followEvents"))(
    "takes every field that the client sends to %s",
    async (name) => {
      const client = createClient({ url: api.url, token: api.operate });
      const answer = await Promise.resolve(calls[name]?.(client)).catch(
        (error: AgentCoreError) => error.code,
      );
      expect(answer).not.toBe("AC_API_REQUEST");
      expect(answer).not.toBe("AC_API_NO_OPERATION");
      expect(answer).not.toBe("AC_INTERNAL");
      expect(answer).not.toBe("AC_API_UNREACHABLE");
    },
  );

  it("is reached over its Unix socket without a token, and over TCP only with one", async () => {
    const { id } = await createClient({ url: `unix://${api.socket}` }).submitJob(job);
    const [shown] = (await createClient({ url: api.url, token: api.read }).listJobs({ id })).items;
    expect(shown).toMatchObject({ id, state: "queued" });
    expect(Date.parse(shown?.submittedAt ?? "")).toBeGreaterThan(0);
    await expect(createClient({ url: api.url }).showQueue()).rejects.toMatchObject({
      code: "AC_API_UNAUTHORIZED",
    });
    await expect(createClient({ url: api.url, token: api.read }).cancelJob(id)).rejects.toMatchObject({
      code: "AC_API_FORBIDDEN",
    });
  });

  it("keeps a payload and its chain as they came, and says moments as texts", async () => {
    const client = createClient({ url: api.url, token: api.operate });
    const chain = [{ daemon: "other", trigger: "nightly", run: "r1" }];
    const payload = { at: 5, list: [{ endedAt: 6.123456789 }] };
    const { events } = await client.emitEvent("work", { payload, chain });
    const event = await client.showEvent(events[0] ?? "");
    expect(event.payload).toEqual(payload);
    expect(event.chain).toEqual(chain);
    expect(event.at).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it("is followed over both, on and after a daemon that restarted", async () => {
    for (const url of [api.url, `unix://${api.socket}`]) {
      const client = createClient({ url, token: api.read });
      const events = client.followEvents({ topic: "daemon" });
      const first = events.next();
      await expect.poll(() => api.served.stats().clients).toBe(1);
      api.publish({ topic: "daemon", document: { type: "drain" } });
      const { value } = await first;
      expect(value).toMatchObject({ kind: "event", topic: "daemon", document: { v: 1, type: "drain" } });
      await events.return();
      await expect.poll(() => api.served.stats().clients).toBe(0);
      // A number of an earlier process.
      const again = client.followEvents({}, { lastEventId: 5 });
      expect((await again.next()).value).toMatchObject({ kind: "resync" });
      await again.return();
      await expect.poll(() => api.served.stats().clients).toBe(0);
    }
  });

  it("at a URL with a password is refused without repeating the password", () => {
    expect(() => createClient({ url: "http://me:s3cret@127.0.0.1:9" })).toThrow(
      expect.objectContaining({ code: "AC_USAGE", message: expect.not.stringContaining("s3cret") }),
    );
    expect(() => createClient({ url: "unix:///a%zz" })).toThrow(
      expect.objectContaining({ code: "AC_USAGE" }),
    );
  });

  it("that goes away in the middle of an answer is unreachable, and a GET is repeated", async () => {
    const answer = '{"v":1,"type":"health"}';
    let answers = 0;
    const server = createServer((request, response) => {
      answers += 1;
      response.writeHead(200, { "content-length": answer.length });
      if (answers === 1 || (answers > 2 && request.method === "GET")) return response.end(answer);
      response.write(answer.slice(0, 9), () => response.destroy());
      return response;
    });
    try {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const client = createClient({ url, reconnectMs: 60_000 });
      await client.health();
      await expect(client.health()).resolves.toMatchObject({ type: "health" });
      expect(answers).toBe(3);
      const lost = { code: "AC_API_UNREACHABLE", message: expect.stringContaining(url) };
      await expect(client.submitJob(job)).rejects.toMatchObject(lost);
      expect(answers).toBe(4);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("that is gone is unreachable", async () => {
    const gone = createClient({ url: "http://127.0.0.1:9" });
    await expect(gone.health()).rejects.toMatchObject({ code: "AC_API_UNREACHABLE" });
    await expect(createClient({ url: "unix:///a%20b/none.sock" }).health()).rejects.toMatchObject({
      code: "AC_API_UNREACHABLE",
      message: expect.stringContaining("the socket /a b/none.sock does not answer"),
    });
    expect(() => createClient({ url: "ftp://x" })).toThrow(/unix:\/\/\/PATH/);
  });
});
