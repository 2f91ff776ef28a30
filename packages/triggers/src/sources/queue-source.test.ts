import { systemClock, systemIds } from "@agentcore/contract";
import { expect, it } from "vitest";
import type { EventSource } from "../definition.ts";
import { recordedLog, TestHost } from "../testing/sources.ts";
import { QueueTopics, type EmitRequest } from "./queue-source.ts";

const sources = new Map<string, EventSource>([
  ["orders", { type: "queue", topic: "orders" }],
  ["audit", { type: "queue", topic: "orders" }],
  ["tick", { type: "interval", everyMs: 1000 }],
]);

function topics() {
  const host = new TestHost();
  const { log, lines } = recordedLog();
  return { host, lines, topics: new QueueTopics({ sources, host, ids: systemIds, clock: systemClock, log }) };
}

it("an event goes to each source of its topic once per key, with its chain", async () => {
  const { host, topics: queue } = topics();
  const chain = [{ daemon: "a", trigger: "b", run: "c" }];
  const request = { topic: "orders", payload: { id: 7, note: "$(touch /tmp/x)\u001b[2J" }, key: "7", chain };
  const emissions = await queue.emit(request);
  expect(emissions).toMatchObject([
    { source: "orders", acceptance: "accepted" },
    { source: "audit", acceptance: "accepted" },
  ]);
  expect(emissions.map(({ event }) => event)).toEqual(host.events.map(({ id }) => id));
  expect((await queue.emit(request)).map(({ acceptance }) => acceptance)).toEqual(["duplicate", "duplicate"]);
  await queue.emit({ topic: "orders", payload: null });
  expect(host.events).toHaveLength(4);
  expect(host.events[0]).toMatchObject({ source: "orders", key: "7", payload: request.payload, chain });
});

it.each<[string, Partial<EmitRequest>, string, RegExp]>([
  [
    "an unknown topic",
    { topic: "order" },
    "AC_TOPIC_UNKNOWN",
    /^No event listens to topic "order". Topics: "orders"\.$/,
  ],
  ["the id of another source", { topic: "tick" }, "AC_TOPIC_UNKNOWN", /"tick"/],
  ["a value that is not JSON", { payload: undefined }, "AC_EVENT_INVALID", /JSON cannot hold/],
  [
    "a value that is too large",
    { payload: "x".repeat(1024 * 1024) },
    "AC_EVENT_INVALID",
    /larger than 1 MiB/,
  ],
  ["an empty key", { key: "" }, "AC_EVENT_INVALID", /a key that is empty/],
  ["a chain that is none", { chain: [{}] as never }, "AC_EVENT_INVALID", /a chain that is not valid/],
])("%s is refused, counted and logged", async (_name, change, code, message) => {
  const { host, lines, topics: queue } = topics();
  const refused = queue.emit({ topic: "orders", payload: {}, ...change });
  await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  expect(host.events).toEqual([]);
  expect(queue.counts()).toEqual([{ source: null, kind: code, count: 1 }]);
  expect(lines).toHaveLength(1);
});

it("an event that could not be stored is reported to its sender, and the next one is taken", async () => {
  const { host, topics: queue } = topics();
  host.failure = new Error("disk full");
  await expect(queue.emit({ topic: "orders", payload: 1 })).rejects.toThrow("disk full");
  host.failure = null;
  expect(await queue.emit({ topic: "orders", payload: 1 })).toHaveLength(2);
});

it("events in hand are bounded, and stored before a close ends", async () => {
  const { host, topics: queue } = topics();
  const { promise, resolve } = Promise.withResolvers<void>();
  host.beforeCommit = () => promise;
  const emitted = Array.from({ length: 1024 }, (_, payload) => queue.emit({ topic: "orders", payload }));
  await expect(queue.emit({ topic: "orders", payload: 0 })).rejects.toMatchObject({ code: "AC_EVENTS_BUSY" });
  const closed = queue.close();
  await expect(queue.emit({ topic: "orders", payload: 0 })).rejects.toMatchObject({ code: "AC_DRAINING" });
  resolve();
  await closed;
  expect(host.events).toHaveLength(2048);
  await Promise.all(emitted);
});
