/** The policy layer: a durable queue that feeds a runtime. */
export * from "./claim-order.ts";
export * from "./job-query.ts";
export * from "./job-record.ts";
export type * from "./job-store.ts";
export { excludeNothing } from "./job-store.ts";
export * from "./job-transition.ts";
export { createMemoryStore } from "./memory/memory-store.ts";
