import { until } from "@agentcore/contract/testing";
import { expect, it } from "vitest";
import { openRig } from "../testing/rig.ts";
import { messageEvents, streams, type UpstreamAnswer } from "../testing/upstream.ts";

const hello = messageEvents(["Hello", " world"], { input: 1000, output: 20 });

it("counts a request as waiting while the gate holds it back", async () => {
  const held: Parameters<UpstreamAnswer>[] = [];
  const rig = await openRig((...call) => held.push(call));
  const attempt = await rig.open({ limits: { callsInFlight: 1 } });
  const responses = [attempt.post(), attempt.post({ max_tokens: 999 })];
  await until(() => attempt.activities.at(-1)?.waiting === 2);
  await until(() => held.length > 0);
  expect(held).toHaveLength(1);
  for (const count of [1, 2]) {
    await until(() => held.length === count);
    void streams(hello)(...held[count - 1]!);
  }
  for (const response of responses) await (await response).text();
  await until(() => attempt.activities.at(-1)?.waiting === 0 && attempt.activities.at(-1)?.streaming === 0);
});

it("tells how many requests in a row ask for the same", async () => {
  const rig = await openRig(streams(hello));
  const attempt = await rig.open();
  const told: unknown[] = [];
  for (const tokens of [10, 10, 10, 11]) {
    await (await attempt.post({ messages: [{ role: "user", content: `say ${tokens}` }] })).text();
    await until(() => attempt.activities.at(-1)?.streaming === 0);
    told.push(attempt.activities.at(-1)?.identicalCalls);
  }
  expect(told).toEqual([1, 2, 3, 1]);
});
