/**
 * Shares one stream among the tabs of a browser. It is open while at least one tab watches; a tab that is hidden gets nothing, and
 * reads again once it is visible.
 */
import type { EventTopic } from "@agentcore/contract";
import { followStream } from "./event-stream.ts";
import type { FromWorker, StreamEvent, StreamState, TabState } from "./messages.ts";

export interface TabPort {
  postMessage(message: FromWorker): void;
}

const quietTopics: readonly EventTopic[] = ["jobs", "workflows", "triggers", "daemon"];
/** More than these in a group are not worth their cost: the tabs read again. */
const groupMax = 500;

export interface StreamHubOptions {
  /** Events are passed on in groups, at most one in this time. Default 250 ms. */
  readonly groupMs?: number;
  /** So long the stream stays open when no tab watches: most changes from tab to tab take less. Default 5 s. */
  readonly lingerMs?: number;
}

interface OpenStream {
  readonly token: string;
  readonly hasOutput: boolean;
  readonly abort: AbortController;
}

export class StreamHub {
  readonly #groupMs: number;
  readonly #lingerMs: number;
  readonly #tabs = new Map<TabPort, TabState>();
  #stream: OpenStream | null = null;
  #state: StreamState = "off";
  #lastEventId: string | null = null;
  #group: StreamEvent[] = [];
  #isGroupTooLarge = false;
  #groupTimer: ReturnType<typeof setTimeout> | null = null;
  #lingerTimer: ReturnType<typeof setTimeout> | null = null;

  constructor({ groupMs = 250, lingerMs = 5000 }: StreamHubOptions = {}) {
    this.#groupMs = groupMs;
    this.#lingerMs = lingerMs;
  }

  update(port: TabPort, state: TabState): void {
    const isNew = !this.#tabs.has(port);
    this.#tabs.set(port, state);
    if (isNew) port.postMessage({ kind: "state", state: this.#state });
    this.#adjust();
  }

  remove(port: TabPort): void {
    if (this.#tabs.delete(port)) this.#adjust();
  }

  #adjust(): void {
    const watching = [...this.#tabs.values()].filter(({ isWatching }) => isWatching);
    const token = watching.find(({ token }) => token !== null)?.token ?? null;
    if (token === null) {
      const isSignedOut = [...this.#tabs.values()].every((tab) => tab.token === null);
      if (isSignedOut) this.#close();
      else this.#lingerTimer ??= setTimeout(() => this.#close(), this.#lingerMs);
      return;
    }
    if (this.#lingerTimer !== null) clearTimeout(this.#lingerTimer);
    this.#lingerTimer = null;
    const hasOutput = watching.some(({ wantsOutput }) => wantsOutput);
    const open = this.#stream;
    if (open !== null && open.token === token && open.hasOutput === hasOutput) return;
    if (open !== null && open.token !== token) this.#lastEventId = null;
    open?.abort.abort();
    this.#open(token, hasOutput);
  }

  #open(token: string, hasOutput: boolean): void {
    const abort = new AbortController();
    const stream = { token, hasOutput, abort };
    this.#stream = stream;
    const ifCurrent =
      <Args extends readonly unknown[]>(act: (...args: Args) => void) =>
      (...args: Args): void => {
        if (this.#stream === stream) act(...args);
      };
    const topics = hasOutput ? [...quietTopics, "output" as const] : quietTopics;
    void followStream(
      {
        token,
        topics,
        lastEventId: this.#lastEventId,
        onEvent: ifCurrent((event, id) => this.#onEvent(event, id)),
        onResync: ifCurrent((id) => this.#onResync(id)),
        onState: ifCurrent((state) => this.#setState(state)),
      },
      abort.signal,
    );
  }

  #close(): void {
    this.#lingerTimer = null;
    this.#stream?.abort.abort();
    this.#stream = null;
    this.#setState("off");
  }

  #onEvent(event: StreamEvent, id: string): void {
    this.#lastEventId = id;
    if (this.#group.length >= groupMax) this.#isGroupTooLarge = true;
    else this.#group.push(event);
    this.#schedule();
  }

  #onResync(id: string): void {
    this.#lastEventId = id;
    this.#isGroupTooLarge = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#groupTimer === null) this.#groupTimer = setTimeout(() => this.#passOn(), this.#groupMs);
  }

  #passOn(): void {
    const message: FromWorker = this.#isGroupTooLarge
      ? { kind: "resync" }
      : { kind: "events", events: this.#group };
    this.#group = [];
    this.#isGroupTooLarge = false;
    this.#groupTimer = null;
    for (const [port, { isWatching }] of this.#tabs) if (isWatching) port.postMessage(message);
  }

  #setState(state: StreamState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const port of this.#tabs.keys()) port.postMessage({ kind: "state", state });
  }
}
