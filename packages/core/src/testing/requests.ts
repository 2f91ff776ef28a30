/** Requests and configurations for tests: valid as they are, changed where a case needs it. */
import type { PermitRequest } from "@agentcore/contract";
import {
  type RuntimeConfig,
  type RuntimeConfigInput,
  runtimeConfigSchema,
} from "../config/runtime-config.ts";

let made = 0;

/** A request for a new job in a new workspace. */
export function permitRequest(change: Partial<PermitRequest> = {}): PermitRequest {
  made += 1;
  return {
    jobId: `job-${made}`,
    attempt: 1,
    maxAttempts: 3,
    worker: "codex",
    workspace: `/projects/${made}`,
    capabilities: ["read", "edit"],
    timeoutMs: 60_000,
    priorityClass: "batch",
    ...change,
  };
}

/** Starts are not paced unless the test configures it: the queue of the pacing also takes real time. */
export function runtimeConfig(input: RuntimeConfigInput = {}): RuntimeConfig {
  return runtimeConfigSchema.parse({ pacing: { provider_interval: "0ms" }, ...input });
}
