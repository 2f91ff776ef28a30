/** What the processes of the benchmark of the spend gate tell each other. */

/** How the provider answers. */
export interface Script {
  /** Parts of the text, an event each. */
  readonly events: number;
  /** Between two events; 0: as fast as the connection takes them. */
  readonly gapMs: number;
  /** The stream begins, and goes on with the next script. */
  readonly isHeld: boolean;
}

/** Requests that the client sends. */
export interface Load {
  readonly url: string;
  /** Headers with the key; a request takes one after another. */
  readonly keys: readonly Readonly<Record<string, string>>[];
  readonly requests: number;
  /** Streams at once. */
  readonly streams: number;
  /** The streams begin at random moments of so many ms, so that their requests do not come in waves. */
  readonly spreadMs: number;
  /** Longest random pause before a request. */
  readonly pauseMs: number;
  readonly seed: number;
}

/** Times in ms. */
export interface Measured {
  readonly firstByte: readonly number[];
  /** From the provider's write to the client's read of each event. */
  readonly events: readonly number[];
  /** The same of the event that ends the message. */
  readonly ending: readonly number[];
  readonly elapsedMs: number;
}

export type ClientReport =
  | { readonly kind: "begun" }
  | { readonly kind: "done"; readonly measured: Measured }
  | { readonly kind: "failed"; readonly message: string };

/** A proxy listens. */
export interface Listening {
  readonly url: string;
  readonly keys: readonly Readonly<Record<string, string>>[];
}
