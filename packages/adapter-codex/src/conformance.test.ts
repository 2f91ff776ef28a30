import { fileURLToPath } from "node:url";
import type { ErrorClass } from "@agentcore/contract";
import { adapterConformanceChecks, recordedScenario } from "@agentcore/worker-kit/testing";
import { describe, expect, it } from "vitest";
import { codexAdapter } from "./adapter.ts";

const folder = fileURLToPath(new URL("../recordings", import.meta.url));

const scenario = (name: string) => recordedScenario(folder, name);

const failure = (name: string, errorClass: ErrorClass, recording: string) => ({
  name,
  errorClass,
  ...scenario(recording),
});

const checks = adapterConformanceChecks({
  adapter: codexAdapter,
  model: "gpt-5.5",
  hostEnv: { OPENAI_API_KEY: "k" },
  beginning: scenario("success").stdout.slice(0, 1),
  success: scenario("success"),
  failures: [
    failure("rate limited", "rate_limited", "e429"),
    failure("a refused key", "auth", "t-nokey"),
    failure("a bad request", "invalid_request", "e400"),
    failure("a server error", "provider_unavailable", "e500"),
    failure("garbage", "provider_unavailable", "garbage"),
    failure("no connection", "network", "t-refused-bounded"),
    failure("no such session", "invalid_request", "t-resume-bad"),
  ],
});

describe("the adapter conforms:", () => {
  it.each(checks.map((check) => [check.name, check.run] as const))("%s", async (_name, run) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
