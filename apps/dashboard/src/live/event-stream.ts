/** One stream of events, connected again whenever it breaks, from where it stopped. */
import { EventParser, type StreamMessage } from "@agentcore/client";
import type { EventTopic } from "@agentcore/contract";
import type { EventDocument, StreamEvent, StreamState } from "./messages.ts";

export interface EventStreamOptions {
  readonly token: string;
  readonly topics: readonly EventTopic[];
  /** Number of the last event that is known; null: begin now. */
  readonly lastEventId: string | null;
  readonly onEvent: (event: StreamEvent, id: string) => void;
  readonly onResync: (id: string) => void;
  readonly onState: (state: StreamState) => void;
}

const firstPauseMs = 250;
const pauseMsMax = 10_000;
/** The daemon sends at least a comment every 15 s. */
const silenceMsMax = 40_000;

/** Follows until `signal` aborts or the token is refused. */
export async function followStream(options: EventStreamOptions, signal: AbortSignal): Promise<void> {
  let last = options.lastEventId;
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    options.onState(pauseMs === firstPauseMs ? "connecting" : "lost");
    try {
      const status = await readOnce({ ...options, lastEventId: last }, signal, (id) => {
        last = id;
        pauseMs = firstPauseMs;
      });
      if (status === 401) {
        options.onState("unauthorized");
        return;
      }
    } catch {
      // The connection broke, or there was none. What follows is the same for both.
    }
    if (signal.aborted) return;
    options.onState("lost");
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, pauseMsMax);
  }
}

/** Resolves with the status once the stream is over. */
async function readOnce(
  { token, topics, lastEventId, onEvent, onResync, onState }: EventStreamOptions,
  signal: AbortSignal,
  onId: (id: string) => void,
): Promise<number> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silenceMsMax);
  const query = topics.map((topic) => `topic=${topic}`).join("&");
  try {
    const response = await fetch(`/v1/events?${query}`, {
      headers: {
        authorization: `Bearer ${token}`,
        ...(lastEventId === null ? {} : { "last-event-id": lastEventId }),
      },
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      return response.status;
    }
    const take = ({ id, event, data }: StreamMessage): void => {
      onId(id);
      if (event === "ready") onState("live");
      else if (event === "resync") {
        onState("live");
        onResync(id);
      } else onEvent({ topic: event as EventTopic, document: JSON.parse(data) as EventDocument }, id);
    };
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return response.status;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceMsMax);
      for (const message of parser.push(value)) take(message);
    }
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener("abort", over);
  });
}
