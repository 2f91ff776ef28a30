/**
 * The bytes of a response that are not passed on yet. An event is passed on whole, so that a stream can be ended between two;
 * and of a response that is no stream, the last part is held back until the call is settled.
 */
import type { Exchange } from "./exchange.ts";
import type { UpstreamResponse } from "./forward.ts";
import { returnedHeaders } from "./headers.ts";

/** The part of an event that is held back. One that is longer is passed on as it comes; it then cannot be taken back. */
const openBytesMax = 256 * 1024;

export class HeldBytes {
  readonly #exchange: Exchange;
  readonly #response: UpstreamResponse;
  readonly #isStream: boolean;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(exchange: Exchange, response: UpstreamResponse, isStream: boolean) {
    this.#exchange = exchange;
    this.#response = response;
    this.#isStream = isStream;
    // Any other response can still be replaced by an error.
    if (isStream) this.#start();
    // The worker of a stream sees at once that it is answered. Mostly the first event has come with the headers.
    if (isStream && response.body.readableLength === 0) exchange.flush();
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** Passes on all but the last `openBytes`. */
  async release(openBytes: number, isSettled: boolean): Promise<void> {
    const last = this.#chunks.at(-1)?.length ?? 0;
    const open = openBytes > openBytesMax ? 0 : openBytes;
    const kept = this.#isStream || isSettled ? open : Math.max(open, last);
    this.#exchange.isOpenEnded = kept < openBytes;
    let sendable = this.#bytes - kept;
    if (isSettled || sendable > 0) this.#start();
    while (sendable > 0) {
      const chunk = this.#chunks.shift() as Buffer;
      if (chunk.length > sendable) this.#chunks.unshift(chunk.subarray(sendable));
      const sent = chunk.subarray(0, sendable);
      sendable -= sent.length;
      this.#bytes -= sent.length;
      await this.#exchange.write(sent);
    }
    this.#exchange.flush();
  }

  #start(): void {
    if (this.#exchange.hasStarted) return;
    const { status, headers, isBodyUnchanged, credential } = this.#response;
    this.#exchange.start(
      status,
      returnedHeaders(headers, {
        // A stream can be cut, and an unknown encoding is passed on with its name.
        keepsLength: isBodyUnchanged && !this.#isStream,
        keepsEncoding: isBodyUnchanged,
        credential,
      }),
    );
  }
}
