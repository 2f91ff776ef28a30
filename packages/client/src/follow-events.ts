/** Server-sent events as an async iterator that connects again where it stopped. */
import { AgentCoreError, isAgentCoreError, sleep, systemClock, type EventTopic } from "@agentcore/contract";
import { EventParser, type StreamMessage } from "./event-parser.ts";

/** What a stream gives: a document of a topic, or that events were missed. */
export type FollowedEvent =
  | {
      readonly kind: "event";
      readonly id: number;
      readonly topic: EventTopic;
      readonly document: EventDocument;
    }
  /** Events were missed: read again what you show. */
  | { readonly kind: "resync"; readonly id: number };

export type EventDocument = { readonly v: 1; readonly type: string } & Readonly<Record<string, unknown>>;

export interface FollowOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
  /** Number of the last event that is known. Default: begin now. */
  readonly lastEventId?: number;
  /** Longest pause before it connects again, in ms. The first is a tenth of a second, and each doubles. Default 10 s. */
  readonly pauseMsMax?: number;
}

/** Resolves with the stream. Rejects with `AC_API_UNREACHABLE`, or with what the daemon answered. */
export type Connect = (lastEventId: number | null, signal: AbortSignal) => Promise<Response>;

const firstPauseMs = 100;
const messageCharactersMax = 1024 * 1024;

/** Throws what the daemon answers, unless the same request may succeed later. */
export async function* followEvents(
  connect: Connect,
  { signal, lastEventId, pauseMsMax = 10_000 }: FollowOptions,
): AsyncGenerator<FollowedEvent, void, void> {
  const ended = new AbortController();
  const either = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
  let last = lastEventId ?? null;
  let pauseMs = firstPauseMs;
  try {
    while (!either.aborted) {
      try {
        const response = await connect(last, either);
        for await (const message of messagesOf(response, either)) {
          pauseMs = firstPauseMs;
          last = Number(message.id);
          const event = eventOf(message, last);
          if (event !== null) yield event;
        }
      } catch (error) {
        if (either.aborted) return;
        if (isAgentCoreError(error) && !mayRepeat.has(error.code)) throw error;
      }
      await sleep(systemClock, pauseMs, either);
      pauseMs = Math.min(pauseMs * 2, pauseMsMax);
    }
  } finally {
    ended.abort();
  }
}

/** The same request may be answered later. */
export const mayRepeat: ReadonlySet<string> = new Set([
  "AC_API_UNREACHABLE",
  "AC_API_BUSY",
  "AC_API_TIMEOUT",
]);

function eventOf({ event, data }: StreamMessage, id: number): FollowedEvent | null {
  if (event === "ready") return null;
  if (event === "resync") return { kind: "resync", id };
  return { kind: "event", id, topic: event as EventTopic, document: JSON.parse(data) as EventDocument };
}

async function* messagesOf(response: Response, signal: AbortSignal): AsyncGenerator<StreamMessage> {
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const stop = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  const parser = new EventParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(value);
      if (parser.pending > messageCharactersMax) {
        throw new AgentCoreError("AC_INTERNAL", "an event of the daemon is too long");
      }
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}
