/** Counts the requests and responses of an attempt that are on the wire, and reports them a few times a second at most. */
import type { Clock, WireActivity } from "@agentcore/contract";

const reportEveryMs = 250;

/** Lets an action happen at most every 250 ms. */
export class Throttle {
  readonly #clock: Pick<Clock, "monotonicMs">;
  #lastMs = -Infinity;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  isDue(): boolean {
    const now = this.#clock.monotonicMs();
    if (now - this.#lastMs < reportEveryMs) return false;
    this.#lastMs = now;
    return true;
  }
}

export interface WireEntry {
  /** The first byte of the response has come. */
  answered(): void;
  received(bytes: number): void;
  ended(): void;
}

export class WireCounter {
  readonly #listener: (activity: WireActivity) => void;
  readonly #identicalCalls: () => number;
  readonly #throttle: Throttle;
  #waiting = 0;
  #streaming = 0;
  #bytes = 0;

  constructor(
    clock: Pick<Clock, "monotonicMs">,
    identicalCalls: () => number,
    listener: (activity: WireActivity) => void,
  ) {
    this.#identicalCalls = identicalCalls;
    this.#listener = listener;
    this.#throttle = new Throttle(clock);
  }

  begin(): WireEntry {
    let phase: "waiting" | "streaming" | "ended" = "waiting";
    this.#waiting += 1;
    this.report();
    const move = (to: typeof phase): void => {
      if (phase === to || phase === "ended") return;
      if (phase === "waiting") this.#waiting -= 1;
      else this.#streaming -= 1;
      if (to === "streaming") this.#streaming += 1;
      phase = to;
      this.report();
    };
    return {
      answered: () => move("streaming"),
      received: (bytes) => {
        this.#bytes += bytes;
        if (this.#throttle.isDue()) this.report();
      },
      ended: () => move("ended"),
    };
  }

  report(): void {
    this.#listener({
      waiting: this.#waiting,
      streaming: this.#streaming,
      bytes: this.#bytes,
      identicalCalls: this.#identicalCalls(),
    });
  }
}
