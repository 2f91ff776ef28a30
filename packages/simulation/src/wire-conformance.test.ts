/**
 * The client of the scheduler against the server of the core, with nothing between them but two streams: the wire form of
 * a runtime must do all that the form in process does.
 */
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { silentLog, systemClock, systemIds } from "@agentcore/contract";
import { createRuntime, serveRuntime } from "@agentcore/core";
import {
  fakeAdapter,
  obedientRunner,
  runtimeConfig,
  runtimeConformanceCases,
  type OpenRuntime,
} from "@agentcore/core/testing";
import { superviseRuntime, type RuntimeProcess } from "@agentcore/scheduler";

let places = 0;

async function open(config: Parameters<typeof runtimeConfig>[0]): Promise<OpenRuntime> {
  const { runner, instructions } = obedientRunner();
  const start = (): RuntimeProcess => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const runtime = createRuntime({
      config: runtimeConfig(config),
      adapters: [fakeAdapter({ name: "obedient", provider: null })],
      runner,
      clock: systemClock,
      ids: systemIds,
    });
    const server = { name: "in this process", version: "0" };
    const served = serveRuntime(runtime, { input, output, clock: systemClock, log: silentLog, server });
    return { pid: null, input, output, exited: served, kill: () => input.end() };
  };
  const runtime = superviseRuntime({ start, proveGone: async () => true });
  await runtime.ready();
  return {
    runtime,
    instructions,
    place: () => ({ worker: "obedient", workspace: `/place/${(places += 1)}`, capabilities: ["read"] }),
    close: () => runtime.close(),
  };
}

describe("a runtime behind the wire meets the conformance suite of runtimes", () => {
  it.each(runtimeConformanceCases({ open }))("$name", async (check) => {
    await expect(check.run()).resolves.toBeUndefined();
  });
});
