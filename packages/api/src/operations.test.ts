/** What the operations do and answer, over real sockets and memory stores. */
import { claimAs, die, settleOne, testJob, testSubmission, byJobDedup } from "@agentcore/scheduler/testing";
import { firingOf, acceptEvents } from "@agentcore/triggers/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as z from "zod";
import { openApiDocument } from "./openapi.ts";
import { serveTestApi, type TestApi } from "./testing/index.ts";

let api: TestApi;
beforeAll(async () => {
  api = await serveTestApi();
});
afterAll(() => api.close());

type Document = Record<string, unknown> & { readonly items: readonly Record<string, unknown>[] };

const { components } = openApiDocument() as { components: { schemas: Record<string, object> } };

/** Each answer, and each item of a list, fits its schema. */
function expectFits(document: Record<string, unknown>): void {
  const items = document["type"] === "list" ? (document as Document).items : [document];
  for (const item of items) {
    const fitting = Object.values(components.schemas).filter((schema) => {
      const { properties } = schema as { properties?: { type?: { const?: string } } };
      return properties?.type?.const === item["type"];
    });
    expect(fitting).toHaveLength(1);
    expect(z.fromJSONSchema(fitting[0] as never).safeParse(item).error).toBeUndefined();
    expect(JSON.stringify({ ...item, payload: null })).not.toMatch(/"(?:at|\w+At)":\d/);
  }
}

async function call(path: string, body?: object): Promise<Document> {
  const init = {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  };
  const response = await api.fetch(path, body === undefined ? {} : init);
  const document = (await response.json()) as Document;
  expect(document["v"]).toBe(1);
  expectFits(document);
  return document;
}

const job = { task: { worker: "shell", workspace: "/w", instructions: "true" } };

it("jobs are submitted, found by what they have, made due, waited for and cancelled", async () => {
  const { id } = await call("/v1/jobs", { ...job, context: { labels: { team: "a=b" } }, notBefore: 4e12 });
  await call("/v1/jobs", { ...job, context: { labels: { team: "c" } } });
  const found = await call("/v1/jobs?label=team%3Da%3Db&state=queued&state=running");
  expect(found.items).toMatchObject([{ id, runAt: new Date(4e12).toISOString(), costUsd: null }]);
  expect((await call("/v1/jobs?submittedBefore=2001-01-01T00:00:00Z")).items).toEqual([]);
  const now = await call(`/v1/jobs/${String(id)}/run-now`, {});
  expect(Date.parse(String(now["runAt"]))).toBeLessThan(4e12);
  expect(await call(`/v1/jobs/${String(id)}/wait?timeoutMs=20`)).toMatchObject({ state: "queued" });
  const waiting = call(`/v1/jobs/${String(id)}/wait`);
  const cancelled = await call(`/v1/jobs/${String(id)}/cancel`, { reason: "enough" });
  expect(cancelled).toMatchObject({ type: "cancel", outcome: "cancelled" });
  expect(await waiting).toMatchObject({ state: "cancelled", reason: "enough" });
  expect(await call(`/v1/jobs/${String(id)}`)).toMatchObject({ type: "job_details", attempts: [] });
  expect(await call(`/v1/jobs/${String(id)}/why`)).toMatchObject({ type: "job_decisions" });
  expect(await call(`/v1/jobs/${String(id)}/logs?offset=7`)).toMatchObject({
    text: "line 2\n",
    nextOffset: 14,
  });
  expect(await call(`/v1/jobs/${String(id)}/artifact?name=changes&offset=8`)).toMatchObject({
    kind: "patch",
    text: "-line 2\n",
    nextOffset: 16,
  });
  expect(await call("/v1/queue")).toMatchObject({ ready: 1, cancelled: 1 });
});

it("a batch of jobs is one commit, and a wrong job refuses all of it and is named", async () => {
  const { items } = await call("/v1/jobs/batch", {
    jobs: [
      { ...job, key: "k", dedup: "reject" },
      { ...job, key: "k", dedup: "reject" },
    ],
  });
  expect(items).toMatchObject([{ type: "submitted" }, { type: "error", code: "AC_KEY_HELD" }]);
  const before = await call("/v1/queue");
  const wrong = await call("/v1/jobs/batch", { jobs: [job, { task: { worker: 5 } }] });
  expect(wrong).toMatchObject({ code: "AC_JOB_INVALID", message: expect.stringContaining("worker") });
  expect(await call("/v1/queue")).toMatchObject({ ready: before["ready"] });
});

it("all dead letters that match are replayed, cancelled and purged in batches", async () => {
  const dead = Array.from({ length: 5 }, () => testJob({ context: { labels: { batch: "1" } } }));
  await api.store.submit(
    dead.map((each) => testSubmission(each)),
    byJobDedup,
  );
  const claimed = await claimAs(api.store, "owner", 5, { only: dead.map(({ id }) => id) });
  for (const record of claimed) await settleOne(api.store, die(record));
  expect((await call("/v1/dead-letters?label=batch%3D1")).items).toHaveLength(5);
  expect(await call("/v1/counts/dead-letters?label=batch%3D1")).toMatchObject({ type: "count", count: 5 });
  expect(await call("/v1/counts/jobs?label=batch%3D1&state=queued")).toMatchObject({ count: 0 });

  const seen: unknown[] = [];
  let before: unknown;
  do {
    const where = { label: "batch=1" };
    const batch = await call("/v1/dead-letters/replay", {
      where,
      limit: 2,
      before,
      set: { "limits.maxAttempts": 4 },
    });
    expect(batch.items.length).toBeLessThanOrEqual(2);
    seen.push(...batch.items.map(({ type }) => type));
    before = batch["next"] ?? undefined;
  } while (before !== undefined);
  expect(seen).toEqual(Array.from({ length: 5 }, () => "replayed"));
  const { items } = await call("/v1/jobs?label=batch%3D1&state=queued");
  expect(items.map(({ maxAttempts }) => maxAttempts)).toEqual([4, 4, 4, 4, 4]);
  expect((await call("/v1/dead-letters?label=batch%3D1")).items).toEqual([]);

  const cancelled = await call("/v1/jobs/cancel", { where: { label: ["batch=1"], state: "queued" } });
  expect(cancelled.items.map(({ outcome }) => outcome)).toEqual(items.map(() => "cancelled"));
  const purged = await call("/v1/dead-letters/purge", { where: { label: "batch=1" }, limit: 3 });
  expect(purged).toMatchObject({ type: "purged", purged: 3 });
  expect(await call("/v1/dead-letters/purge", { where: { label: "batch=1" } })).toMatchObject({ purged: 2 });
});

it("a trigger is paused with its note, resumed, fired and backfilled, and each slot is taken once", async () => {
  const paused = await call("/v1/triggers/nightly/pause", { note: "release" });
  expect(paused).toMatchObject({ state: "paused", pauseNote: "release", pausedBy: "person" });
  expect(await call("/v1/triggers/nightly/resume", {})).toMatchObject({ state: "active", pauseNote: null });
  const range = { from: "2026-01-01T00:00:00Z", to: "2026-01-04T00:00:00Z" };
  expect((await call("/v1/triggers/nightly/backfill", range))["events"]).toHaveLength(3);
  expect(await call("/v1/triggers/nightly/backfill", range)).toMatchObject({ events: [], duplicates: 3 });
  const { events } = await call("/v1/triggers/nightly/fire", { payload: { at: 1 } });
  const [id] = events as string[];
  expect(await call(`/v1/trigger-events/${id}`)).toMatchObject({
    onlyTrigger: "nightly",
    payload: { at: 1 },
  });
  const again = await call(`/v1/trigger-events/${id}/replay`, { trigger: "nightly" });
  expect(await call(`/v1/trigger-events/${(again["events"] as string[])[0]}`)).toMatchObject({
    replayOf: id,
  });
  expect((await call("/v1/triggers/nightly/events?limit=2")).items).toHaveLength(2);
  expect(await call("/v1/triggers")).toMatchObject({ items: [{ id: "nightly", state: "active" }] });
  expect(await call("/v1/triggers/nightly")).toMatchObject({ overlap: "buffer_all" });

  const [event] = await acceptEvents(api.triggerStore, {});
  const firing = firingOf(event!, { trigger: "nightly" });
  await api.triggerStore.commit({ routed: [event!.id], firings: [firing] });
  const { items } = await call("/v1/triggers/nightly/firings");
  expect(items).toMatchObject([{ id: firing.id, state: "waiting", code: "delay" }]);
  expect(await call("/v1/firings?state=ended")).toMatchObject({ items: [] });
});

it("workflow runs are found by their state and name, and shown with their steps and their drawing", async () => {
  const { run } = await call("/v1/workflow-runs", { file: "/w/flow.yaml", workspace: "/w" });
  expect((await call("/v1/workflow-runs?state=RUNNING&name=test")).items).toMatchObject([{ id: run }]);
  expect((await call("/v1/workflow-runs?state=FAILED&state=CANCELLED")).items).toEqual([]);
  expect((await call("/v1/workflow-runs?name=other")).items).toEqual([]);
  expect((await call(`/v1/workflow-runs/${String(run)}/steps`)).items).toEqual([]);
  expect(await call(`/v1/workflow-runs/${String(run)}/graph`)).toMatchObject({ type: "run_graph", run });
});

it.each([
  ["/v1/triggers/none", 404, "AC_TRIGGER_NOT_FOUND"],
  ["/v1/trigger-events/none", 404, "AC_EVENT_NOT_FOUND"],
  ["/v1/firings/none", 404, "AC_FIRING_NOT_FOUND"],
  ["/v1/jobs/none", 404, "AC_JOB_NOT_FOUND"],
  ["/v1/jobs/none/artifact?name=..%2Fsecrets", 404, "AC_ARTIFACT_NOT_FOUND"],
  ["/v1/jobs/none/artifact", 400, "AC_API_REQUEST"],
  ["/v1/workflow-runs/none", 404, "AC_WORKFLOW_RUN_NOT_FOUND"],
  ["/v1/workflow-runs/none/steps", 404, "AC_WORKFLOW_RUN_NOT_FOUND"],
  ["/v1/workflow-runs/none/graph", 404, "AC_WORKFLOW_RUN_NOT_FOUND"],
  ["/v1/workflow-runs?state=SLEEPING", 400, "AC_API_REQUEST"],
  ["/v1/spend?bucket=minute", 400, "AC_API_REQUEST"],
  ["/v1/spend?since=2020-01-01T00:00:00Z", 400, "AC_API_REQUEST"],
  ["/v1/jobs?limit=0", 400, "AC_API_REQUEST"],
  ["/v1/jobs?colour=red", 400, "AC_API_REQUEST"],
  ["/v1/jobs?submittedAfter=yesterday", 400, "AC_API_REQUEST"],
  ["/v2", 404, "AC_API_NO_OPERATION"],
])("%s is answered %i with %s", async (path, status, code) => {
  const response = await api.fetch(path);
  expect(response.status).toBe(status);
  const document = (await response.json()) as Document;
  expect(document).toMatchObject({ v: 1, type: "error", code });
  expectFits(document);
});

it("a fault of the daemon is answered without its text, and logged with it", async () => {
  const broken = await serveTestApi({
    ports: {
      metrics: async () => {
        throw new TypeError("/secret/path is undefined");
      },
    },
  });
  try {
    const response = await broken.fetch("/metrics");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
    expect(broken.log.lines.join("\n")).toContain("/secret/path");
  } finally {
    await broken.close();
  }
});

it("what the daemon is not ready for and what it stopped are answered with their documents", async () => {
  expect(await call("/v1/stop", { reason: "fire" })).toMatchObject({ reason: "fire", isEmpty: true });
  expect(await call("/v1/drain", {})).toMatchObject({ type: "drain" });
  expect(await call("/v1/overview")).toMatchObject({ running: [{ activity: "tool", tool: "npm test" }] });
  expect(await call("/v1/budgets")).toMatchObject({ items: [{ scope: "global", left: 2 }] });
  expect(await call("/v1/holds")).toMatchObject({
    items: [{ type: "hold", heldAt: "1970-01-01T00:00:00.000Z", owner: { state: "dead" } }],
    next: null,
  });
  const spend = await call("/v1/spend?bucket=hour&since=2026-01-01T00:00:00Z&until=2026-01-01T02:00:00Z");
  expect(spend["buckets"]).toEqual([
    { at: "2026-01-01T00:00:00.000Z", costUsd: 0, tokens: 0, workers: {} },
    {
      at: "2026-01-01T01:00:00.000Z",
      costUsd: 3,
      tokens: 30,
      workers: { shell: { costUsd: 2, tokens: 20 } },
    },
  ]);
  expect(await call("/v1/version")).toMatchObject({ version: "0.1.0" });
});

it("a page is served beside the API, without a token and without its names", async () => {
  const page = (request: Request): Response | null =>
    new URL(request.url).pathname === "/" ? new Response("<p>hello") : null;
  const served = await serveTestApi({ page });
  try {
    expect(await (await fetch(`${served.url}/`)).text()).toBe("<p>hello");
    expect((await fetch(`${served.url}/other`)).status).toBe(404);
    expect((await fetch(`${served.url}/v1/jobs`)).status).toBe(401);
  } finally {
    await served.close();
  }
});
