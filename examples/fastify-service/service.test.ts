/** Tests the service without a process: functions stand in for the worker. Run it with `node --test`. */
import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { it } from "node:test";
import { createTestAgentCore, type TestWorker } from "agentcore/testing";
import { buildService } from "./service.ts";

const workspace = tmpdir();
const serviceWith = async (worker: TestWorker) =>
  buildService(await createTestAgentCore({ workers: { "claude-code": worker } }));
const review = { method: "POST", url: "/reviews", payload: { pullRequest: 7, workspace } } as const;

await it("reviews a pull request", async () => {
  const app = await serviceWith(({ task }) => ({ summary: `looked: ${task.instructions}`, costUsd: 0.1 }));
  const submitted = await app.inject(review);
  assert.equal(submitted.statusCode, 202);
  const { id } = submitted.json<{ id: string }>();
  const result = await app.inject(`/reviews/${id}/result`);
  assert.match(result.json<{ review: string }>().review, /^looked: Review pull request 7/);
  assert.equal((await app.inject(`/reviews/${id}`)).json<{ costUsd: number }>().costUsd, 0.1);
  await app.close();
});

await it("tries again after a failure of the provider, and joins requests for one pull request", async () => {
  let attempts = 0;
  const app = await serviceWith(({ attempt }) => {
    attempts = attempt;
    return attempt === 1 ? { outcome: "failed", errorClass: "network" } : { summary: "fine" };
  });
  const [first, second] = await Promise.all([app.inject(review), app.inject(review)]);
  const { id } = first.json<{ id: string }>();
  assert.equal(second.json<{ id: string }>().id, id);
  assert.equal((await app.inject(`/reviews/${id}/result`)).json<{ review: string }>().review, "fine");
  assert.equal(attempts, 2);
  await app.close();
});

await it("cancels, and answers with the code and the cure of an error", async () => {
  const app = await serviceWith(() => new Promise(() => {}));
  const { id } = (await app.inject(review)).json<{ id: string }>();
  assert.equal((await app.inject({ method: "DELETE", url: `/reviews/${id}` })).statusCode, 204);
  assert.equal((await app.inject(`/reviews/${id}/result`)).json<{ state: string }>().state, "cancelled");
  const missing = await app.inject({ ...review, payload: { pullRequest: 8, workspace: "/nope" } });
  assert.equal(missing.statusCode, 400);
  assert.equal(missing.json<{ code: string }>().code, "AC_WORKSPACE_MISSING");
  await app.close();
});
