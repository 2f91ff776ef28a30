/** What tabs and the worker with the stream say to each other, and which events a view wants. */
import type { EventTopic, WorkerEvent } from "@agentcore/contract";

export interface LiveQuery {
  readonly topics: readonly EventTopic[];
  /** Only events about this job, run or trigger. */
  readonly job?: string | undefined;
  readonly run?: string | undefined;
  readonly trigger?: string | undefined;
  /** Of `output`, only worker events of these types. */
  readonly workerEvents?: readonly WorkerEvent["type"][] | undefined;
}

export type EventDocument = { readonly type: string } & Readonly<Record<string, unknown>>;

export interface StreamEvent {
  readonly topic: EventTopic;
  readonly document: EventDocument;
}

/** What a tab needs. It says so again when anything of it changes. */
export interface TabState {
  readonly token: string | null;
  /** A tab that is hidden or paused gets no events. */
  readonly isWatching: boolean;
  /** Whether it needs what workers say, of which there is much. */
  readonly wantsOutput: boolean;
  /** A lock that the tab holds as long as it lives; null: it does not hold it yet, or has none. */
  readonly lock: string | null;
}

export type StreamState =
  /** No tab watches, or nobody is signed in. */
  | "off"
  | "connecting"
  | "live"
  /** Connects again in a moment. */
  | "lost"
  | "unauthorized";

export type FromWorker =
  | { readonly kind: "state"; readonly state: StreamState }
  | { readonly kind: "events"; readonly events: readonly StreamEvent[] }
  /** Events were missed: read everything again. */
  | { readonly kind: "resync" };

/** Which field of an event's document names what it is about, by topic. */
const subjects: Readonly<
  Partial<Record<EventTopic, readonly [field: string, query: "job" | "run" | "trigger"]>>
> = {
  jobs: ["jobId", "job"],
  output: ["jobId", "job"],
  workflows: ["run", "run"],
  triggers: ["trigger", "trigger"],
};

export function wants(query: LiveQuery, { topic, document }: StreamEvent): boolean {
  if (!query.topics.includes(topic)) return false;
  if (topic === "output" && !isWanted(query, document["event"])) return false;
  const [field, name] = subjects[topic] ?? [];
  const subject = name === undefined ? undefined : query[name];
  return subject === undefined || field === undefined || document[field] === subject;
}

function isWanted({ workerEvents }: LiveQuery, event: unknown): boolean {
  return workerEvents?.some((type) => type === (event as { type?: unknown } | undefined)?.type) ?? true;
}
