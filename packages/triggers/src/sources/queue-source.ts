/** The source of `type: queue`: events that `agentcore emit`, the API or another program sends to a topic. */
import { AgentCoreError, type Ids } from "@agentcore/contract";
import { isChain } from "../chain.ts";
import type { EventSource } from "../definition.ts";
import type { Acceptance, Source, SourceCount, SourceEvent, SourceHost } from "../source.ts";
import type { ChainLink, Json } from "../trigger-event.ts";
import { jsonProblem, keyProblem, payloadBytesMax } from "./payload-bounds.ts";
import { SourceTally, type TallyOptions } from "./source-tally.ts";

/** Events that may be on their way to the store at once. */
const inHandMax = 1024;

export interface EmitRequest {
  readonly topic: string;
  /** Anything that JSON can hold: at most 1 MiB as JSON text, 64 levels and 100,000 values. */
  readonly payload: unknown;
  /**
   * A source takes no second event with the key. 1 to 200 characters without control characters. Default: null, every event is
   * taken.
   */
  readonly key?: string | null;
  /** Runs that led to the event, the oldest first; at most 32. Default: none. */
  readonly chain?: readonly ChainLink[];
}

export interface Emission {
  /** Id of the source. */
  readonly source: string;
  readonly acceptance: Acceptance;
  /** Id of the event; null if it was a duplicate. */
  readonly event: string | null;
}

/**
 * The events of a request: one for each source that listens to the topic. Pure; for processes that write into the store of a
 * daemon, too. Throws `AC_TOPIC_UNKNOWN` and `AC_EVENT_INVALID`.
 */
export function queueEvents(
  sources: ReadonlyMap<string, EventSource>,
  { topic, payload, key = null, chain = [] }: EmitRequest,
): readonly SourceEvent[] {
  const listening = [...sources].filter(([, source]) => source.type === "queue" && source.topic === topic);
  if (listening.length === 0) throw unknownTopic(sources, topic);
  const problem = eventProblem(payload, key, chain);
  if (problem !== null)
    throw new AgentCoreError("AC_EVENT_INVALID", `The event for topic ${JSON.stringify(topic)} ${problem}.`);
  return listening.map(([source]) => ({ source, key, payload: payload as Json, chain }));
}

/** All topics of a daemon. */
export class QueueTopics implements Source {
  readonly #sources: ReadonlyMap<string, EventSource>;
  readonly #host: SourceHost;
  readonly #ids: Ids;
  readonly #tally: SourceTally;
  readonly #inHand = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor({
    sources,
    host,
    ids,
    ...tally
  }: {
    /** By id. Those of other types are left out. */
    readonly sources: ReadonlyMap<string, EventSource>;
    readonly host: SourceHost;
    readonly ids: Ids;
  } & TallyOptions) {
    this.#sources = sources;
    this.#host = host;
    this.#ids = ids;
    this.#tally = new SourceTally(tally);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#inHand);
  }

  counts(): readonly SourceCount[] {
    return this.#tally.counts();
  }

  /**
   * Resolves once the events are durable, all in one commit, with one answer for each source of the topic. Rejects with
   * `AC_TOPIC_UNKNOWN`, `AC_EVENT_INVALID`, `AC_EVENTS_BUSY` (1024 calls are not answered yet), `AC_DRAINING` after `close`, and
   * with errors of the store.
   */
  async emit(request: EmitRequest): Promise<readonly Emission[]> {
    if (this.#isClosed)
      throw this.#refused(
        new AgentCoreError("AC_DRAINING", "The daemon is shutting down and takes no events."),
      );
    if (this.#inHand.size >= inHandMax)
      throw this.#refused(
        new AgentCoreError("AC_EVENTS_BUSY", `${inHandMax} events are being stored already.`),
      );
    const events = this.#checked(request).map((event) => ({ ...event, id: this.#ids.next() }));
    const kept = this.#host.acceptAll(events);
    this.#inHand.add(kept);
    try {
      const acceptances = await kept;
      return events.map(({ source, id }, index) => {
        const acceptance = acceptances[index] ?? "accepted";
        this.#tally.count(source, acceptance);
        return { source, acceptance, event: acceptance === "accepted" ? id : null };
      });
    } catch (error) {
      this.#tally.refuse(events[0]?.source ?? null, "not_kept", "An emitted event could not be stored.");
      throw error;
    } finally {
      this.#inHand.delete(kept);
    }
  }

  #checked(request: EmitRequest): readonly SourceEvent[] {
    try {
      return queueEvents(this.#sources, request);
    } catch (error) {
      throw error instanceof AgentCoreError ? this.#refused(error, request.topic) : error;
    }
  }

  #refused(error: AgentCoreError, topic = ""): AgentCoreError {
    this.#tally.refuse(null, error.code, "An emitted event was refused.", { topic, reason: error.message });
    return error;
  }
}

function eventProblem(payload: unknown, key: string | null, chain: unknown): string | null {
  const problem = jsonProblem(payload);
  if (problem !== null) return problem;
  if (Buffer.byteLength(JSON.stringify(payload)) > payloadBytesMax) return "is larger than 1 MiB";
  const ofKey = key === null ? null : keyProblem(key);
  if (ofKey !== null) return `has a key that ${ofKey}`;
  return isChain(chain) ? null : "has a chain that is not valid";
}

function unknownTopic(sources: ReadonlyMap<string, EventSource>, topic: string): AgentCoreError {
  const topics = [...sources.values()].flatMap((source) =>
    source.type === "queue" ? [JSON.stringify(source.topic)] : [],
  );
  const known =
    topics.length === 0 ? "The daemon file has no topics" : `Topics: ${[...new Set(topics)].join(", ")}`;
  return new AgentCoreError(
    "AC_TOPIC_UNKNOWN",
    `No event listens to topic ${JSON.stringify(topic.slice(0, 200))}. ${known}.`,
  );
}
