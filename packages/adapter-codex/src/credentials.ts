/**
 * Decides how a run reaches the provider: with a key, or with the login in the caller's HOME. What the worker gets of it is
 * Codex's configuration of one provider, with the address of the spend gate or the provider's own.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  spendGateKeyHeader,
  type PlanContext,
  type SpendGateAccess,
  type Upstream,
  type UpstreamContext,
  type WorkerTask,
} from "@agentcore/contract";
import { configuredKey, divideAddress, pickEnv, readAdapterSettings } from "@agentcore/worker-kit";
import { codexSettingsSchema, type CodexSettings } from "./settings.ts";

/** Each of these is a credential; the first one that is set is used. Without them, Codex relies on the user's login. */
export const credentialVariables: readonly string[] = ["CODEX_API_KEY", "OPENAI_API_KEY"];

/** The variable with the key in the worker's environment. */
const keyVariable = "OPENAI_API_KEY";
/** The one with the key of the gate, beside a login. */
const gateKeyVariable = "AGENTCORE_SPEND_GATE_KEY";

/** The commands that Codex runs do not see them. */
export const keyVariables: readonly string[] = [...credentialVariables, gateKeyVariable];

const provider = "openai";
const openAiAddress = "https://api.openai.com/v1";
const chatGptAddress = "https://chatgpt.com/backend-api/codex";

type Context = Pick<PlanContext, "hostEnv" | "settings" | "providersWithCredential" | "spendGate">;

/** How a run reaches its provider. */
export interface CodexAccess {
  /** `user`: the run needs the login in the caller's HOME. */
  readonly home: "own" | "user";
  /** Null: Codex's own provider. */
  readonly provider: Readonly<Record<string, string | boolean | Readonly<Record<string, string>>>> | null;
  readonly env: Readonly<Record<string, string>>;
}

export function codexAccess(task: WorkerTask, context: Context, settings: CodexSettings): CodexAccess {
  if (context.spendGate !== undefined) return gateAccess(task, context, settings, context.spendGate);
  const key = findKey(task, context, settings);
  const address = addressWith(key, context, settings);
  if (address === undefined) return { home: "user", provider: null, env: {} };
  return {
    home: "own",
    provider: { base_url: address, ...(key === undefined ? {} : { env_key: keyVariable }) },
    env: key === undefined ? {} : { [keyVariable]: key },
  };
}

/** Where requests go without the gate. Null for a login whose requests go to a place that only Codex knows. */
export function codexUpstream(task: WorkerTask, context: UpstreamContext): Upstream | null {
  const settings = readAdapterSettings(task.worker, codexSettingsSchema, context.settings);
  const at = (address: string, credential: Upstream["credential"]): Upstream => ({
    provider,
    protocol: "openai-responses",
    baseUrl: divideAddress(address).baseUrl,
    credential,
  });
  const key = findKey(task, context, settings);
  const address = addressWith(key, context, settings);
  if (address !== undefined) {
    if (key === undefined) return at(address, { kind: "none" });
    return at(address, { kind: "header", name: "authorization", value: `Bearer ${key}` });
  }
  const login = loginAddress(context);
  return login === null ? null : at(login, { kind: "own-login" });
}

/** Seen with 0.169.0: beside a login, Codex sends the headers of `env_http_headers`, and asks for no WebSocket. */
function gateAccess(
  task: WorkerTask,
  context: Context,
  settings: CodexSettings,
  { url, key: gateKey }: SpendGateAccess,
): CodexAccess {
  const key = findKey(task, context, settings);
  const address = addressWith(key, context, settings);
  if (address !== undefined) {
    return {
      home: "own",
      provider: { base_url: url + divideAddress(address).path, env_key: keyVariable },
      env: { [keyVariable]: gateKey },
    };
  }
  return {
    home: "user",
    provider: {
      base_url: url + divideAddress(loginAddress(context) ?? openAiAddress).path,
      requires_openai_auth: true,
      env_http_headers: { [spendGateKeyHeader]: gateKeyVariable },
    },
    env: { [gateKeyVariable]: gateKey },
  };
}

function findKey(task: WorkerTask, { hostEnv }: Context, settings: CodexSettings): string | undefined {
  const env = { ...hostEnv, ...task.env };
  const configured = configuredKey(task.worker, settings.api_key_env, env);
  return configured ?? Object.values(pickEnv(env, credentialVariables))[0];
}

/** The address of a run that needs no login; undefined for one that does. */
function addressWith(key: string | undefined, context: Context, settings: CodexSettings): string | undefined {
  if (settings.base_url !== undefined) return settings.base_url;
  const needsLogin = key === undefined && context.providersWithCredential?.includes(provider) !== true;
  return needsLogin
    ? undefined
    : (pickEnv(context.hostEnv, ["OPENAI_BASE_URL"])["OPENAI_BASE_URL"] ?? openAiAddress);
}

/** A line of `config.toml` that sends requests elsewhere. */
const redirection = /^\s*(?:model_provider|profile|openai_base_url|chatgpt_base_url|oss_provider)\s*=/m;

/** Where Codex sends requests with the login in the caller's HOME. Null if there is none, or only Codex knows. */
function loginAddress({ hostEnv, settings }: Context): string | null {
  const { HOME: home, CODEX_HOME: own } = pickEnv(hostEnv, ["HOME", "CODEX_HOME"]);
  const directory = own ?? (home === undefined ? undefined : join(home, ".codex"));
  if (directory === undefined || settings["home"] === "own") return null;
  if (redirection.test(textOf(join(directory, "config.toml")))) return null;
  try {
    const login = JSON.parse(textOf(join(directory, "auth.json"))) as Readonly<
      Record<string, unknown>
    > | null;
    if (typeof login?.["tokens"] === "object" && login["tokens"] !== null) return chatGptAddress;
    return typeof login?.["OPENAI_API_KEY"] === "string" ? openAiAddress : null;
  } catch {
    return null;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
