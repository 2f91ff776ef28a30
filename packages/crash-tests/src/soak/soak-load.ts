/** The load of a soak: a sender that keeps its rate, and clients that follow the events of the API, fast ones and slow ones. */
import { setTimeout as pause } from "node:timers/promises";
import { connect, type Socket } from "node:net";
import { ignore } from "@agentcore/contract";
import { deliver } from "../daemon/killed-daemon.ts";
import { soakToken } from "./soak-place.ts";

export interface Sent {
  /** Its delivery id. */
  readonly id: string;
  readonly isRun: boolean;
  /** In ms since the epoch: when it was first sent. */
  readonly at: number;
  /** Of the request that was acknowledged, in ms. */
  readonly tookMs: number;
  readonly requests: number;
}

export interface SenderOptions {
  readonly port: number;
  readonly perSecond: number;
  /** One event in so many starts a run. */
  readonly runEvery: number;
}

const againMs = 200;

/** Sends at its rate however long the answers take; what is not acknowledged is sent again. */
export class Sender {
  readonly sent: Sent[] = [];
  readonly problems: string[] = [];
  readonly #options: SenderOptions;
  readonly #open = new Set<Promise<void>>();

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Resolves once everything that was sent until then is acknowledged. */
  async sendUntil(endMs: number): Promise<void> {
    const { perSecond } = this.#options;
    const startMs = performance.now();
    for (let number = 0; performance.now() < endMs; number += 1) {
      await pause(Math.max(0, startMs + (number * 1000) / perSecond - performance.now()));
      const sending: Promise<void> = this.#send(number).finally(() => this.#open.delete(sending));
      this.#open.add(sending);
    }
    await Promise.all(this.#open);
  }

  async #send(number: number): Promise<void> {
    const { port, runEvery } = this.#options;
    const [id, isRun, at] = [`event-${number}`, number % runEvery === 0, now()];
    for (let requests = 1; ; requests += 1) {
      const startMs = performance.now();
      const status = await deliver(port, "hook", id, { run: isRun });
      if (status === 202 || status === 200) {
        this.sent.push({ id, isRun, at, requests, tookMs: performance.now() - startMs });
        return;
      }
      if (status !== 0 && status !== 503) {
        this.problems.push(`${id} was answered with ${status}`);
        return;
      }
      await pause(againMs);
    }
  }
}

const now = (): number => performance.timeOrigin + performance.now();

/** How a client reads: all at once, a few bytes a second, or nothing. */
export type Pace = "fast" | "slow" | "asleep";

const slowBytes = 1024;
const slowEveryMs = 500;
/** Longer than the daemon waits for one that takes nothing. */
const lifeMs = 40_000;

/** A client of `GET /v1/events`. It comes back when its connection has ended, as a browser does. */
export class Watcher {
  bytes = 0;
  connections = 0;
  readonly #port: number;
  readonly #pace: Pace;
  #socket: Socket | null = null;
  #isOver = false;

  constructor(url: string, pace: Pace) {
    this.#port = Number(new URL(url).port);
    this.#pace = pace;
    void this.#follow();
  }

  close(): void {
    this.#isOver = true;
    this.#socket?.destroy();
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      try {
        await this.#connection();
      } catch (error) {
        ignore(error, "the daemon dropped it; it comes back");
      }
      await pause(1000, undefined, { ref: false });
    }
  }

  async #connection(): Promise<void> {
    this.connections += 1;
    const socket = connect(this.#port, "127.0.0.1");
    this.#socket = socket;
    const ended = Promise.withResolvers<void>();
    socket.on("error", ended.resolve).on("close", () => ended.resolve());
    socket.write(`GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${soakToken}\r\n\r\n`);
    if (this.#pace === "fast") socket.on("data", (chunk) => (this.bytes += chunk.length));
    if (this.#pace === "slow") {
      const read = (): void => void (this.bytes += (socket.read(slowBytes) as Buffer | null)?.length ?? 0);
      const timer = setInterval(read, slowEveryMs);
      void ended.promise.then(() => clearInterval(timer));
    }
    // One that reads little does not notice that it was dropped.
    const over = setTimeout(ended.resolve, lifeMs);
    if (this.#pace === "fast") clearTimeout(over);
    await ended.promise;
    clearTimeout(over);
    socket.destroy();
  }
}
