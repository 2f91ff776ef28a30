/** Conformance suites and deterministic ports for tests of what is built on `@agentcore/core`. */
export * from "./ledger-conformance.ts";
