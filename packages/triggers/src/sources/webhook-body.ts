/** Reads the body of a request within bounds of size, time and memory of all bodies together. */
import type { IncomingMessage } from "node:http";
import type { Clock } from "@agentcore/contract";
import { payloadBytesMax } from "./payload-bounds.ts";
import { refusal, type Refusal } from "./webhook-request.ts";

export interface BodyLimits {
  /** From the end of the headers to the end of the body. */
  readonly bodyTimeoutMs: number;
  /** Of the bodies in hand of one server together. */
  readonly bytesInHandMax: number;
}

export type Body = { readonly bytes: Buffer } | { readonly refusal: Refusal } | "gone";

const tooLarge = refusal(413, "too_large", "The body is larger than 1 MiB.");

/** Bodies of one server that are being read, or belong to events that are being stored. */
export class BodyReader {
  readonly #limits: BodyLimits;
  readonly #clock: Pick<Clock, "setTimer">;
  #bytesInHand = 0;
  readonly #reading = new Set<(body: Body) => void>();

  constructor(limits: BodyLimits, clock: Pick<Clock, "setTimer">) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /**
   * Resolves with the body, with why it is refused, or with `gone` if the sender went away. A refused body is not read on. Its
   * bytes count as in hand until `release`.
   */
  read(request: IncomingMessage): Promise<Body> {
    if (Number(request.headers["content-length"] ?? 0) > payloadBytesMax)
      return Promise.resolve({ refusal: tooLarge });
    return new Promise((resolve) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      const finish = (body: Body): void => {
        timer.cancel();
        this.#reading.delete(finish);
        request.off("data", take).off("end", end).off("close", gone).off("error", gone);
        // Errors of a request that is already decided must not end the process.
        request.on("error", () => {});
        if (!(typeof body === "object" && "bytes" in body)) {
          parts.length = 0;
          this.#bytesInHand -= bytes;
        }
        resolve(body);
      };
      const take = (part: Buffer): void => {
        bytes += part.length;
        this.#bytesInHand += part.length;
        if (bytes > payloadBytesMax) finish({ refusal: tooLarge });
        else if (this.#bytesInHand > this.#limits.bytesInHandMax) finish({ refusal: busy });
        else parts.push(part);
      };
      const end = (): void => finish({ bytes: Buffer.concat(parts) });
      const gone = (): void => finish("gone");
      const timer = this.#clock.setTimer(this.#limits.bodyTimeoutMs, () => finish({ refusal: slow }));
      this.#reading.add(finish);
      request.on("data", take).on("end", end).on("close", gone).on("error", gone);
    });
  }

  release(body: Buffer): void {
    this.#bytesInHand -= body.length;
  }

  /** Refuses the bodies that have not arrived yet. */
  close(): void {
    for (const finish of this.#reading) finish({ refusal: closing });
  }
}

const slow = refusal(408, "slow_body", "The body did not arrive in time.");

/** With Retry-After, so that the sender tries again. */
export const busy: Refusal = {
  ...refusal(503, "busy", "Too many deliveries are being taken. Try again."),
  headers: { "Retry-After": "1" },
};

export const closing: Refusal = {
  ...refusal(503, "closing", "The daemon is shutting down. Try again."),
  headers: { "Retry-After": "5" },
};
