/**
 * A temporary directory for the tests of one run, removed at its end: vitest's global setup. What the tests' own helpers leave
 * on purpose is known here by name; anything else was forgotten by a test, or is a leak of the product, and fails the run.
 */
import { chmodSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const known = [
  // Removed by their processes at their end, which the workers of a test run do not live to see.
  /^agentcore-testing-\d+$/,
  // Shared by the tests of a run; the last one is Node's own.
  /^agentcore-test-program$/,
  /^agentcore-conformance-cache-/,
  /^node-compile-cache$/,
];

/** Those of the names that nobody has said would be there. */
export function forgottenIn(names: readonly string[]): readonly string[] {
  return names.filter((name) => !known.some((pattern) => pattern.test(name))).toSorted();
}

const contentsMax = 5;

/** The first paths in it, which tell whose it was: ` (state/state.db, jobs)`. */
export function contentsOf(path: string): string {
  if (!statSync(path).isDirectory()) return "";
  const names = readdirSync(path, { recursive: true, encoding: "utf8" }).toSorted();
  const more = names.length > contentsMax ? [`${names.length - contentsMax} more`] : [];
  return ` (${[...names.slice(0, contentsMax), ...more].join(", ")})`;
}

/** The processes of the tests inherit `TMPDIR`. Answers what removes the directory and looks at what is in it first. */
export default function useTestDirectory(): () => void {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), "agentcore-tests-"));
  // Some tests run programs as another user.
  chmodSync(directory, 0o755);
  process.env["TMPDIR"] = directory;
  process.stderr.write(
    `Deadlines of the tests: ${process.env["TEST_PATIENCE"]} times those for an idle machine\n`,
  );
  return () => {
    const forgotten = forgottenIn(readdirSync(directory)).map(
      (name) => `${name}${contentsOf(join(directory, name))}`,
    );
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    if (forgotten.length === 0) return;
    process.exitCode = 1;
    process.stderr.write(`The tests left these in their temporary directory:\n  ${forgotten.join("\n  ")}\n`);
  };
}
