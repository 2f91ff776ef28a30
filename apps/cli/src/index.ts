/** AgentCore as a library: everything that the command line composes, in your own process. See README.md. */
export { createAgentCore, type AgentCore, type AgentCoreOptions } from "./create-agent-core.ts";
export type { ConfigInput } from "./config/schema.ts";
