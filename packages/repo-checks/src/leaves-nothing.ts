/**
 * Vitest's setup file of packages whose test files share a process: a file that leaves the process other than it found it
 * fails, because the next file would run under what was left.
 */
import { afterAll } from "vitest";

/** Everything of a process that a test can change for another, by name. */
export function processState(): ReadonlyMap<string, unknown> {
  const listeners = process.eventNames().map((name) => [String(name), process.listenerCount(name)] as const);
  return new Map<string, unknown>([
    ["the current directory", process.cwd()],
    ["the umask", process.umask()],
    ...Object.entries(process.env).map(([name, value]) => [`the variable ${name}`, value] as const),
    ...Object.getOwnPropertyNames(globalThis).map((name) => [`the global ${name}`, true] as const),
    ...listeners.map(([name, count]) => [`the listeners for ${name}`, count] as const),
  ]);
}

/** zod keeps its configuration in globals. What is to be removed at the end of the process waits for `exit`. */
const harmless = /^the global __zod|^the listeners for exit$/;

/** Names alone: values of the environment can be secret. */
export function changesOf(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => before.get(name) !== after.get(name) && !harmless.test(name),
  );
}

const before = processState();
// The hook of a setup file runs after those of the test file.
afterAll(() => {
  const changes = changesOf(before, processState());
  if (changes.length > 0) throw new TypeError(`this file leaves changed: ${changes.join(", ")}`);
});
