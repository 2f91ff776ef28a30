/** Listens to the signal of a caller. */

/** Calls `act` once, when the signal is aborted or at once if it is. Returns a function that ends this. */
export function onAbort(signal: AbortSignal | undefined, act: () => void): () => void {
  if (signal?.aborted === true) act();
  else signal?.addEventListener("abort", act, { once: true });
  return () => signal?.removeEventListener("abort", act);
}
