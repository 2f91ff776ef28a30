/** Small helpers that every layer needs, each in one place. None of them knows anything of AgentCore. */
export * from "./back-off.ts";
export * from "./bounded-map.ts";
export * from "./error-facts.ts";
export * from "./line-reader.ts";
export * from "./omit-undefined.ts";
export * from "./process-facts.ts";
export * from "./waiting.ts";
