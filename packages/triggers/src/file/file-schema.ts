/** The format of a daemon file, version "1"; `daemonJsonSchema` is what editors use. */
import { storeUrlProblem } from "@agentcore/contract";
import { envText, holdersInSchema, idSchema, versionSchema, type Environment } from "@agentcore/yaml-file";
import { z } from "zod";
import { eventSchema, portSchema } from "./event-schema.ts";
import { budgetSchema, triggerSchema } from "./trigger-schema.ts";

const nameCharsMax = 100;
const concurrencyMax = 100;
const eventsMax = 500;
const triggersMax = 500;
/** Guessing a shorter one would not take long. */
const tokenCharsMin = 16;

const pathText = (env: Environment) =>
  envText(env).refine((text) => text !== "", { error: "is empty; write something" });

/** A path in which no variable is expanded. */
const plainPath = z
  .string()
  .min(1)
  .refine((text) => !/\$\{[^}]*\}/.test(text), {
    error: "no variable is expanded here; write the path itself",
  });

const serverSchema = (env: Environment) =>
  z
    .strictObject({
      socket: plainPath.optional().meta({
        description:
          "Unix socket of the API, relative to the workspace. Default: daemon.sock in `state_dir`.",
      }),
      http: z
        .strictObject({
          host: z
            .string()
            .min(1)
            .optional()
            .meta({ description: "Address to listen at. Default: 127.0.0.1, this machine only." }),
          port: portSchema.meta({ description: "TCP port. 0: any." }),
          names: z
            .array(z.string().regex(/^[^\s/:@[\]]+$/, { error: "is no host name; write it without a port" }))
            .max(100)
            .optional()
            .meta({
              description:
                "Names by which clients may call the API, such as that of a proxy, beside localhost and `host`.",
            }),
        })
        .optional()
        .meta({ description: "TCP port of the API. Default: none." }),
      token: envText(env)
        .refine((text) => text.length >= tokenCharsMin, {
          error: `is shorter than ${tokenCharsMin} characters`,
        })
        .optional()
        .meta({ description: "Token that may do everything over TCP. `${NAME}` is expanded." }),
    })
    .meta({ description: "Where the API is." });

const someOf = (what: string, max: number) => ({
  check: (entries: object) => Object.keys(entries).length > 0 && Object.keys(entries).length <= max,
  error: ({ input }: { readonly input?: unknown }) =>
    Object.keys(input as object).length === 0 ? `has no ${what}` : `has more than ${max} ${what}s`,
});

function records<T extends z.ZodType>(entry: T, what: string, max: number) {
  const { check, error } = someOf(what, max);
  return z.record(idSchema, entry).refine(check, { error });
}

export const daemonFileSchema = (env: Environment) =>
  z
    .strictObject({
      name: z
        .string()
        .trim()
        .min(1)
        .max(nameCharsMax, `is longer than ${nameCharsMax} characters`)
        .meta({ description: "Of the daemon, in lists and records." }),
      version: versionSchema,
      description: z.string().optional().meta({ description: "For people." }),
      workspace: pathText(env).meta({
        description: "Directory that workflows run in. `${NAME}` is expanded.",
      }),
      agents_file: plainPath
        .optional()
        .meta({ description: "File of agent profiles, relative to the workspace." }),
      log_dir: pathText(env)
        .optional()
        .meta({ description: "Has no effect; accepted in files of other systems." }),
      state_dir: pathText(env).optional().meta({
        description:
          "Directory of the store, relative to the workspace. Default: .daemon-state. `${NAME}` is expanded.",
      }),
      store: envText(env)
        .refine((url) => storeUrlProblem(url) === null, {
          error: ({ input }) => storeUrlProblem(String(input)),
        })
        .optional()
        .meta({
          description:
            "URL of a PostgreSQL database that several machines share. `${NAME}` is expanded. The variable AGENTCORE_STORE wins. Default: `store` of agentcore.yaml, or else the file state.db in `state_dir`.",
        }),
      max_concurrent_workflows: z
        .int()
        .min(1)
        .max(concurrencyMax)
        .optional()
        .meta({ description: "Runs at once, over all triggers. Default: 5." }),
      budget: budgetSchema.optional(),
      server: serverSchema(env).optional(),
      events: records(eventSchema(env), "event", eventsMax).meta({
        description: "What brings events, by id.",
        minProperties: 1,
        maxProperties: eventsMax,
      }),
      triggers: records(triggerSchema(env), "trigger", triggersMax).meta({
        description: "Which event starts which workflow, by id.",
        minProperties: 1,
        maxProperties: triggersMax,
      }),
    })
    .meta({
      title: "AgentCore daemon",
      description: "Events, and the workflows that they start.",
      patternProperties: holdersInSchema,
    });

export type DaemonFile = z.output<ReturnType<typeof daemonFileSchema>>;

export function daemonJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(daemonFileSchema({}), { io: "input" });
}
