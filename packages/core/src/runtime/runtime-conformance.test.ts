import { describe, expect, it } from "vitest";
import { systemClock, systemIds } from "@agentcore/contract";
import { obedientRunner } from "../testing/obedient-runner.ts";
import { fakeAdapter } from "../testing/fake-worker.ts";
import { runtimeConfig } from "../testing/requests.ts";
import { type OpenRuntime, runtimeConformanceCases } from "../testing/runtime-conformance.ts";
import { createRuntime } from "./create-runtime.ts";

let places = 0;

async function open(config: Parameters<typeof runtimeConfig>[0]): Promise<OpenRuntime> {
  const { runner, instructions } = obedientRunner();
  const adapters = [fakeAdapter({ name: "obedient", provider: null })];
  const runtime = createRuntime({
    config: runtimeConfig(config),
    adapters,
    runner,
    clock: systemClock,
    ids: systemIds,
  });
  return {
    runtime,
    instructions,
    place: () => ({ worker: "obedient", workspace: `/place/${(places += 1)}`, capabilities: ["read"] }),
    close: () => runtime.close(),
  };
}

describe("the runtime in process meets the conformance suite", () => {
  it.each(runtimeConformanceCases({ open }))("$name", async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });
});
