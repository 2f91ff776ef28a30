/** Tabs that share a stream, against a real API. */
import { serveTestApi, type TestApi } from "@agentcore/api/testing";
import { until } from "@agentcore/contract/testing";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { FromWorker, TabState } from "./messages.ts";
import { StreamHub } from "./stream-hub.ts";

let api: TestApi;
const plainFetch = globalThis.fetch;
beforeAll(async () => {
  api = await serveTestApi();
  // In a browser, addresses are relative to that of the page.
  globalThis.fetch = (url, init) => plainFetch(new URL(url as string, api.url), init);
});
afterAll(async () => {
  globalThis.fetch = plainFetch;
  await api.close();
});

const tabs: Tab[] = [];
afterEach(async () => {
  for (const tab of tabs.splice(0)) tab.close();
  await until(() => api.served.stats().clients === 0);
});

const makeHub = (): StreamHub => new StreamHub({ groupMs: 5, lingerMs: 20 });

class Tab {
  readonly messages: FromWorker[] = [];
  readonly #hub: StreamHub;
  #state: TabState = { token: api.read, isWatching: true, wantsOutput: false, lock: null };

  constructor(hub: StreamHub, state: Partial<TabState> = {}) {
    this.#hub = hub;
    tabs.push(this);
    this.say(state);
  }

  postMessage(message: FromWorker): void {
    this.messages.push(message);
  }

  say(state: Partial<TabState>): void {
    this.#state = { ...this.#state, ...state };
    this.#hub.update(this, this.#state);
  }

  close(): void {
    this.#hub.remove(this);
  }

  get state(): string | undefined {
    return this.messages.flatMap((message) => (message.kind === "state" ? [message.state] : [])).at(-1);
  }

  get numbers(): unknown[] {
    return this.messages.flatMap((message) =>
      message.kind === "events" ? message.events.map(({ document }) => document["n"]) : [],
    );
  }
}

function publish(n: number, topic: "jobs" | "output" = "jobs"): void {
  const document: { readonly type: string; readonly n: number } = { type: "test", n };
  api.publish({ topic, document });
}

it("shares one stream among all tabs; a hidden one receives nothing", async () => {
  const hub = makeHub();
  const seven = Array.from({ length: 7 }, () => new Tab(hub));
  const hidden = new Tab(hub, { isWatching: false });
  await until(() => seven.every(({ state }) => state === "live"));
  expect(api.served.stats().clients).toBe(1);
  publish(1);
  publish(2);
  await until(() => seven.every(({ numbers }) => numbers.length === 2));
  expect(seven.map(({ numbers }) => numbers)).toEqual(Array.from({ length: 7 }, () => [1, 2]));
  expect(hidden.numbers).toEqual([]);
});

it("closes the stream once no tab watches, and gets what was missed when one does again", async () => {
  const hub = makeHub();
  const tab = new Tab(hub);
  await until(() => tab.state === "live");
  publish(1);
  await until(() => tab.numbers.length === 1);
  tab.say({ isWatching: false });
  await until(() => api.served.stats().clients === 0);
  expect(tab.state).toBe("off");
  publish(2);
  tab.say({ isWatching: true });
  await until(() => tab.numbers.length === 2);
  expect(tab.numbers).toEqual([1, 2]);
});

it("streams what workers say only while a tab wants it, and misses nothing at the change", async () => {
  const hub = makeHub();
  const tab = new Tab(hub);
  await until(() => tab.state === "live");
  publish(1);
  publish(99, "output");
  await until(() => tab.numbers.length === 1);
  tab.say({ wantsOutput: true });
  publish(2);
  await until(() => tab.numbers.includes(2));
  publish(3, "output");
  await until(() => tab.numbers.includes(3));
  tab.say({ wantsOutput: false });
  publish(4);
  await until(() => tab.numbers.includes(4));
  expect(tab.numbers.filter((n) => n !== 99)).toEqual([1, 2, 3, 4]);
});

it("tells the tabs to read again instead of passing on more events than are worth it", async () => {
  const hub = makeHub();
  const tab = new Tab(hub);
  await until(() => tab.state === "live");
  for (let n = 0; n < 20_000; n++) publish(n);
  await until(() => tab.messages.some(({ kind }) => kind === "resync"));
  expect(
    Math.max(...tab.messages.map((message) => (message.kind === "events" ? message.events.length : 0))),
  ).toBeLessThanOrEqual(500);
});

it("says that a token is refused, and asks no more with it", async () => {
  const hub = makeHub();
  const tab = new Tab(hub, { token: "agc_wrong" });
  await until(() => tab.state === "unauthorized");
  const refused = api.served.stats().refused["AC_API_UNAUTHORIZED"];
  tab.say({ token: api.read });
  await until(() => tab.state === "live");
  expect(api.served.stats().refused["AC_API_UNAUTHORIZED"]).toBe(refused);
  tab.say({ token: null });
  await until(() => api.served.stats().clients === 0);
});
