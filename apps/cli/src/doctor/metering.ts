/** Says of each worker who counts what its runs cost: the spend gate, its own events, or nobody. */
import type { SpendGateMode, WorkerAdapter } from "@agentcore/contract";
import type { Environment } from "@agentcore/yaml-file";
import { settingsOf } from "../compose.ts";
import { providersWithCredential, spendGateModeOf } from "../compose-spend-gate.ts";
import type { Config } from "../config/schema.ts";
import type { WorkerReport } from "./report.ts";
import { modelBeforeStart } from "../options/require-price.ts";

type MeteredAdapter = Pick<WorkerAdapter, "name" | "provider" | "spendGateUpstream">;
type MeteringConfig = Pick<Config, "workers" | "defaults" | "providers" | "spend_gate">;

export function withMetering(
  report: WorkerReport,
  adapter: MeteredAdapter,
  config: MeteringConfig,
  env: Environment,
): WorkerReport {
  const mode = spendGateModeOf(adapter.name, config);
  const metering = meteringOf(adapter, mode, config, env);
  if (report.status !== "ready") return { ...report, metering };
  const detail = `${report.detail}${wordsOf(metering, adapter, mode)}`;
  if (metering !== "events" || mode !== "required") return { ...report, metering, detail };
  const cure = `Give it a key in the environment, or set workers.${adapter.name}.spend_gate: auto.`;
  return { ...report, metering, detail, cure };
}

function meteringOf(
  adapter: MeteredAdapter,
  mode: SpendGateMode,
  config: MeteringConfig,
  env: Environment,
): WorkerReport["metering"] {
  if (adapter.provider === null) return "none";
  return mode !== "off" && canUseGate(adapter, config, env) ? "spend_gate" : "events";
}

/** For a task that says nothing of its own, such as another model or address. */
function canUseGate(adapter: MeteredAdapter, config: MeteringConfig, env: Environment): boolean {
  const asked = config.defaults.worker === adapter.name ? config.defaults.model : null;
  const model = modelBeforeStart(adapter.name, asked, config);
  const task = { worker: adapter.name, workspace: "/", instructions: "", capabilities: [] };
  try {
    const upstream = adapter.spendGateUpstream?.(task, {
      grants: { capabilities: [], maxCostUsd: null, maxTokens: null, model, timeoutMs: 0 },
      hostEnv: env,
      settings: settingsOf(config)[adapter.name] ?? {},
      providersWithCredential: providersWithCredential(config),
    });
    return upstream !== undefined && upstream !== null;
  } catch {
    // The run will say what is wrong with the settings.
    return false;
  }
}

function wordsOf(metering: WorkerReport["metering"], adapter: MeteredAdapter, mode: SpendGateMode): string {
  switch (metering) {
    case "spend_gate":
      return "; metered by the spend gate";
    case "none":
      return "; calls no provider, so nothing is metered";
    case "events":
      return `; metered from its events, ${whyNotGate(adapter, mode)}`;
    case null:
      return "";
  }
}

function whyNotGate({ spendGateUpstream }: MeteredAdapter, mode: SpendGateMode): string {
  if (mode === "off") return "because spend_gate is off";
  const why =
    spendGateUpstream === undefined
      ? "because its adapter does not support the spend gate"
      : "because its credential or model does not let it use the spend gate";
  return mode === "required" ? `${why}: its runs are refused (spend_gate: required)` : why;
}
