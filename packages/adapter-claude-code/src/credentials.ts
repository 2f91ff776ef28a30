/**
 * Decides how a run reaches the provider: which of the caller's credentials it uses, where its requests go, and what the worker
 * gets of it, with the spend gate and without.
 */
import {
  spendGateKeyHeader,
  type SpendGateAccess,
  type Upstream,
  type UpstreamContext,
  type WorkerTask,
} from "@agentcore/contract";
import { configuredKey, pickEnv, readAdapterSettings } from "@agentcore/worker-kit";
import { claudeSettingsSchema, type ClaudeSettings } from "./settings.ts";

/** Each of these is a credential; with one of them, no login of the user is needed. */
export const credentialVariables: readonly string[] = [
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "CLAUDE_CODE_OAUTH_TOKEN",
];

const provider = "anthropic";
const anthropicAddress = "https://api.anthropic.com";

/** With one of these, Claude Code calls a cloud whose requests are signed for its own address. */
const cloudVariables: readonly string[] = [
  "CLAUDE_CODE_USE_BEDROCK",
  "CLAUDE_CODE_USE_VERTEX",
  "CLAUDE_CODE_USE_FOUNDRY",
];

type Context = Pick<UpstreamContext, "hostEnv" | "settings" | "providersWithCredential">;

/** Where requests go without the gate. Null for a login in HOME, which Claude Code sends only to its own address. */
export function claudeUpstream(task: WorkerTask, context: UpstreamContext): Upstream | null {
  const settings = readAdapterSettings(task.worker, claudeSettingsSchema, context.settings);
  if (usesCloud(task, context)) return null;
  const credential = upstreamCredential(findCredentials(task, context, settings), context);
  if (credential === null) return null;
  const address = { ...endpoint(context, settings), ...pickEnv(task.env ?? {}, ["ANTHROPIC_BASE_URL"]) };
  const baseUrl = (address["ANTHROPIC_BASE_URL"] ?? anthropicAddress).replace(/\/+$/, "");
  return { provider, protocol: "anthropic-messages", baseUrl, credential };
}

function usesCloud(task: WorkerTask, { hostEnv, settings }: Context): boolean {
  const passed = Array.isArray(settings["env_pass"]) ? settings["env_pass"].map(String) : [];
  const env = { ...pickEnv(hostEnv, passed), ...task.env };
  return Object.keys(pickEnv(env, cloudVariables)).length > 0;
}

/** In the order in which Claude Code prefers them. */
function upstreamCredential(
  credentials: Readonly<Record<string, string>>,
  context: Context,
): Upstream["credential"] | null {
  if (hasGateCredential(context)) return { kind: "none" };
  const token = credentials["ANTHROPIC_AUTH_TOKEN"];
  if (token !== undefined) return { kind: "header", name: "authorization", value: `Bearer ${token}` };
  const key = credentials["ANTHROPIC_API_KEY"];
  if (key !== undefined) return { kind: "header", name: "x-api-key", value: key };
  return credentials["CLAUDE_CODE_OAUTH_TOKEN"] === undefined ? null : { kind: "own-login" };
}

function hasGateCredential({ providersWithCredential = [] }: Context): boolean {
  return providersWithCredential.includes(provider);
}

/** Variables of the worker. None: it relies on the user's login. */
export function findCredentials(
  task: WorkerTask,
  { hostEnv }: Context,
  settings: ClaudeSettings,
): Record<string, string> {
  const env = { ...hostEnv, ...task.env };
  const key = configuredKey(task.worker, settings.api_key_env, env);
  return key === undefined ? pickEnv(env, credentialVariables) : { ANTHROPIC_API_KEY: key };
}

export function endpoint({ hostEnv }: Context, settings: ClaudeSettings): Record<string, string> {
  if (settings.base_url !== undefined) return { ANTHROPIC_BASE_URL: settings.base_url };
  return pickEnv(hostEnv, ["ANTHROPIC_BASE_URL"]);
}

/**
 * Address and credentials of a worker that uses the gate. A token of the user's own login is sent as it is, with the key of
 * the gate beside it; a key is replaced by that of the gate.
 */
export function gateVariables(
  { url, key }: SpendGateAccess,
  credentials: Readonly<Record<string, string>>,
  context: Context,
): Record<string, string> {
  const token = credentials["CLAUDE_CODE_OAUTH_TOKEN"];
  const isOwnLogin = upstreamCredential(credentials, context)?.kind === "own-login";
  return {
    ANTHROPIC_BASE_URL: url,
    ...(isOwnLogin && token !== undefined
      ? { CLAUDE_CODE_OAUTH_TOKEN: token, ANTHROPIC_CUSTOM_HEADERS: `${spendGateKeyHeader}: ${key}` }
      : { ANTHROPIC_API_KEY: key }),
  };
}
