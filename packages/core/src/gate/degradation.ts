/** The capabilities and the model that a permit is reduced to at backpressure `degrade`, as configured. */
import type { Capability, Degradation } from "@agentcore/contract";
import type { DegradeConfig } from "../config/pressure-config.ts";

const pressed = { code: "AC_BACKPRESSURE", reason: "the machine is under pressure" };

export interface TaskGrants {
  readonly capabilities: Capability[];
  readonly model: string | null;
}

export function degradeTask(
  asked: TaskGrants,
  config: DegradeConfig,
): { readonly grants: TaskGrants; readonly degraded: readonly Degradation[] } {
  const degraded: Degradation[] = [];
  const capabilities = asked.capabilities.filter((one) => !config.drop_capabilities.includes(one));
  if (capabilities.length < asked.capabilities.length) {
    degraded.push({
      field: "capabilities",
      from: [...asked.capabilities],
      to: [...capabilities],
      ...pressed,
    });
  }
  const cheaper = asked.model === null ? undefined : config.models[asked.model];
  if (cheaper !== undefined) degraded.push({ field: "model", from: asked.model, to: cheaper, ...pressed });
  return { grants: { capabilities, model: cheaper ?? asked.model }, degraded };
}
