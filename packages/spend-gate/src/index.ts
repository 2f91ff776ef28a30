/** A metering proxy between agents and their providers. */
export * from "./account/index.ts";
export { type ProviderConfig, type ProvidersConfig, providersSchema } from "./config.ts";
export * from "./prices/index.ts";
export * from "./protocols/index.ts";
export type { RunCommand } from "./proxy/credentials.ts";
export { createSpendGate, type SpendGateOptions } from "./spend-gate.ts";
