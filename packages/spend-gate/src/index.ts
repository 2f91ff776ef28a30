/** A metering proxy between agents and their providers. */
export type * from "./protocols/protocol.ts";
export * from "./protocols/refusals.ts";
/** The port that this package implements. */
export type { SpendGate } from "@agentcore/core";
