/** Checks each worker without running a task: program, version, credential, and the cure of a problem. */
import { cureOf, isAgentCoreError, type AgentCoreError, type WorkerAdapter } from "@agentcore/contract";
import {
  compareVersions,
  credentialStatus,
  detectProgram,
  type CredentialStatus,
  type ProgramOptions,
  type ProgramStatus,
} from "@agentcore/worker-kit";
import { loadAdapters } from "../adapters.ts";
import type { Environment } from "@agentcore/yaml-file";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { modelBeforeStart, priceWarning } from "../options/require-price.ts";
import { withMetering } from "./metering.ts";
import type { WorkerReport } from "./report.ts";

export async function examineWorkers(
  loaded: LoadedConfig,
  env: Environment,
  options: ProgramOptions,
): Promise<WorkerReport[]> {
  const adapters = await loadAdapters(loaded);
  return Promise.all(
    adapters.map(async ({ name, adapter }) => {
      if (isAgentCoreError(adapter)) return invalidAdapter(name, adapter);
      const path = loaded.config.workers[name]?.program;
      const program = await detectProgram(adapter, {
        hostEnv: env,
        parts: options,
        // The shell has no option that prints its version.
        alwaysAskVersion: adapter.program.versionArgs.length > 0,
        path,
      });
      const report = workerReport(adapter, program, credentialStatus(adapter, env));
      const metered = withMetering(report, adapter, loaded.config, env);
      return metered.metering === "spend_gate" ? metered : withPrice(metered, adapter, loaded.config);
    }),
  );
}

/** Reports if the worker's configured model has no price, and what the configuration says happens then. */
export async function withPrice(
  report: WorkerReport,
  adapter: Pick<WorkerAdapter, "name" | "provider" | "reportsCost">,
  config: Pick<Config, "workers" | "defaults" | "prices" | "unpriced">,
): Promise<WorkerReport> {
  const isDefault = config.defaults.worker === adapter.name;
  const asked = isDefault ? config.defaults.model : null;
  const warning = await priceWarning(adapter, asked, config);
  if (warning === null) return report;
  const detail = `${report.detail}; ${warning}`;
  const model = modelBeforeStart(adapter.name, asked, config);
  const cure = `Set prices.${model} in the configuration.`;
  return { ...report, detail, cure: report.cure === null ? cure : `${report.cure} ${cure}` };
}

/** It exists, but cannot work in its current state; the screen marks it as bad. */
export function isBroken({ status }: WorkerReport): boolean {
  return status === "too_old" || status === "unusable" || status === "adapter_invalid";
}

function invalidAdapter(name: string, error: AgentCoreError): WorkerReport {
  return {
    name,
    title: name,
    status: "adapter_invalid",
    path: null,
    version: null,
    credential: null,
    capabilities: [],
    enforcesCapabilities: true,
    metering: null,
    detail: error.message,
    cure: cureOf(error.code, "command line"),
  };
}

export function workerReport(
  adapter: Pick<WorkerAdapter, "name" | "title" | "capabilities" | "enforcesCapabilities" | "program">,
  program: ProgramStatus,
  credential: CredentialStatus,
): WorkerReport {
  const base = {
    name: adapter.name,
    title: adapter.title,
    capabilities: adapter.capabilities,
    enforcesCapabilities: adapter.enforcesCapabilities ?? true,
    metering: null,
    path: program.kind === "missing" ? null : program.path,
    version: program.kind === "found" || program.kind === "too-old" ? program.version : null,
    credential: nameOf(credential),
  };
  const install = adapter.program.install;
  switch (program.kind) {
    case "missing":
      return {
        ...base,
        status: "missing",
        detail: `${adapter.program.command} not found`,
        cure: `Install it: ${install}`,
      };
    case "too-old":
      return { ...base, status: "too_old", detail: program.message, cure: `Update it: ${install}` };
    case "unusable":
      return { ...base, status: "unusable", detail: program.message, cure: `Reinstall it: ${install}` };
    case "unanswered":
      return {
        ...base,
        status: "unusable",
        detail: program.message,
        cure: "Try again when the machine is less busy.",
      };
    case "found":
      return withNewness({ ...base, ...readiness(adapter, credential) }, adapter.program.verifiedVersion);
  }
}

/** An untested version usually works: it is reported, and is not an error. */
function withNewness(report: WorkerReport, verified: string | undefined): WorkerReport {
  const { version } = report;
  if (version === null || verified === undefined || compareVersions(version, verified) <= 0) return report;
  return { ...report, detail: `newer than ${verified}, the last one verified; ${report.detail}` };
}

function readiness(
  adapter: Pick<WorkerAdapter, "program">,
  credential: CredentialStatus,
): Pick<WorkerReport, "status" | "detail" | "cure"> {
  const { command, credentialEnv, loginPaths } = adapter.program;
  switch (credential.kind) {
    case "not-needed":
      return { status: "ready", detail: "needs no credential", cure: null };
    case "environment":
      return {
        status: "ready",
        detail: `credential from ${credential.variable}; each run gets an empty HOME`,
        cure: null,
      };
    case "login":
      return { status: "ready", detail: `login in ${credential.path}; runs use your own HOME`, cure: null };
    case "none": {
      const ways = [
        credentialEnv.length > 0 ? `set ${credentialEnv.join(" or ")}` : [],
        loginPaths.length > 0 ? `log in with ${command}` : [],
      ].flat();
      return {
        status: "no_credential",
        detail: "no credential found",
        cure: `To use it, ${ways.join(", or ")}.`,
      };
    }
  }
}

function nameOf(credential: CredentialStatus): string | null {
  switch (credential.kind) {
    case "environment":
      return credential.variable;
    case "login":
      return credential.path;
    case "not-needed":
    case "none":
      return null;
  }
}
