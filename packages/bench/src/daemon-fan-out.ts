/** Many clients that follow the events of a daemon: how soon they hear of one, and what that costs. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { benchToken, type DaemonPlace } from "./daemon-place.ts";
import { quantile, type Report } from "./report.ts";

const watchersCount = 200;
const paced = { events: 200, everyMs: 50 };
const burst = { events: 1000, senders: 16 };

export async function reportFanOut(report: Report, place: DaemonPlace): Promise<void> {
  const before = place.usage();
  const watchers = await Promise.all(Array.from({ length: watchersCount }, () => Watcher.open(place.url)));
  const pssMb = place.usage().pssMb - before.pssMb;
  const name = `events to ${watchersCount} watchers`;
  await reportPaced(report, place, watchers, name);
  await reportBurst(report, place, watchers, name);
  report({
    name: `${name}: memory of one`,
    value: (pssMb / watchersCount) * 1024,
    unit: "kB",
    note: "pss of both processes, connected and idle",
  });
  for (const watcher of watchers) watcher.close();
}

async function reportPaced(
  report: Report,
  place: DaemonPlace,
  watchers: readonly Watcher[],
  name: string,
): Promise<void> {
  const sent: number[] = [];
  for (const watcher of watchers) watcher.heard.length = 0;
  for (let n = 0; n < paced.events; n += 1) {
    sent.push(performance.now());
    await place.deliver("take", `paced-${n}`);
    await pause(Math.max(0, sent[0]! + (n + 1) * paced.everyMs - performance.now()));
  }
  await untilHeard(watchers, paced.events);
  const times = watchers.flatMap(({ heard }) => heard.map((at, n) => at - (sent[n] ?? Number.NaN)));
  const sorted = times.toSorted((a, b) => a - b);
  const note = `${1000 / paced.everyMs} events a second, from the request to each watcher`;
  report({ name: `${name}, p50`, value: quantile(sorted, 0.5), unit: "ms", note });
  report({ name: `${name}, p99`, value: quantile(sorted, 0.99), unit: "ms" });
}

async function reportBurst(
  report: Report,
  place: DaemonPlace,
  watchers: readonly Watcher[],
  name: string,
): Promise<void> {
  for (const watcher of watchers) watcher.heard.length = 0;
  const before = place.usage();
  const startedMs = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: burst.senders }, async () => {
      while (next < burst.events) await place.deliver("take", `fan-${(next += 1)}`);
    }),
  );
  await untilHeard(watchers, burst.events);
  const seconds = (performance.now() - startedMs) / 1000;
  const cpuMs = place.usage().cpuMs - before.cpuMs;
  report({
    name: `${name}, sustained`,
    value: burst.events / seconds,
    unit: "events/s",
    note: `${Math.round((burst.events * watchers.length) / seconds).toLocaleString("en-US")} messages/s`,
  });
  report({
    name: `${name}: processor time`,
    value: cpuMs / burst.events,
    unit: "ms/event",
    note: `${((cpuMs * 1000) / burst.events / watchers.length).toFixed(1)} µs for each message, with taking and deciding the event`,
  });
}

async function untilHeard(watchers: readonly Watcher[], events: number): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (watchers.some(({ heard }) => heard.length < events)) {
    if (performance.now() > deadline) throw new Error("a watcher did not hear of every event");
    await pause(5);
  }
}

const mark = Buffer.from("\nevent: triggers\n");

/** Without an HTTP client, so that the client costs little. */
class Watcher {
  /** When each event came. */
  readonly heard: number[] = [];
  readonly #socket: Socket;
  #rest = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Resolves once the stream has begun. */
  static async open(url: string): Promise<Watcher> {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    const watcher = new Watcher(socket);
    socket.on("error", () => {});
    socket.write(
      `GET /v1/events?topic=triggers HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${benchToken}\r\n\r\n`,
    );
    await once(socket, "data");
    socket.on("data", (chunk: Buffer) => watcher.#onData(chunk));
    return watcher;
  }

  close(): void {
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    const at = performance.now();
    const data = Buffer.concat([this.#rest, chunk]);
    let from = 0;
    for (let found = data.indexOf(mark); found >= 0; found = data.indexOf(mark, from)) {
      this.heard.push(at);
      from = found + mark.length;
    }
    this.#rest = data.subarray(Math.max(from, data.length - mark.length + 1));
  }
}
