/** Tells of what needs a person: in the log, and to everybody who listens. */
import { type Escalation, type Log, omitUndefined } from "@agentcore/contract";

export class Escalations {
  readonly #log: Log;
  readonly #listeners = new Set<(escalation: Escalation) => void>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Returns a function that unsubscribes. */
  listen(listener: (escalation: Escalation) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(escalation: Escalation): void {
    const { jobId: job, attempt } = escalation.evidence;
    this.#log.warn({ ...omitUndefined({ job, attempt }), escalation }, escalation.message);
    for (const listener of this.#listeners) {
      try {
        listener(escalation);
      } catch (error) {
        this.#log.error({ error }, "a listener of escalations failed");
      }
    }
  }

  close(): void {
    this.#listeners.clear();
  }
}
