/** The port for what brings events: a clock, a file watcher, an HTTP server, a command. */
import type { ChainLink, Json } from "./trigger-event.ts";

/** An event as a source gives it. */
export interface SourceEvent {
  /** Id of the source. */
  readonly source: string;
  readonly key: string | null;
  readonly payload: Json;
  readonly chain: readonly ChainLink[];
}

export interface SourceHost {
  /** Resolves once the event is durable. Rejects if it could not be kept: then its sender has to know. */
  accept(event: SourceEvent): Promise<"accepted" | "duplicate">;
}

export interface Source {
  /** Resolves once events are taken. Rejects with an `AgentCoreError` that names the place and the cure. */
  start(): Promise<void>;
  /** Takes no more events; resolves once those in hand are answered. Idempotent. */
  close(): Promise<void>;
}
