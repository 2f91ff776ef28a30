/** Counts what sources take and refuse, and writes each kind of refusal of a source into the log at most once a minute. */
import { loggable, type Clock, type Log } from "@agentcore/contract";
import type { SourceCount } from "../source.ts";

const quietMs = 60_000;

interface Entry {
  readonly source: string | null;
  readonly kind: string;
  count: number;
  /** Count at the last line of the log, and when that was on the monotonic clock. */
  logged: { readonly count: number; readonly atMs: number } | null;
}

export interface TallyOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Log;
}

export class SourceTally {
  readonly #options: TallyOptions;
  /** Bounded: sources are those of the file, and kinds are words of the code. */
  readonly #entries = new Map<string, Entry>();

  constructor(options: TallyOptions) {
    this.#options = options;
  }

  count(source: string | null, kind: string): void {
    this.#entry(source, kind).count += 1;
  }

  /**
   * Counts a refusal or failure. The log line has the message, the fields, and as `times` how often it happened since the line
   * before. Fields may come from a stranger: they are cut, and their control characters escaped.
   */
  refuse(
    source: string | null,
    kind: string,
    message: string,
    fields: Readonly<Record<string, string>> = {},
  ): void {
    const entry = this.#entry(source, kind);
    entry.count += 1;
    const atMs = this.#options.clock.monotonicMs();
    if (entry.logged !== null && atMs - entry.logged.atMs < quietMs) return;
    const times = entry.count - (entry.logged?.count ?? 0);
    entry.logged = { count: entry.count, atMs };
    const safe = Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, loggable(text)]));
    this.#options.log.warn({ ...safe, source, kind, times }, message);
  }

  counts(): readonly SourceCount[] {
    return [...this.#entries.values()].map(({ source, kind, count }) => ({ source, kind, count }));
  }

  #entry(source: string | null, kind: string): Entry {
    const key = JSON.stringify([source, kind]);
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry: Entry = { source, kind, count: 0, logged: null };
    this.#entries.set(key, entry);
    return entry;
  }
}
