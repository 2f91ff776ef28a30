/**
 * The request to end something early, the same from the command line to the box. It has two sides, as an `AbortController`
 * has: what may cancel holds a {@link Cancellation}, and what must end holds the same object as a {@link CancelSignal}. Unlike
 * an abort, it can be repeated: a later request with `force` makes an earlier one harder, never the reverse.
 */

export interface CancelRequest<Reason> {
  readonly reason: Reason;
  /** Skip the grace period: KILL at once (a second Ctrl-C). Default false. */
  readonly force?: boolean | undefined;
}

export interface CancelSignal<Reason = unknown> {
  /** Of the first request, which is the one that counts; null before. */
  readonly reason: Reason | null;
  readonly force: boolean;
  /** For what takes no other signal. Aborts with the first request and its reason; it cannot tell of `force`. */
  readonly abortSignal: AbortSignal;
  /**
   * Calls the listener at the first request and when `force` is added to it, each with the first reason; immediately where
   * there is a request already. The listener must not throw. Returns a function that removes it.
   */
  onChange(listener: (request: Required<CancelRequest<Reason>>) => void): () => void;
}

export class Cancellation<Reason = unknown> implements CancelSignal<Reason> {
  readonly #listeners = new Set<(request: Required<CancelRequest<Reason>>) => void>();
  #request: Required<CancelRequest<Reason>> | null = null;
  #controller: AbortController | null = null;

  get reason(): Reason | null {
    return this.#request === null ? null : this.#request.reason;
  }

  get force(): boolean {
    return this.#request?.force === true;
  }

  get abortSignal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#request !== null) this.#controller.abort(this.#request.reason);
    return this.#controller.signal;
  }

  /** Does nothing where it asks for no more than what was asked for before. */
  cancel({ reason, force = false }: CancelRequest<Reason>): void {
    const before = this.#request;
    if (before !== null && (before.force || !force)) return;
    this.#request = { reason: before === null ? reason : before.reason, force };
    const listeners = [...this.#listeners];
    for (const listener of listeners) listener(this.#request);
    this.#controller?.abort(this.#request.reason);
  }

  onChange(listener: (request: Required<CancelRequest<Reason>>) => void): () => void {
    this.#listeners.add(listener);
    if (this.#request !== null) listener(this.#request);
    return () => void this.#listeners.delete(listener);
  }
}
