/** `agentcore emit TOPIC JSON`: sends an event to a topic of a daemon. */
import { AgentCoreError, omitUndefined } from "@agentcore/contract";
import { parseChain, type ChainLink } from "@agentcore/triggers";
import { variableOf } from "@agentcore/yaml-file";
import { openClient } from "../target/open-client.ts";
import type { TargetOptions } from "../target/target.ts";
import { chainVariable } from "../daemon/run-context.ts";
import type { Io } from "../io.ts";
import { readJson } from "../options/json-argument.ts";
import { writeAccepted } from "./trigger-events.ts";

export interface EmitOptions extends TargetOptions {
  readonly key?: string;
}

export async function emit(topic: string, json: string, options: EmitOptions, io: Io): Promise<number> {
  const payload = await readJson(json, io);
  const chain = chainOf(io);
  const client = await openClient(options, io);
  const request = { payload, key: options.key, ...(chain.length === 0 ? {} : { chain: [...chain] }) };
  return writeAccepted(await client.emitEvent(topic, omitUndefined(request)), options, io);
}

/** In a run that a trigger started: the runs that led here, so that a loop of triggers ends. */
function chainOf({ env }: Io): readonly ChainLink[] {
  const chain = parseChain(variableOf(env, chainVariable) ?? "");
  if (chain !== null) return chain;
  throw new AgentCoreError(
    "AC_USAGE",
    `${chainVariable} is not a chain of runs: leave it as the daemon sets it, or unset it`,
  );
}
