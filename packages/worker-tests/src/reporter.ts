/**
 * Prints the matrix as it goes: one line per case with what it came to, the reason under a failed one, and nothing else.
 * Counts what passed and what did not; a case that never ran, or an error outside of any case, counts as failed.
 */
import { stripVTControlCharacters } from "node:util";
import type { Reporter, SerializedError, TestCase, TestModule } from "vitest/node";

/** What a case may leave in its `task.meta` for its line. */
interface CaseMeta {
  /** What it came to, in a few words. */
  readonly note?: string;
  /** What happened, printed only where it failed. */
  readonly story?: unknown;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

export class MatrixReporter implements Reporter {
  #passed = 0;
  #failed = 0;
  readonly #print: (line: string) => void;
  readonly #selective: boolean;

  /** `selective`: the run leaves out cases on purpose; then a skipped one is not counted. */
  constructor(print: (line: string) => void, selective: boolean) {
    this.#print = print;
    this.#selective = selective;
  }

  get counts(): Counts {
    return { passed: this.#passed, failed: this.#failed };
  }

  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    if (state === "skipped" && this.#selective) return;
    const passed = state === "passed";
    if (passed) this.#passed += 1;
    else this.#failed += 1;
    const { note, story } = test.meta() as CaseMeta;
    this.#print(`${passed ? "ok    " : "FAILED"} ${test.fullName.padEnd(56)} ${note ?? ""}`.trimEnd());
    for (const error of errors ?? []) this.#print(indent(describe(error)));
    if (!passed && story !== undefined) this.#print(indent(JSON.stringify(story, undefined, 1)));
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const outside = [...errors, ...modules.flatMap((module) => module.errors())];
    this.#failed += outside.length;
    for (const error of outside) this.#print(`FAILED outside of any case\n${indent(describe(error))}`);
  }
}

/** Without vitest's diff and colors: what a case deviates in is in the message already. */
function describe(error: { readonly message: string }): string {
  return stripVTControlCharacters(error.message);
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "         ");
}
