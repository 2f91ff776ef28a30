/** The policy layer: a durable queue that feeds a runtime. */
export * from "./job-record.ts";
export type * from "./job-store.ts";
export { excludeNothing } from "./job-store.ts";
