/**
 * Builds the command line and environment of one run of Codex: prompt on stdin, JSON lines on stdout, the sandbox from the
 * task's capabilities, bounded retries, and no network traffic except the model's. All configuration is passed with `-c`,
 * because `exec resume` has fewer flags than `exec`, and because `-c` overrides the user's `config.toml`.
 */
import { dirname } from "node:path";
import { omitUndefined, type PlanContext, type WorkerPlan, type WorkerTask } from "@agentcore/contract";
import { networkEnvironment, pickEnv, readAdapterSettings } from "@agentcore/worker-kit";
import { checkCodexArgs } from "./args.ts";
import { codexAccess, keyVariables, type CodexAccess } from "./credentials.ts";
import { sandboxMode } from "./sandbox.ts";
import { codexSettingsSchema, type CodexSettings } from "./settings.ts";

/** The provider's name in Codex's configuration. Codex's built-in providers have no limit on retries. */
const providerName = "agentcore";

/** Directories that Codex's sandbox creates in the workspace to protect them, and leaves behind when it is interrupted. */
const protectedDirectories: readonly string[] = [".agents", ".aws", ".codex"];

type TomlValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>>;

export function planCodex(task: WorkerTask, context: PlanContext): WorkerPlan {
  const settings = readAdapterSettings(task.worker, codexSettingsSchema, context.settings);
  checkCodexArgs(task.args ?? []);
  const { home, provider, env } = codexAccess(task, context, settings);
  const config = {
    sandbox_mode: sandboxMode(context.grants.capabilities),
    ...(settings.network ? { "sandbox_workspace_write.network_access": true } : {}),
    ...closedDoors,
    ...omitUndefined({ model_reasoning_effort: task.variant }),
    ...(provider === null ? {} : providerConfig(provider, settings)),
  };
  const model = context.grants.model ?? task.model ?? settings.model;
  return {
    command: context.program,
    args: [
      "exec",
      ...(task.session === undefined ? [] : ["resume"]),
      "--json",
      "--skip-git-repo-check",
      "--ignore-rules",
      ...Object.entries(config).flatMap(([name, value]) => ["-c", `${name}=${toml(value)}`]),
      "-c",
      `projects=${untrusted(task.workspace)}`,
      ...(model === undefined ? [] : ["--model", model]),
      ...(task.args ?? []),
      ...(task.session === undefined ? [] : [task.session, "-"]),
    ],
    env: {
      ...networkEnvironment(context.hostEnv, context.spendGate),
      ...(home === "user" ? pickEnv(context.hostEnv, ["CODEX_HOME"]) : {}),
      ...env,
    },
    stdin: task.instructions,
    home,
    leavesEmpty: protectedDirectories,
    ownSandbox: true,
    ...omitUndefined({ model }),
  };
}

/** Prevents Codex from contacting its vendor, from waiting without end, and from passing the key to commands. */
const closedDoors: Readonly<Record<string, TomlValue>> = {
  "features.plugins": false,
  "features.apps": false,
  "features.unbounded_connection_retries": false,
  "analytics.enabled": false,
  check_for_update_on_startup: false,
  web_search: "disabled",
  "shell_environment_policy.exclude": [...keyVariables],
};

/**
 * If the user has trusted the project, Codex starts the MCP servers of its `.codex/config.toml` outside the sandbox (seen
 * with 0.169.0 and 0.171.0). Anybody who can write to the workspace could add one, so no directory of it is trusted in a
 * run. The entry of a directory takes precedence over that of its repository.
 */
function untrusted(workspace: string): string {
  const directories: string[] = [];
  for (let at = workspace; ; at = dirname(at)) {
    directories.push(`${JSON.stringify(at)}={trust_level="untrusted"}`);
    if (dirname(at) === at) return `{${directories.join(",")}}`;
  }
}

function providerConfig(
  access: NonNullable<CodexAccess["provider"]>,
  settings: CodexSettings,
): Record<string, TomlValue> {
  const provider: Record<string, TomlValue> = {
    name: providerName,
    wire_api: "responses",
    ...access,
    request_max_retries: settings.max_retries,
    stream_max_retries: settings.max_retries,
    stream_idle_timeout_ms: settings.stream_idle_timeout,
  };
  return {
    model_provider: providerName,
    ...Object.fromEntries(
      Object.entries(provider).map(([name, value]) => [`model_providers.${providerName}.${name}`, value]),
    ),
  };
}

/** A TOML value; strings and lists of strings are written as in JSON. */
function toml(value: TomlValue): string {
  if (typeof value !== "object") return typeof value === "string" ? JSON.stringify(value) : String(value);
  if (Array.isArray(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, text]) => `${JSON.stringify(name)}=${JSON.stringify(text)}`,
  );
  return `{${members.join(",")}}`;
}
