/** Resolves after the time, or once the signal is aborted. */
export function pause(pauseMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, pauseMs);
    signal?.addEventListener("abort", over);
    if (signal?.aborted === true) over();
  });
}
