/** One request to a provider, and its response as a stream. It says when its first byte goes out, which `request` of undici does not. */
import { Readable } from "node:stream";
import { onAbort } from "@agentcore/contract";
import type { Dispatcher } from "undici";
import type { ResponseHeaders } from "./headers.ts";

export interface PlainResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Readable;
}

export interface UpstreamRequest extends Dispatcher.DispatchOptions {
  readonly signal: AbortSignal;
  /** Called when the first byte goes out. */
  readonly onSent: () => void;
}

/** Rejects with an error of the connection, or the reason of the signal. */
export function requestUpstream(
  dispatcher: Dispatcher,
  { signal, onSent, ...options }: UpstreamRequest,
): Promise<PlainResponse> {
  const handler = new ResponseHandler(signal, onSent);
  dispatcher.dispatch(options, handler);
  return handler.response;
}

class ResponseHandler implements Dispatcher.DispatchHandler {
  readonly #head = Promise.withResolvers<PlainResponse>();
  readonly #signal: AbortSignal;
  readonly #onSent: () => void;
  #controller: Dispatcher.DispatchController | null = null;
  #body: Readable | null = null;
  #ignoreSignal: () => void;

  constructor(signal: AbortSignal, onSent: () => void) {
    this.#signal = signal;
    this.#onSent = onSent;
    this.#ignoreSignal = onAbort(signal, () => this.#abort());
  }

  get response(): Promise<PlainResponse> {
    return this.#head.promise;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) return controller.abort(errorOf(this.#signal));
    this.#onSent();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    // 1xx: the response is yet to come.
    if (status < 200) return;
    this.#body = new Readable({
      read: () => controller.resume(),
      destroy: (error, done) => {
        this.#ignoreSignal();
        controller.abort(error ?? new Error("the response is not read to its end"));
        done(error);
      },
    });
    // Its reader sees the error all the same.
    this.#body.on("error", () => {});
    this.#head.resolve({ status, headers, body: this.#body });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#body?.push(chunk) === false) controller.pause();
  }

  onResponseEnd(): void {
    this.#ignoreSignal();
    this.#body?.push(null);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#ignoreSignal();
    this.#head.reject(error);
    this.#body?.destroy(error);
  }

  #abort(): void {
    const error = errorOf(this.#signal);
    this.#head.reject(error);
    this.#body?.destroy(error);
    this.#controller?.abort(error);
  }
}

function errorOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error("the request was aborted");
}
