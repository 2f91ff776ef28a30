import { createManualClock } from "@agentcore/core/testing";
import { until } from "@agentcore/contract/testing";
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
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

it("refused keys are logged once a minute, with their number", async () => {
  const clock = createManualClock();
  const rig = await openRig(streams(hello), { clock });
  const attempt = await rig.open();
  for (let count = 0; count < 5; count += 1) await expectRefused(attempt, "guess");
  expect(rig.logged.length).toBe(1);
  clock.advance(60_000);
  await expectRefused(attempt, "guess");
  expect(rig.logged.map((line) => (JSON.parse(line) as { requests: number }).requests)).toEqual([1, 6]);
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
