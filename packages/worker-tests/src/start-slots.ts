/**
 * Lets only so many workers start at the same time. Starting is what costs processor time (OpenCode: several seconds of
 * it); what follows is mostly waiting, of which many cases can do at once. First come, first served.
 */
export interface StartSlots {
  /** Settles when a slot is free and taken. Dispose of it once the worker has started; a second time does nothing. */
  take(): Promise<Disposable>;
}

export function startSlots(count: number): StartSlots {
  let free = count;
  const waiting: (() => void)[] = [];
  const giveBack = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  const slot = (): Disposable => {
    let held = true;
    return {
      [Symbol.dispose]() {
        if (held) giveBack();
        held = false;
      },
    };
  };
  return {
    async take() {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      return slot();
    },
  };
}
