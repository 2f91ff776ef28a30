/** What tests of sources give them: a host in memory, and a log that keeps its lines. */
import type { Log } from "@agentcore/contract";
import type { Acceptance, SourceChange, SourceEvent, SourceHost } from "../source.ts";
import type { Json } from "../trigger-event.ts";

export class TestHost implements SourceHost {
  readonly events: SourceEvent[] = [];
  readonly states = new Map<string, Json>();
  /** Set: every call rejects with it. */
  failure: Error | null = null;
  /** Awaited before each commit. */
  beforeCommit: () => Promise<void> = () => Promise.resolve();
  readonly #keys = new Set<string>();

  async accept(event: SourceEvent): Promise<Acceptance> {
    const [acceptance = "accepted"] = await this.acceptAll([event]);
    return acceptance;
  }

  async acceptAll(events: readonly SourceEvent[]): Promise<readonly Acceptance[]> {
    await this.beforeCommit();
    if (this.failure !== null) throw this.failure;
    return events.map((event) => {
      const key = JSON.stringify([event.source, event.key]);
      if (event.key !== null && this.#keys.has(key)) return "duplicate";
      this.#keys.add(key);
      this.events.push(event);
      return "accepted";
    });
  }

  async acceptWithState({ source, state, events }: SourceChange): Promise<readonly Acceptance[]> {
    const acceptances = await this.acceptAll(events);
    this.states.set(source, state);
    return acceptances;
  }

  stateOf(source: string): Json | undefined {
    return this.states.get(source);
  }
}

export interface LogLine {
  readonly level: keyof Log;
  readonly message: string;
  readonly [field: string]: unknown;
}

export function recordedLog(): { readonly log: Log; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const writer =
    (level: keyof Log) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      lines.push({ ...fields, level, message });
    };
  const log = {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
  };
  return { log, lines };
}
