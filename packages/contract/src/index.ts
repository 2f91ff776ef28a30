/** The vocabulary of AgentCore: types, schemas, and the real ports that every layer shares (docs/adr/0006). */
export * from "./adapter.ts";
export * from "./duration.ts";
export * from "./error-class.ts";
export * from "./error-codes.ts";
export * from "./errors.ts";
export * from "./job.ts";
export * from "./permit.ts";
export * from "./ports.ts";
export * from "./probe.ts";
export * from "./result.ts";
export * from "./run-event.ts";
export * from "./runtime.ts";
export * from "./spool.ts";
export * from "./system.ts";
export * from "./task.ts";
export * from "./wire.ts";
export * from "./worker-event.ts";
