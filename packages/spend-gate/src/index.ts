export type * from "./protocols/protocol.ts";
/** The port that this package implements. */
export type { SpendGate } from "@agentcore/core";
