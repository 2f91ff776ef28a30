/** The section `providers` of the configuration file: the settings of the spend gate by provider. */
import { durationSchema, lazySchema } from "@agentcore/contract";
import { isAbsolute } from "node:path";
import { z } from "zod";
import { priceFactorsSchema } from "./prices/index.ts";

const pathSchema = lazySchema(() =>
  z
    .string()
    .refine(isAbsolute, "must be an absolute path")
    .meta({ description: "Absolute path.", examples: ["/etc/agentcore/key"] }),
);

/** The names of headers in which providers take a credential. `authorization` has `Bearer ` before the credential. */
const headerSchema = lazySchema(() =>
  z.enum(["x-api-key", "authorization"]).optional().meta({
    description:
      "The header that carries the credential. Default: `x-api-key` for the Messages API of Anthropic, else `authorization`.",
  }),
);

const credentialSchema = lazySchema(() =>
  z
    .union(
      [
        z.strictObject({
          env: z
            .string()
            .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of a variable")
            .meta({ description: "Environment variable of AgentCore that has the credential." }),
          header: headerSchema,
        }),
        z.strictObject({
          file: pathSchema.meta({ description: "File that has the credential, and nothing else." }),
          refresh: durationSchema.prefault("1m").meta({
            description: "How long what was read is used. A 401 of the provider ends it earlier.",
          }),
          header: headerSchema,
        }),
        z.strictObject({
          command: z.string().min(1).meta({
            description: "Command of a shell that prints the credential, such as one of a password manager.",
          }),
          refresh: durationSchema.prefault("10m").meta({
            description: "How long what it printed is used. A 401 of the provider ends it earlier.",
          }),
          header: headerSchema,
        }),
        z.strictObject({
          login: z
            .literal(true)
            .meta({ description: "The worker's own login, which is passed on as it is." }),
        }),
      ],
      {
        error:
          "must say where the credential is, such as { env: NAME }, { file: /PATH } or { command: … }; the credential itself does not belong in this file",
      },
    )
    .meta({ description: "Where the provider's credential comes from. Default: the worker's own setting." }),
);
export type CredentialConfig = z.output<typeof credentialSchema>;

const dollarsPerMillion = z.number().nonnegative().max(1_000_000);

const unknownPriceSchema = lazySchema(() =>
  z.strictObject({
    input: dollarsPerMillion,
    cached_input: dollarsPerMillion.optional(),
    cache_write: dollarsPerMillion.optional(),
    cache_write_1h: dollarsPerMillion.optional(),
    output: dollarsPerMillion,
  }),
);

const rates = {
  requests_per_minute: z.int().min(1).max(10_000_000).optional().meta({
    description: "Most requests a minute of all attempts together; later ones wait for their turn.",
  }),
  tokens_per_minute: z.int().min(1).max(1e12).optional().meta({
    description: "Most tokens a minute of all attempts together, input and output; later requests wait.",
  }),
} as const;

function isProviderAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === "";
}

export const providerSchema = lazySchema(() =>
  z.strictObject({
    base_url: z
      .string()
      .refine(
        isProviderAddress,
        "must be an http or https address without user, password, query and fragment",
      )
      .transform((text) => text.replace(/\/+$/, ""))
      .optional()
      .meta({ description: "Where requests go. Default: the worker's own setting." }),
    credential: credentialSchema.optional(),
    client_certificate: z
      .strictObject({ cert: pathSchema, key: pathSchema })
      .optional()
      .meta({ description: "PEM files of the certificate that identifies AgentCore to the provider." }),
    ca: pathSchema.optional().meta({
      description: "PEM file with the certificates to trust for this provider, instead of the usual ones.",
    }),
    ...rates,
    output_bound: z.int().min(1).max(10_000_000).default(32_000).meta({
      description:
        "Output tokens that are held for a request that asks for more, or for no limit. A longer response takes more from what is left.",
    }),
    ask_for_usage: z.boolean().default(true).meta({
      description:
        "Whether a stream of Chat Completions is asked to report its usage, with `stream_options.include_usage`. Set it to false for a server that refuses the field; its streams are then charged estimates.",
    }),
    unknown_price: unknownPriceSchema.optional().meta({
      description:
        "US dollars per million tokens of a model that has no price. Default: that of the dearest model of the same line, such as `haiku`, or else of the provider. Its charges are flagged `estimated`.",
    }),
    price_factors: priceFactorsSchema.optional(),
    models: z
      .record(z.string().min(1), z.strictObject(rates))
      .default({})
      .meta({ description: "The same rates by model, in addition to those of the provider." }),
  }),
);
export type ProviderConfig = z.output<typeof providerSchema>;

export const providersSchema = lazySchema(() =>
  z
    .record(z.string().min(1), providerSchema)
    .default({})
    .meta({ description: "Settings of the spend gate by provider, such as `anthropic`." }),
);
/** By the provider's name. */
export type ProvidersConfig = z.output<typeof providersSchema>;
