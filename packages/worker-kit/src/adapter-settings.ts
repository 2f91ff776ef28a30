/**
 * Settings that every adapter for a model-calling CLI has, and how an adapter reads its part of the configuration file.
 * An adapter spreads {@link commonSettings} into its own strict schema, so that a misspelt key is an error.
 */
import { AgentCoreError } from "@agentcore/contract";
import { z } from "zod";

const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of an environment variable, not its value");

export const commonSettings = {
  /** Path of the worker's program, instead of a search on PATH. Read by the runner. */
  program: z.string().min(1).optional().meta({ description: "Path of the program; default: found on PATH." }),
  /** Whose HOME the worker gets. Read by the runner. */
  home: z.enum(["own", "user"]).optional().meta({
    description:
      "HOME of the worker: own (empty, per attempt) or user (the caller's, with its login). Default: own where a credential is in the environment, else user.",
  }),
  model: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Model where the task names none; default: the worker's." }),
  baseUrl: z
    .url({ protocol: /^https?$/, error: "must be an http or https address" })
    .optional()
    .meta({ description: "Address of the provider or of a gateway in front of it." }),
  apiKeyEnv: variableName
    .optional()
    .meta({ description: "Name of the environment variable that holds the key." }),
  passEnv: z
    .array(variableName)
    .default([])
    .meta({ description: "Further variables of the caller's environment that the worker gets." }),
} as const;

/** The settings with defaults filled in. Throws `AC_CONFIG_INVALID`, naming the worker and every field that is wrong. */
export function readAdapterSettings<S extends z.ZodType>(
  worker: string,
  schema: S,
  settings: Readonly<Record<string, unknown>>,
): z.output<S> {
  const parsed = schema.safeParse(settings);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(
    (issue) => `workers.${[worker, ...issue.path.map(String)].join(".")}: ${issue.message}`,
  );
  throw new AgentCoreError("AC_CONFIG_INVALID", fields.join("; "), { evidence: { worker } });
}

type Env = Readonly<Record<string, string | undefined>>;

/** The variables of those names that are set and not empty. */
export function pickEnv(env: Env, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = env[name];
    if (value !== undefined && value !== "") picked[name] = value;
  }
  return picked;
}

/**
 * The key that `apiKeyEnv` names, or `undefined` where the setting is absent. Throws `AC_CONFIG_INVALID` for a variable
 * that is not set: a worker without its key would only find out at its first request.
 */
export function configuredKey(worker: string, apiKeyEnv: string | undefined, env: Env): string | undefined {
  if (apiKeyEnv === undefined) return undefined;
  const key = env[apiKeyEnv];
  if (key !== undefined && key !== "") return key;
  throw new AgentCoreError(
    "AC_CONFIG_INVALID",
    `workers.${worker}.apiKeyEnv: the environment variable ${apiKeyEnv} is not set; export it, or name another`,
    { evidence: { worker, variable: apiKeyEnv } },
  );
}
