/**
 * The position in one script, and what was asked of it. A run is identified by the key its client sends, so one
 * server can serve many runs at once. Requests are bounded: after `maxRequests` every further one is refused with 400,
 * which no client retries for long, so that a client in an endless loop comes to an end.
 */
import type { ModelRequest } from "./request.ts";
import type { Repeat, Script, Turn } from "./script.ts";

/** A recorded request with the turn that answered it: a number from 0, or why no turn did. */
export interface RecordedRequest extends ModelRequest {
  readonly answeredBy: number | "title" | "script-ended";
}

/** What to answer a request with. */
export type Answer =
  | { readonly type: "turn"; readonly turn: Turn }
  | { readonly type: "title" }
  | { readonly type: "refused"; readonly message: string };

export interface Run {
  readonly key: string;
  /** Every request of the run in the order of arrival, at most `maxRequests`. */
  readonly requests: readonly RecordedRequest[];
  /** How many requests were refused because the limit was reached. */
  readonly refused: number;
  /** Settles when the script has been asked `count` times: then the client is waiting for, or reading, that answer. */
  asked(count: number): Promise<void>;
}

/** The number of the turn that answers request `index` of a list, or undefined after its end. */
export function turnNumber(repeats: readonly (Repeat | undefined)[], index: number): number | undefined {
  let answered = 0;
  for (const [number, repeat] of repeats.entries()) {
    if (repeat === "forever") return number;
    answered += repeat ?? 1;
    if (index < answered) return number;
  }
  return undefined;
}

/**
 * OpenCode asks for a title of each new session in a call of its own: without tools, and with a system text that
 * tells the model it generates titles. Such a call is answered beside the script.
 */
export function isTitleCall(request: ModelRequest): boolean {
  return request.tools.length === 0 && /title generator/i.test(request.system);
}

export class ScriptedRun implements Run {
  readonly key: string;
  readonly requests: RecordedRequest[] = [];
  refused = 0;
  readonly #script: Script;
  readonly #maxRequests: number;
  #askedCount = 0;
  readonly #waiting: { count: number; resolve: () => void }[] = [];

  constructor(key: string, script: Script, maxRequests: number) {
    this.key = key;
    this.#script = script;
    this.#maxRequests = maxRequests;
  }

  asked(count: number): Promise<void> {
    if (this.#askedCount >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ count, resolve });
    });
  }

  /** Records the request, moves the script on, and says what to answer. */
  answer(request: ModelRequest): Answer {
    if (this.requests.length >= this.#maxRequests) {
      this.refused += 1;
      return { type: "refused", message: `more than ${this.#maxRequests} requests in one run` };
    }
    if (isTitleCall(request)) {
      this.requests.push({ ...request, answeredBy: "title" });
      return { type: "title" };
    }
    const index = this.#askedCount;
    this.#askedCount += 1;
    for (const waiter of this.#waiting) if (waiter.count <= this.#askedCount) waiter.resolve();
    const chosen = this.#choose(request, index);
    this.requests.push({ ...request, answeredBy: chosen?.number ?? "script-ended" });
    if (chosen === undefined)
      return { type: "refused", message: `the script has no turn for request ${index + 1}` };
    return { type: "turn", turn: chosen.turn };
  }

  #choose(request: ModelRequest, index: number): { number: number; turn: Turn } | undefined {
    if (typeof this.#script === "function") return { number: index, turn: this.#script(request, index) };
    const number = turnNumber(
      this.#script.map((turn) => turn.repeat),
      index,
    );
    const turn = number === undefined ? undefined : this.#script[number];
    return number === undefined || turn === undefined ? undefined : { number, turn };
  }
}
