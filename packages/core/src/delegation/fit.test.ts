import { createIds, type WorkerTask, workerTaskSchema } from "@agentcore/contract";
import { describe, expect, it } from "vitest";
import { Gate } from "../gate/gate.ts";
import type { LivePermit } from "../gate/permit.ts";
import { fakeAdapter } from "../testing/fake-worker.ts";
import { createManualClock } from "../testing/manual-clock.ts";
import { permitRequest, runtimeConfig } from "../testing/requests.ts";
import { fitTask } from "./fit.ts";

function permitFor(pressure: "accept" | "degrade" = "accept"): LivePermit {
  const clock = createManualClock();
  const config = runtimeConfig({ degrade: { models: { big: "small" }, drop_capabilities: ["edit"] } });
  const gate = new Gate({
    config,
    adapters: [fakeAdapter()],
    clock,
    ids: createIds(clock),
    containmentLevel: "sealed",
  });
  gate.restrictions.pressure = pressure;
  const decision = gate.request(permitRequest({ workspace: "/w", model: "big" }));
  if (decision.kind !== "granted") throw new TypeError(decision.message);
  return decision.permit;
}

const task: WorkerTask = workerTaskSchema.parse({
  worker: "codex",
  workspace: "/w",
  instructions: "do it",
  model: "big",
  capabilities: ["read", "edit"],
});

it("the task that was asked for runs as it is", () => {
  expect(fitTask(permitFor(), task)).toEqual(task);
  expect(fitTask(permitFor(), { ...task, capabilities: ["read"] }).capabilities).toEqual(["read"]);
});

it("a degraded permit runs it with less", () => {
  expect(fitTask(permitFor("degrade"), task)).toEqual({ ...task, capabilities: ["read"], model: "small" });
});

describe("another task than was asked for is refused", () => {
  it.each<[string, Partial<WorkerTask>]>([
    ["worker", { worker: "claude" }],
    ["workspace", { workspace: "/w/other" }],
    ["model", { model: "bigger" }],
    ["capabilities", { capabilities: ["read", "run_commands"] }],
  ])("by its %s", (field, change) => {
    const attempt = () => fitTask(permitFor(), { ...task, ...change });
    expect(attempt).toThrow(
      expect.objectContaining({ code: "AC_PERMIT_INVALID", evidence: expect.objectContaining({ field }) }),
    );
  });
});
