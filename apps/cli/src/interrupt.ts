/**
 * Ctrl-C: the first asks for a clean cancel, the second for an immediate one, the third ends this process at once (the
 * containers die with it, or are swept at the next start). SIGTERM and SIGHUP count as the first, and as the second if
 * they come again.
 */
export interface Interruption {
  /** Signals from now on act as they do without this. */
  release(): void;
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export function onInterrupt(act: (count: 1 | 2, signal: NodeJS.Signals) => void): Interruption {
  let count = 0;
  const listener = (signal: NodeJS.Signals): void => {
    count += 1;
    if (count > 2) process.exit(130);
    act(count === 1 ? 1 : 2, signal);
  };
  for (const signal of signals) process.on(signal, listener);
  return {
    release: () => {
      for (const signal of signals) process.off(signal, listener);
    },
  };
}
