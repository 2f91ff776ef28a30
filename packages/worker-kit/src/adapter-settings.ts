/**
 * Settings shared by all adapters for model-calling CLIs, and the parser of an adapter's part of the configuration file. An
 * adapter spreads {@link commonSettings} into its own strict schema, so that a misspelt key is an error.
 */
import { AgentCoreError } from "@agentcore/contract";
import { z } from "zod";

const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of an environment variable, not its value");

/** For an address that has passed the check before. */
function hasPassword(address: string): boolean {
  const url = URL.parse(address);
  return url !== null && (url.username !== "" || url.password !== "");
}

export const commonSettings = {
  model: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Model if the task names none; default: the worker's." }),
  base_url: z
    .url({ protocol: /^https?$/, error: "must be an http or https address" })
    .refine((address) => !hasPassword(address), {
      error: "must hold no user or password: command lines show it; name the key's variable in api_key_env",
    })
    .optional()
    .meta({ description: "Address of the provider, or of a gateway in front of it." }),
  api_key_env: variableName
    .optional()
    .meta({ description: "Name of the environment variable that holds the key." }),
} as const;

/** Settings that the runner reads, in the same mapping as the adapter's own. */
const runnerSettings: readonly string[] = ["program", "home", "env_pass"];

/** The settings with defaults filled in. Throws `AC_CONFIG_INVALID`, naming the worker and every field that is wrong. */
export function readAdapterSettings<S extends z.ZodType>(
  worker: string,
  schema: S,
  settings: Readonly<Record<string, unknown>>,
): z.output<S> {
  const own = Object.fromEntries(Object.entries(settings).filter(([name]) => !runnerSettings.includes(name)));
  const parsed = schema.safeParse(own);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(
    (issue) => `workers.${[worker, "settings", ...issue.path.map(String)].join(".")}: ${issue.message}`,
  );
  throw new AgentCoreError("AC_CONFIG_INVALID", fields.join("; "), { evidence: { worker } });
}

type Env = Readonly<Record<string, string | undefined>>;

/** The variables of those names that are set and not empty. */
export function pickEnv(env: Env, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value !== undefined && value !== "") picked[name] = value;
  }
  return picked;
}

/**
 * The key from the variable that `api_key_env` names, or `undefined` if the setting is absent. Throws `AC_CONFIG_INVALID`
 * for an unset variable, because the worker would fail only at its first request.
 */
export function configuredKey(worker: string, apiKeyEnv: string | undefined, env: Env): string | undefined {
  if (apiKeyEnv === undefined) return undefined;
  const key = env[apiKeyEnv];
  if (key !== undefined && key !== "") return key;
  throw new AgentCoreError(
    "AC_CONFIG_INVALID",
    `workers.${worker}.settings.api_key_env: the environment variable ${apiKeyEnv} is not set; export it, or name another`,
    { evidence: { worker, variable: apiKeyEnv } },
  );
}
