/** Event streams over real sockets: order, replay, gaps, and clients that do not read. */
import { patienceMs, until } from "@agentcore/contract/testing";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, expect, it } from "vitest";
import { serveTestApi, type TestApi, type TestApiOptions } from "../testing/index.ts";

const apis: TestApi[] = [];
afterEach(async () => {
  for (const api of apis.splice(0)) await api.close();
});

async function serve(limits: TestApiOptions["limits"] = {}): Promise<TestApi> {
  const api = await serveTestApi({ limits });
  apis.push(api);
  return api;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

interface Stream {
  readonly socket: Socket;
  text(): string;
  /** Numbers in the events of this topic. */
  numbers(topic?: string): number[];
}

/** Without an HTTP client, so that the test decides what is read. */
async function open(api: TestApi, query = "", headers = ""): Promise<Stream> {
  const socket = connect(Number(new URL(api.url).port), "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`GET /v1/events${query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${api.read}\r\n`);
  socket.write(`${headers}\r\n`);
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  await until(() => /event: (?:ready|resync)/.test(text));
  return {
    socket,
    text: () => text,
    numbers: (topic = "jobs") =>
      [...text.matchAll(/event: (\w+)\n(?:\r\n[0-9a-f]+\r\n)?data: \{.*?"number":(\d+)/g)]
        .filter((match) => match[1] === topic)
        .map((match) => Number(match[2])),
  };
}

const note = (api: TestApi, number: number, more: object = {}, job?: string): void =>
  api.publish({ topic: "jobs", document: { type: "test", number, ...more } as never, job });

const lastId = (text: string): number =>
  Math.max(...[...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1])));

it("gives each client every event of its topics, in order, and of its job alone if it asks so", async () => {
  const api = await serve();
  const [all, one, other] = await Promise.all([open(api), open(api, "?job=b"), open(api, "?topic=daemon")]);
  for (let number = 0; number < 500; number += 1) note(api, number, {}, number % 2 === 0 ? "a" : "b");
  const every = Array.from({ length: 500 }, (_, number) => number);
  await until(() => all.numbers().length === 500 && one.numbers().length === 250);
  expect(all.numbers()).toEqual(every);
  expect(one.numbers()).toEqual(every.filter((number) => number % 2 === 1));
  expect(other.numbers()).toEqual([]);
  for (const { socket } of [all, one, other]) socket.destroy();
  await until(() => api.served.stats().clients === 0);
});

it("continues after the last event that a client has, and says `resync` where events are gone", async () => {
  const api = await serve({ topicBytes: 4000 });
  const first = await open(api);
  note(api, 1);
  await until(() => first.numbers().length === 1);
  const had = lastId(first.text());
  first.socket.destroy();
  note(api, 2);
  note(api, 3);
  const again = await open(api, "", `Last-Event-ID: ${had}\r\n`);
  await until(() => again.numbers().length === 2);
  expect(again.numbers()).toEqual([2, 3]);
  expect(again.text()).toContain("event: ready");
  for (let number = 4; number < 104; number += 1) note(api, number);
  for (const id of [had, 7, Number.MAX_SAFE_INTEGER]) {
    const late = await open(api, "", `Last-Event-ID: ${id}\r\n`);
    note(api, 1000);
    await until(() => late.numbers().includes(1000));
    // `resync` comes before newer events, and none of the old ones.
    expect(late.text()).toMatch(/event: resync[^]*"number":1000/);
    expect(late.numbers()).toEqual([1000]);
    late.socket.destroy();
  }
});

it("a client that never reads costs a bounded amount, is dropped, and slows nobody", async () => {
  const api = await serve({ stuckMs: 60_000 });
  const asleep = await Promise.all(Array.from({ length: 50 }, () => open(api)));
  for (const { socket } of asleep) socket.pause();
  const awake = await open(api);
  let newest = -1;
  awake.socket.removeAllListeners("data").on("data", (chunk: string) => {
    for (const [, number] of chunk.matchAll(/"number":(\d+),/g)) newest = Number(number);
  });
  const text = "x".repeat(10_000);
  let sent = 0;
  const send = async (events: number): Promise<void> => {
    for (let each = 0; each < events; each += 1) {
      note(api, sent, { text });
      sent += 1;
      // The one that reads keeps up.
      if (sent % 50 === 0) await until(() => newest === sent - 1);
    }
  };
  const before = await usedBytes();
  let most = 0;
  while (api.served.stats().clients > 1) {
    await send(50);
    most = Math.max(most, (await usedBytes()) - before);
    if (sent > 50_000) expect.fail("nobody was dropped after 500 MB");
  }
  expect(api.served.stats().droppedClients).toBe(50);
  // The buffers of both ends of 50 connections, and the ring. A copy of the ring for each client would be 100 MB more.
  expect(most).toBeLessThan(50 * 1024 * 1024);
  expect((await usedBytes()) - before).toBeLessThan(10 * 1024 * 1024);
  for (const { socket } of [...asleep, awake]) socket.destroy();
});

it("a tab that sleeps through half an hour of 20 events a second costs less than 2 MB", async () => {
  const api = await serve({ stuckMs: 3_600_000 });
  const text = "x".repeat(300);
  let sent = 0;
  const send = async (events: number): Promise<void> => {
    for (let each = 0; each < events; each += 1) note(api, (sent += 1), { text });
    // A turn for the connections.
    await setImmediate();
  };
  // The ring is full before, as it is in a daemon that has run for a while.
  for (let part = 0; part < 20; part += 1) await send(500);
  const before = await usedBytes();
  const tab = await open(api);
  tab.socket.pause();
  let most = 0;
  for (let second = 0; second < 1800; second += 100) {
    for (let part = 0; part < 4; part += 1) await send(500);
    most = Math.max(most, (await usedBytes()) - before);
  }
  expect(most).toBeLessThan(2_000_000);
  // It is dropped when it is too far behind, and learns that when it wakes up.
  await until(() => api.served.stats().droppedClients === 1);
  tab.socket.destroy();
});

/** The least after three collections, so that only what is kept counts: V8 gives buffers back some time after one. */
async function usedBytes(): Promise<number> {
  let least = Infinity;
  for (let round = 0; round < 3; round += 1) {
    collect();
    await setImmediate();
    const { heapUsed, external } = process.memoryUsage();
    least = Math.min(least, heapUsed + external);
  }
  return least;
}

it("keeps a quiet connection alive with comments", async () => {
  const api = await serve({ commentMs: 50 });
  const quiet = await open(api);
  await until(() => (quiet.text().match(/^: $/gm) ?? []).length >= 3);
  expect(api.served.stats().droppedClients).toBe(0);
  quiet.socket.destroy();
});

it("announces an event that is too large without its content", async () => {
  const api = await serve();
  const client = await open(api);
  note(api, 1, { text: "x".repeat(300_000) });
  await until(() => client.text().includes('"type":"omitted"'));
  expect(client.text()).toContain('"of":"test"');
  client.socket.destroy();
});

it("refuses more clients than are allowed, and a number that is none", async () => {
  const api = await serve({ clients: 2 });
  const clients = [await open(api), await open(api)];
  expect((await api.fetch("/v1/events")).status).toBe(503);
  expect((await api.fetch("/v1/events", { headers: { "last-event-id": "x" } })).status).toBe(400);
  for (const { socket } of clients) socket.destroy();
});

it("ends streams when the daemon closes, and finishes the answers in hand", async () => {
  const waits = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const api = await serveTestApi({
    ports: {
      metrics: async () => {
        asked.resolve();
        await waits.promise;
        return "late 1\n";
      },
    },
  });
  const stream = await open(api);
  const answer = api.fetch("/metrics");
  await asked.promise;
  const ended = once(stream.socket, "end", { signal: AbortSignal.timeout(patienceMs(5000)) });
  const closed = api.close();
  await ended;
  expect(stream.text()).toMatch(/0\r\n\r\n$/);
  waits.resolve();
  expect(await (await answer).text()).toBe("late 1\n");
  await closed;
});
