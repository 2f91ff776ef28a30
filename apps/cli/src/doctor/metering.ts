/** Says of each worker who counts what its runs cost: the spend gate, its own events, or nobody. */
import type { SpendGateMode, Upstream, WorkerAdapter } from "@agentcore/contract";
import { accessSync, constants } from "node:fs";
import type { Environment } from "@agentcore/yaml-file";
import { settingsOf } from "../compose.ts";
import { providersWithCredential, spendGateModeOf } from "../compose-spend-gate.ts";
import type { Config } from "../config/schema.ts";
import type { WorkerReport } from "./report.ts";
import { modelBeforeStart } from "../options/require-price.ts";

type MeteredAdapter = Pick<WorkerAdapter, "name" | "provider" | "spendGateUpstream">;
type CredentialConfig = NonNullable<Config["providers"][string]["credential"]>;
type MeteringConfig = Pick<Config, "workers" | "defaults" | "providers" | "spend_gate">;

export function withMetering(
  report: WorkerReport,
  adapter: MeteredAdapter,
  config: MeteringConfig,
  env: Environment,
): WorkerReport {
  const mode = spendGateModeOf(adapter.name, config);
  const upstream = mode === "off" ? null : upstreamOf(adapter, config, env);
  const metering = adapter.provider === null ? "none" : upstream === null ? "events" : "spend_gate";
  return inWords(upstream === null ? report : withConfigured(report, upstream.provider, config, env), {
    adapter,
    mode,
    metering,
  });
}

interface Metering {
  readonly adapter: MeteredAdapter;
  readonly mode: SpendGateMode;
  readonly metering: WorkerReport["metering"];
}

function inWords(report: WorkerReport, { adapter, mode, metering }: Metering): WorkerReport {
  if (report.status !== "ready") return { ...report, metering };
  const detail = `${report.detail}${wordsOf(metering, adapter, mode)}`;
  if (metering !== "events" || mode !== "required") return { ...report, metering, detail };
  const cure = `Give it a key in the environment, or set workers.${adapter.name}.spend_gate: auto.`;
  return { ...report, metering, detail, cure };
}

/** The credential of the configuration replaces that of the worker, which then needs none. */
function withConfigured(
  report: WorkerReport,
  provider: string,
  { providers }: MeteringConfig,
  env: Environment,
): WorkerReport {
  const credential = Object.hasOwn(providers, provider) ? providers[provider]?.credential : undefined;
  const needsOnlyThat = report.status === "ready" || report.status === "no_credential";
  if (credential === undefined || "login" in credential || !needsOnlyThat) return report;
  const setting = `providers.${provider}.credential`;
  const { source, problem, cure } = sourceOf(credential, env);
  if (problem !== null)
    return {
      ...report,
      status: "no_credential",
      credential: null,
      detail: `${setting}: ${source} ${problem}`,
      cure: `${cure}, or correct ${setting}.`,
    };
  const detail = `credential from ${setting}: ${source}`;
  return { ...report, status: "ready", credential: setting, detail, cure: null };
}

function sourceOf(
  credential: Exclude<CredentialConfig, { login: true }>,
  env: Environment,
): { readonly source: string; readonly problem: string | null; readonly cure: string } {
  if ("command" in credential) return { source: "a command, which was not run", problem: null, cure: "" };
  if ("env" in credential) {
    const problem = env[credential.env] ? null : "is not set";
    return { source: `the variable ${credential.env}`, problem, cure: `Set ${credential.env}` };
  }
  const problem = isReadable(credential.file) ? null : "cannot be read";
  return { source: `the file ${credential.file}`, problem, cure: "Write the credential into the file" };
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** For a task that says nothing of its own, such as another model or address. */
function upstreamOf(adapter: MeteredAdapter, config: MeteringConfig, env: Environment): Upstream | null {
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
    return upstream ?? null;
  } catch {
    // The run will say what is wrong with the settings.
    return null;
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
