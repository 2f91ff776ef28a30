import { fileURLToPath } from "node:url";
import type { ErrorClass } from "@agentcore/contract";
import { adapterConformanceChecks, recordedScenario } from "@agentcore/worker-kit/testing";
import { describe, expect, it } from "vitest";
import { openCodeAdapter } from "./adapter.ts";

const folder = fileURLToPath(new URL("../recordings", import.meta.url));

const scenario = (name: string) => recordedScenario(folder, name);

const failure = (name: string, errorClass: ErrorClass, recording: string) => ({
  name,
  errorClass,
  ...scenario(recording),
});

const checks = adapterConformanceChecks({
  adapter: openCodeAdapter,
  model: "anthropic/claude-sonnet-4-5",
  hostEnv: { ANTHROPIC_API_KEY: "k" },
  beginning: scenario("success").stdout.slice(0, 1),
  success: scenario("success"),
  failures: [
    failure("rate limited", "rate_limited", "e429"),
    failure("a refused key", "auth", "e401"),
    failure("out of credit", "quota_exhausted", "e402"),
    failure("a bad request", "invalid_request", "e400"),
    failure("a server error", "provider_unavailable", "e500"),
    failure("no such session", "invalid_request", "t-resume-bad"),
  ],
});

describe("the adapter conforms:", () => {
  it.each(checks.map((check) => [check.name, check.run] as const))("%s", async (_name, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
