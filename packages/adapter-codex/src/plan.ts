/**
 * Builds the command line and environment of one run of Codex: prompt on stdin, JSON lines on stdout, the sandbox from the
 * task's capabilities, bounded retries, and no network traffic except the model's. All configuration is passed with `-c`,
 * because `exec resume` has fewer flags than `exec`, and because `-c` overrides the user's `config.toml`.
 */
import { dirname } from "node:path";
import { omitUndefined, type PlanContext, type WorkerPlan, type WorkerTask } from "@agentcore/contract";
import { configuredKey, networkEnvironment, pickEnv, readAdapterSettings } from "@agentcore/worker-kit";
import { checkCodexArgs } from "./args.ts";
import { sandboxMode } from "./sandbox.ts";
import { codexSettingsSchema, type CodexSettings } from "./settings.ts";

/** Each of these is a credential; the first one that is set is used. Without them, Codex relies on the user's login. */
export const credentialVariables: readonly string[] = ["CODEX_API_KEY", "OPENAI_API_KEY"];

/** The variable with the key in the worker's environment; the commands that Codex runs do not see it. */
const keyVariable = "OPENAI_API_KEY";

/** The provider's name in Codex's configuration. Codex's built-in providers have no limit on retries. */
const providerName = "agentcore";

const openAiAddress = "https://api.openai.com/v1";

/** Directories that Codex's sandbox creates in the workspace to protect them, and leaves behind when it is interrupted. */
const protectedDirectories: readonly string[] = [".agents", ".aws", ".codex"];

type TomlValue = string | number | boolean | readonly string[];

export function planCodex(task: WorkerTask, context: PlanContext): WorkerPlan {
  const settings = readAdapterSettings(task.worker, codexSettingsSchema, context.settings);
  checkCodexArgs(task.args ?? []);
  const key = findKey(task, context, settings);
  const address = settings.base_url ?? (key === undefined ? undefined : addressOf(context));
  const home = address === undefined ? "user" : "own";
  const config = {
    sandbox_mode: sandboxMode(context.grants.capabilities),
    ...(settings.network ? { "sandbox_workspace_write.network_access": true } : {}),
    ...closedDoors,
    ...omitUndefined({ model_reasoning_effort: task.variant }),
    ...(address === undefined ? {} : providerConfig(address, key !== undefined, settings)),
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
      ...networkEnvironment(context.hostEnv),
      ...(home === "user" ? pickEnv(context.hostEnv, ["CODEX_HOME"]) : {}),
      ...(key === undefined ? {} : { [keyVariable]: key }),
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
  "shell_environment_policy.exclude": [...credentialVariables],
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
  address: string,
  hasKey: boolean,
  settings: CodexSettings,
): Record<string, TomlValue> {
  const provider: Record<string, TomlValue> = {
    name: providerName,
    base_url: address,
    wire_api: "responses",
    ...(hasKey ? { env_key: keyVariable } : {}),
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

function findKey(task: WorkerTask, context: PlanContext, settings: CodexSettings): string | undefined {
  const env = { ...context.hostEnv, ...task.env };
  const configured = configuredKey(task.worker, settings.api_key_env, env);
  return configured ?? Object.values(pickEnv(env, credentialVariables))[0];
}

function addressOf(context: PlanContext): string {
  return pickEnv(context.hostEnv, ["OPENAI_BASE_URL"])["OPENAI_BASE_URL"] ?? openAiAddress;
}

/** A TOML value; strings and lists of strings are written as in JSON. */
function toml(value: TomlValue): string {
  return typeof value === "string" || typeof value === "object" ? JSON.stringify(value) : String(value);
}
