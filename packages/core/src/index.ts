/** The mechanism: what may run, how much it may use, when it must stop. */
export * from "./ledger.ts";
export { createMemoryLedger, replacesEstimate } from "./memory-ledger.ts";
