import { createManualClock } from "@agentcore/core/testing";
import { noRefusedKeys } from "@agentcore/contract";
import { until } from "@agentcore/contract/testing";
import type { RefusedKeyReport } from "@agentcore/core";
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openRig, realKey, type TestAttempt } from "../testing/rig.ts";
import { eventStream, messageEvents, replies, streams } from "../testing/upstream.ts";

const hello = messageEvents(["Hello"]);

async function expectRefused(attempt: TestAttempt, key: string): Promise<void> {
  const response = await attempt.post({}, { headers: { "x-api-key": key } });
  expect(response.status).toBe(401);
  expect(response.headers.get("x-should-retry")).toBe("false");
  expect(await response.json()).toMatchObject({ type: "error", error: { type: "authentication_error" } });
}

it("a key that is used after its meter is closed, guessed, or the provider's own gets 401, and nothing is forwarded", async () => {
  const rig = await openRig(streams(hello));
  const attempt = await rig.open();
  const other = await rig.open();
  expect(Buffer.from(attempt.meter.access.key, "base64url").length).toBe(32);
  await attempt.meter.close();
  await expectRefused(attempt, attempt.meter.access.key);
  await expectRefused(attempt, randomBytes(32).toString("base64url"));
  await expectRefused(attempt, realKey);
  await expectRefused(attempt, `${other.meter.access.key.slice(0, -1)}?`);
  expect(rig.upstream.requests).toEqual([]);
});

it("a large request with a dead key gets its 401, and no broken connection", async () => {
  const rig = await openRig(streams(hello));
  const attempt = await rig.open();
  await attempt.meter.close();
  const messages = [{ role: "user", content: "x".repeat(16 * 1024 * 1024) }];
  const response = await attempt.post({ messages });
  // A connection that is closed on a client which is still sending may lose the response.
  expect([response.status, response.headers.get("connection")]).toEqual([401, "keep-alive"]);
});

it("the key of one attempt is charged to that attempt alone", async () => {
  const rig = await openRig(streams(hello));
  const [one, two] = [await rig.open(), await rig.open()];
  await (await one.post({}, { headers: { "x-api-key": two.meter.access.key } })).text();
  expect(await one.meter.close()).toMatchObject({ calls: 0 });
  expect(await two.meter.close()).toMatchObject({ calls: 1 });
});

describe("a refused key is counted, and reported once a minute for each kind:", () => {
  it("missing, guessed, after its permit, and of an earlier attempt of a job that runs", async () => {
    const clock = createManualClock();
    const rig = await openRig(streams(hello), { clock });
    const reports: RefusedKeyReport[] = [];
    rig.gate.onRefusedKeys((report) => void reports.push(report));
    const first = await rig.open();
    const { access } = first.meter;
    expect((await fetch(`${access.url}/v1/messages`, { method: "POST", body: "{}" })).status).toBe(401);
    for (let count = 0; count < 5; count += 1) await expectRefused(first, "guess");
    await first.meter.close();
    await expectRefused(first, access.key);
    const second = await rig.open({ attempt: 2 });
    await expectRefused(first, access.key);
    await second.meter.close();
    const refused = { missing: 1, unknown: 5, ended: 1, earlier_attempt: 1, stopping: 0 };
    expect(rig.gate.refusedKeys()).toEqual(refused);
    clock.advance(60_000);
    await expectRefused(first, "guess");
    const of = { jobId: "job-1", attempt: 1 };
    expect(reports).toEqual([
      { kind: "missing", requests: 1, of: null },
      { kind: "unknown", requests: 1, of: null },
      { kind: "ended", requests: 1, of },
      { kind: "earlier_attempt", requests: 1, of },
      { kind: "unknown", requests: 5, of: null },
    ]);
    expect(rig.gate.refusedKeys()).toEqual({ ...refused, unknown: 6 });
  });

  it("not the question of Claude Code, without a key, whether the network is there", async () => {
    const rig = await openRig(streams(hello));
    const { url } = (await rig.open()).meter.access;
    expect((await fetch(`${url}/api/hello`, { method: "HEAD" })).status).toBe(200);
    expect((await fetch(`${url}/v1/models`)).status).toBe(401);
    expect(rig.gate.refusedKeys()).toEqual({ ...noRefusedKeys, missing: 1 });
  });
});

it("a permit that is cancelled ends its open calls, and later requests get 401", async () => {
  const rig = await openRig((_request, response) => response.writeHead(200, eventStream).write(hello[0]));
  const attempt = await rig.open();
  const response = await attempt.post();
  attempt.permit.cancel({
    reason: { kind: "cancelled", code: "AC_CANCELLED", message: "cancelled", evidence: {} },
  });
  await expect(response.text()).rejects.toThrow("terminated");
  await until(async () => (await rig.upstream.connections()) === 0);
  const later = await attempt.post();
  expect([later.status, later.headers.get("x-should-retry")]).toEqual([401, "false"]);
  expect(rig.upstream.requests).toHaveLength(1);
  expect(rig.gate.refusedKeys()).toEqual({ ...noRefusedKeys, stopping: 1 });
  expect(await attempt.meter.close()).toMatchObject({ calls: 1, estimated: true });
  expect(attempt.stops).toEqual([]);
});

it("no credential is in the log, the journal or the directory of the gate, whatever happens", async () => {
  const rig = await openRig(replies(401, { error: { message: `bad key ${realKey}` } }), {
    env: { SECRET: realKey },
  });
  const attempt = await rig.open();
  const { key } = attempt.meter.access;
  await (await attempt.post()).text();
  rig.upstream.answer = (request) => request.message.socket.destroy();
  await (await attempt.post()).text();
  rig.upstream.answer = streams(hello);
  await (await attempt.post()).text();
  await (await attempt.post({}, { headers: { "x-api-key": "wrong" } })).text();
  const files = await readdir(join(rig.directory, "gate"), { recursive: true });
  const said = JSON.stringify([rig.logged, await attempt.calls(), attempt.spendings, attempt.stops, files]);
  const commandLine = await readFile("/proc/self/cmdline", "latin1");
  for (const secret of [realKey, key]) {
    expect(said).not.toContain(secret);
    expect(commandLine).not.toContain(secret);
  }
});
