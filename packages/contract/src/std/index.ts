/** Small helpers that every layer uses. None of them depends on AgentCore types. */
export * from "./back-off.ts";
export * from "./bounded-map.ts";
export * from "./duration-text.ts";
export * from "./error-facts.ts";
export * from "./json-or.ts";
export * from "./line-reader.ts";
export * from "./omit-undefined.ts";
export * from "./path-glob.ts";
export * from "./process-facts.ts";
export * from "./store-url.ts";
export * from "./unprintable.ts";
export * from "./waiting.ts";
