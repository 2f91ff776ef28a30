/** A queue that several hosts share. Each of its functions runs in a process of its own. */
import type { OpenQueue } from "../queue/contender.ts";

export interface ScaleContender {
  readonly name: string;
  readonly server: ServerName;
  /** What the server does before it acknowledges. */
  readonly durability: string;
  /** Those with the same name share a queue that is filled once. */
  readonly place: string;
  /** What its takeover is measured with. Null: not measured. */
  readonly lease: string | null;
  /** One host. */
  open(at: Place, host: string): Promise<OpenQueue>;
}

export type ServerName = "postgres" | "redis always" | "redis everysec";

/** Where the queue is: an empty database of PostgreSQL, or a name of a queue in Redis. */
export interface Place {
  /** A URL of PostgreSQL, or the path of the socket of Redis. */
  readonly server: string;
  readonly queue: string;
}

/** The lease of all that let one set it, in seconds. */
export const leaseSeconds = 10;
