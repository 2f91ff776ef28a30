/** Runs the cases of a vitest configuration with the matrix's own reporter, and says how many passed and failed. */
import { startVitest } from "vitest/node";
import { MatrixReporter, type Counts } from "./reporter.ts";

export interface MatrixOptions {
  /** Path of a vitest configuration file. */
  readonly config: string;
  /** A pattern over the cases' full names; undefined: all of them. */
  readonly pattern: string | undefined;
  readonly print: (line: string) => void;
}

/** The last line printed is `N passed, N failed`. */
export async function runMatrix({ config, pattern, print }: MatrixOptions): Promise<Counts> {
  const reporter = new MatrixReporter(print, pattern !== undefined);
  const vitest = await startVitest("test", [], {
    config,
    watch: false,
    reporters: [reporter],
    testNamePattern: pattern,
  });
  await vitest.close();
  const { counts } = reporter;
  if (counts.passed + counts.failed === 0)
    print(pattern === undefined ? "there is no case" : `no case matches "${pattern}"`);
  print(`${counts.passed} passed, ${counts.failed} failed`);
  return counts;
}
