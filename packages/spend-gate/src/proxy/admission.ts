/** The queue of an attempt's calls that wait for money that other calls hold: first come, first served. */
import { onAbort } from "@agentcore/contract";
import type { BeginDecision } from "../account/account.ts";

export class Admission {
  #last: Promise<unknown> = Promise.resolve();
  #room = Promise.withResolvers<void>();

  /** Room was made: the first that waits tries again. */
  readonly madeRoom = (): void => {
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  };

  /** Resolves with the decision, or with null if the signal aborts before there is one. */
  begin(
    decide: () => BeginDecision,
    signal: AbortSignal,
  ): Promise<Exclude<BeginDecision, { kind: "wait" }> | null> {
    const turn = this.#last.then(() => this.#tryUntilDecided(decide, signal));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #tryUntilDecided(decide: () => BeginDecision, signal: AbortSignal) {
    while (!signal.aborted) {
      const room = this.#room.promise;
      const decision = decide();
      if (decision.kind !== "wait") return decision;
      const aborted = Promise.withResolvers<void>();
      const ignore = onAbort(signal, aborted.resolve);
      await Promise.race([room, aborted.promise]);
      ignore();
    }
    return null;
  }
}
