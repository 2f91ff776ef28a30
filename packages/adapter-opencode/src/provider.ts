/**
 * Builds the provider and model of a run as OpenCode's configuration, and the variables with its key. The provider is
 * either an address from the settings, which becomes a custom provider, or a built-in provider that the model names
 * (`anthropic/claude-sonnet-4-5`).
 */
import {
  AgentCoreError,
  type PlanContext,
  type ProviderProtocol,
  type SpendGateAccess,
  type Upstream,
  type UpstreamContext,
  type WorkerTask,
} from "@agentcore/contract";
import { configuredKey, divideAddress, pickEnv, readAdapterSettings } from "@agentcore/worker-kit";
import { clientLibraries, openCodeSettingsSchema, type OpenCodeSettings } from "./settings.ts";

export interface ProviderPlan {
  /** Part of the configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** As `provider/model`; undefined if OpenCode chooses. */
  readonly model: string | undefined;
  /** Variables with the key. Empty: OpenCode relies on the user's login. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether the run works without the user's HOME. */
  readonly selfContained: boolean;
}

/** Key variables of built-in providers. Other providers get the variables that `env_pass` names. */
const keyVariables: ReadonlyMap<string, readonly string[]> = new Map([
  ["anthropic", ["ANTHROPIC_API_KEY"]],
  ["openai", ["OPENAI_API_KEY"]],
  ["openrouter", ["OPENROUTER_API_KEY"]],
  ["google", ["GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY"]],
  ["groq", ["GROQ_API_KEY"]],
  ["mistral", ["MISTRAL_API_KEY"]],
  ["deepseek", ["DEEPSEEK_API_KEY"]],
  ["xai", ["XAI_API_KEY"]],
  ["opencode", ["OPENCODE_API_KEY"]],
]);

export const credentialVariables: readonly string[] = [...keyVariables.values()].flat();

interface BuiltInProvider {
  /** The caller's environment may give another address. */
  readonly variable: string;
  readonly address: string;
  /** Which OpenCode speaks with it. */
  readonly protocol: ProviderProtocol;
}

/** Those whose address a run may change. */
const builtInProviders: ReadonlyMap<string, BuiltInProvider> = new Map([
  [
    "anthropic",
    {
      variable: "ANTHROPIC_BASE_URL",
      address: "https://api.anthropic.com/v1",
      protocol: "anthropic-messages",
    },
  ],
  [
    "openai",
    { variable: "OPENAI_BASE_URL", address: "https://api.openai.com/v1", protocol: "openai-responses" },
  ],
]);

export function planProvider(
  task: WorkerTask,
  context: PlanContext,
  settings: OpenCodeSettings,
): ProviderPlan {
  const model = context.grants.model ?? task.model ?? settings.model;
  if (model !== undefined) checkModel(model);
  return settings.base_url === undefined
    ? builtInProvider(task, context, settings, model)
    : ownProvider(task, context, { ...settings, base_url: settings.base_url }, model);
}

/** OpenCode expands `{env:…}` and `{file:…}` anywhere in its configuration; a task must not be able to write either. */
function checkModel(model: string): void {
  if (/^[\w@][\w.:/@+~-]*$/.test(model)) return;
  throw new AgentCoreError("AC_JOB_INVALID", `not the name of a model: ${JSON.stringify(model)}`, {
    evidence: { model },
  });
}

function ownProvider(
  task: WorkerTask,
  context: PlanContext,
  settings: OpenCodeSettings & { base_url: string },
  asked: string | undefined,
): ProviderPlan {
  if (asked === undefined) {
    throw new AgentCoreError(
      "AC_CONFIG_INVALID",
      `workers.${task.worker}.settings: base_url needs a model; name one with --model or in the settings`,
      { evidence: { worker: task.worker } },
    );
  }
  const id = settings.provider;
  const model = asked.startsWith(`${id}/`) ? asked.slice(id.length + 1) : asked;
  const { spendGate } = context;
  const variables = defaultKeyVariables[settings.api];
  const key =
    spendGate === undefined ? keyOf(task, context, settings, variables) : gateKey(spendGate, variables);
  const baseURL = addressFor(settings.base_url, spendGate);
  return {
    config: {
      ...chosenModel(`${id}/${model}`),
      enabled_providers: [id],
      provider: {
        [id]: {
          npm: clientLibraries[settings.api],
          name: id,
          options: { baseURL, ...keyOption(key), ...timeouts(settings) },
          models: { [model]: modelEntry(model, settings) },
        },
      },
    },
    model: `${id}/${model}`,
    env: key,
    selfContained: true,
  };
}

const defaultKeyVariables: Readonly<Record<OpenCodeSettings["api"], readonly string[]>> = {
  "openai-chat": ["OPENAI_API_KEY"],
  "openai-responses": ["OPENAI_API_KEY"],
  "anthropic-messages": ["ANTHROPIC_API_KEY"],
};

function builtInProvider(
  task: WorkerTask,
  context: PlanContext,
  settings: OpenCodeSettings,
  model: string | undefined,
): ProviderPlan {
  const slash = model?.indexOf("/") ?? -1;
  const id = model === undefined || slash <= 0 ? undefined : model.slice(0, slash);
  const variables = id === undefined ? credentialVariables : (keyVariables.get(id) ?? []);
  const { spendGate } = context;
  const address = builtInAddress(id, context);
  const key =
    spendGate === undefined ? keyOf(task, context, settings, variables) : gateKey(spendGate, variables);
  const options = {
    ...(settings.api_key_env === undefined && spendGate === undefined ? {} : keyOption(key)),
    ...(address === undefined ? {} : { baseURL: addressFor(address, spendGate) }),
    ...timeouts(settings),
  };
  return {
    config: {
      ...(model === undefined ? {} : chosenModel(model)),
      ...(id === undefined ? {} : { enabled_providers: [id], provider: { [id]: { options } } }),
    },
    model,
    env: key,
    selfContained: Object.keys(key).length > 0,
  };
}

/** The same model for the small tasks that OpenCode gives to another model by default: one provider, one bill. */
function chosenModel(model: string): Record<string, string> {
  return { model, small_model: model };
}

function keyOf(
  task: WorkerTask,
  context: Pick<PlanContext, "hostEnv">,
  settings: OpenCodeSettings,
  variables: readonly string[],
): Record<string, string> {
  const env = { ...context.hostEnv, ...task.env };
  const name = settings.api_key_env;
  const key = configuredKey(task.worker, name, env);
  return name === undefined || key === undefined ? pickEnv(env, variables) : { [name]: key };
}

/** The key stays in the environment; the configuration only names the variable. */
function keyOption(key: Readonly<Record<string, string>>): Record<string, string> {
  const name = Object.keys(key)[0];
  return name === undefined ? {} : { apiKey: `{env:${name}}` };
}

/** The address of a built-in provider; undefined: OpenCode's own. With the spend gate, those that can use it have one. */
function builtInAddress(
  id: string | undefined,
  { hostEnv, spendGate }: Pick<PlanContext, "hostEnv" | "spendGate">,
): string | undefined {
  const known = id === undefined ? undefined : builtInProviders.get(id);
  if (known === undefined) return undefined;
  const own = spendGate === undefined ? undefined : known.address;
  const address = (pickEnv(hostEnv, [known.variable])[known.variable] ?? own)?.replace(/\/+$/, "");
  return address === undefined || address.endsWith("/v1") ? address : `${address}/v1`;
}

function addressFor(address: string, spendGate: SpendGateAccess | undefined): string {
  return spendGate === undefined ? address : spendGate.url + divideAddress(address).path;
}

/** The key of the gate, in the variable that would have the provider's. */
function gateKey({ key }: SpendGateAccess, [name]: readonly string[]): Record<string, string> {
  return name === undefined ? {} : { [name]: key };
}

/** Where requests go without the gate. Null for a login, and for a built-in provider whose address OpenCode does not show. */
export function openCodeUpstream(task: WorkerTask, context: UpstreamContext): Upstream | null {
  const settings = readAdapterSettings(task.worker, openCodeSettingsSchema, context.settings);
  const { base_url: own, prices } = settings;
  if (own !== undefined) {
    const key = keyOf(task, context, settings, defaultKeyVariables[settings.api]);
    const upstream = upstreamAt(settings.provider, settings.api, own, key);
    if (prices === undefined) return upstream;
    const { input, cached_input: cachedInput, output } = prices;
    return { ...upstream, price: { input, cachedInput, output } };
  }
  const model = context.grants.model ?? task.model ?? settings.model;
  const id = model?.split("/")[0] ?? "";
  const known = model?.includes("/") === true ? builtInProviders.get(id) : undefined;
  if (known === undefined) return null;
  const key = keyOf(task, context, settings, keyVariables.get(id) ?? []);
  if (Object.keys(key).length === 0 && context.providersWithCredential?.includes(id) !== true) return null;
  const address = builtInAddress(id, context) ?? known.address;
  return upstreamAt(id, known.protocol, address, key);
}

function upstreamAt(
  provider: string,
  protocol: ProviderProtocol,
  address: string,
  key: Readonly<Record<string, string>>,
): Upstream {
  const value = Object.values(key)[0];
  const header =
    protocol === "anthropic-messages"
      ? { name: "x-api-key", value: value ?? "" }
      : { name: "authorization", value: `Bearer ${value}` };
  return {
    provider,
    protocol,
    baseUrl: divideAddress(address).baseUrl,
    credential: value === undefined ? { kind: "none" } : { kind: "header", ...header },
  };
}

function timeouts(settings: OpenCodeSettings): Record<string, number> {
  return { timeout: settings.request_timeout, chunkTimeout: settings.chunk_timeout };
}

function modelEntry(model: string, settings: OpenCodeSettings): Record<string, unknown> {
  const { prices } = settings;
  const cost = prices === undefined ? {} : { cost: costOf(prices) };
  return {
    name: model,
    tool_call: true,
    limit: { context: settings.context_tokens, output: settings.output_tokens },
    ...cost,
  };
}

function costOf(prices: NonNullable<OpenCodeSettings["prices"]>): Record<string, number> {
  return { input: prices.input, output: prices.output, cache_read: prices.cached_input ?? prices.input };
}
