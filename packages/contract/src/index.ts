/** The shared types of AgentCore: schemas, types, and the real ports that every layer uses (docs/adr/0006). */
import "./supported-node.ts";

export * from "./adapter.ts";
export * from "./cancellation.ts";
export * from "./documents/index.ts";
export * from "./duration.ts";
export * from "./error-class.ts";
export * from "./error-codes.ts";
export * from "./errors.ts";
export type * from "./git.ts";
export * from "./job.ts";
export * from "./lazy-schema.ts";
export * from "./masking.ts";
export * from "./permit.ts";
export * from "./placed-file.ts";
export * from "./ports.ts";
export * from "./probe.ts";
export * from "./require-id.ts";
export * from "./result.ts";
export * from "./run-event.ts";
export * from "./runtime.ts";
export * from "./spool.ts";
export * from "./std/index.ts";
export * from "./system.ts";
export * from "./task.ts";
export * from "./variables.ts";
export * from "./wire.ts";
export * from "./worker-event.ts";
