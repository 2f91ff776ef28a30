/** A metering proxy between agents and their providers. */
export * from "./protocols/index.ts";
/** The port that this package implements. */
export type { SpendGate } from "@agentcore/core";
export * from "./account/index.ts";
export * from "./prices/index.ts";
