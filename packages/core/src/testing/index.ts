/** Conformance suites and deterministic ports for tests of what is built on `@agentcore/core`. */
export * from "./call-journal-conformance.ts";
export type { ConformanceCase } from "./conformance.ts";
export * from "./ledger-conformance.ts";
export * from "./manual-clock.ts";
export * from "./fake-spend-gate.ts";
export * from "./fake-worker.ts";
export * from "./read-spend-check.ts";
export * from "./replay-watch.ts";
export * from "./requests.ts";
export * from "./runtime-conformance.ts";
export * from "./obedient-runner.ts";
