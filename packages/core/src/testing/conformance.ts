/** Cases of a conformance suite, which any test runner can run. */

export interface ConformanceCase {
  readonly name: string;
  /** Rejects with an `AssertionError` if the implementation differs. */
  readonly run: () => Promise<void>;
}

/** Each check gets an implementation of its own, which is closed afterwards. */
export function conformanceCases<T extends { close(): Promise<void> }, C>(
  open: () => Promise<T>,
  checks: Readonly<Record<string, C>>,
  apply: (check: C, opened: T) => Promise<void>,
): readonly ConformanceCase[] {
  return Object.entries(checks).map(([name, check]) => ({
    name,
    run: async () => {
      const opened = await open();
      try {
        await apply(check, opened);
      } finally {
        await opened.close();
      }
    },
  }));
}
