/** The schema of the entries of `events`, one for each type of source. */
import { durationSchema } from "@agentcore/contract";
import { envText, type Environment } from "@agentcore/yaml-file";
import { z } from "zod";
import { scheduleProblem, timeZoneProblem } from "./cron-schedule.ts";

/** Shorter intervals would fill the store with events. */
const intervalMsMin = 1000;
const globsMax = 100;

const interval = durationSchema.refine((ms) => ms >= intervalMsMin, { error: "is shorter than 1s" });

/** Reports the problem that the function finds. */
export const checkedText = (problemOf: (text: string) => string | null) =>
  z.string().superRefine((text, context) => {
    const problem = problemOf(text);
    if (problem !== null) context.addIssue({ code: "custom", message: problem });
  });

const intervalSchema = z
  .strictObject({
    type: z.literal("interval").meta({ description: "At a fixed interval." }),
    every: interval.meta({ description: "Time between two events, at least 1s." }),
  })
  .meta({ description: "An event at a fixed interval." });

const cronSchema = z
  .strictObject({
    type: z.literal("cron").meta({ description: "At the moments of a schedule." }),
    schedule: checkedText(scheduleProblem).meta({
      description: "Minute, hour, day of the month, month, day of the week (0 and 7 are Sunday).",
      examples: ["0 9 * * 1-5"],
    }),
    timezone: checkedText(timeZoneProblem)
      .optional()
      .meta({ description: "IANA name, such as Europe/Berlin. Default: that of the machine." }),
    missed: z.enum(["skip", "once", "all"]).optional().meta({
      description:
        "What runs after a downtime. skip: no missed slot; once (default): the newest one; all: each of them.",
    }),
    catchup_window: durationSchema
      .optional()
      .meta({ description: "Missed slots that are older are skipped. Default: 1h." }),
  })
  .meta({ description: "An event at each moment of a cron schedule." });

/** Globs of files inside the workspace. */
const glob = z
  .string()
  .min(1)
  .refine((path) => !path.startsWith("/") && !path.split("/").includes(".."), {
    error: "is outside the workspace; write a path below it",
  });

const fileWatchSchema = z
  .strictObject({
    type: z.literal("fswatch").meta({ description: "When files change." }),
    paths: z
      .array(glob)
      .min(1)
      .max(globsMax)
      .meta({ description: "Globs of files, relative to the workspace." }),
    ignore: z
      .array(glob)
      .max(globsMax)
      .optional()
      .meta({ description: "Globs of files whose changes do not count." }),
    events: z
      .array(z.enum(["create", "modify", "delete"]))
      .min(1)
      .optional()
      .meta({ description: "Kinds of changes. Default: all." }),
  })
  .meta({ description: "An event when files of the workspace change." });

/** 0 is any free port. */
export const portSchema = z.int().min(0).max(65_535);

const methods = ["POST", "PUT", "PATCH", "GET", "DELETE"] as const;
type Method = (typeof methods)[number];

const webhookSchema = (env: Environment) =>
  z
    .strictObject({
      type: z.literal("webhook").meta({ description: "When an HTTP request comes." }),
      path: checkedText(urlPathProblem).meta({
        description: "Path of the URL, such as /hooks/github.",
        examples: ["/hooks/github"],
      }),
      port: portSchema
        .optional()
        .meta({ description: "TCP port; all webhooks of a port share a server. 0: any. Default: 8080." }),
      host: z
        .string()
        .min(1)
        .optional()
        .meta({ description: "Address to listen at. Default: 127.0.0.1, this machine only." }),
      secret: envText(env)
        .refine((text) => text !== "", { error: "is empty; write something" })
        .optional()
        .meta({
          description:
            "Key of the signature X-Hub-Signature-256; requests without it are refused. `${NAME}` is expanded.",
        }),
      method: z
        .enum([...methods, ...methods.map((method) => method.toLowerCase() as Lowercase<Method>)])
        .transform((method) => method.toUpperCase() as Method)
        .optional()
        .meta({ description: "HTTP method. Default: POST." }),
    })
    .meta({ description: "An event for each HTTP request." });

const urlPathMax = 500;

function urlPathProblem(path: string): string | null {
  if (path.length > urlPathMax) return `is longer than ${urlPathMax} characters`;
  const sent =
    path.startsWith("/") && URL.canParse(path, "http://host") ? new URL(path, "http://host") : null;
  return sent?.pathname === path && sent.host === "host"
    ? null
    : "is not the path of a URL: write it as it is sent, such as /hooks/github";
}

const commandSchema = z
  .strictObject({
    type: z.literal("command").meta({ description: "When a command prints something else." }),
    command: z.string().trim().min(1).meta({ description: "Script for bash, run in the workspace." }),
    interval: interval.meta({ description: "Time between two runs of the command, at least 1s." }),
    trigger_on: z.enum(["change", "always"]).optional().meta({
      description:
        "change (default): an event when it prints something else than before; always: an event each time.",
    }),
  })
  .meta({ description: "An event when a command prints something else than before." });

const topicCharsMax = 200;

const queueSchema = z
  .strictObject({
    type: z.literal("queue").meta({ description: "When an event is sent to a topic." }),
    topic: z
      .string()
      .max(topicCharsMax, `is longer than ${topicCharsMax} characters`)
      .regex(/^[A-Za-z0-9][\w./:-]*$/, "is not a topic: letters, digits and . _ - / : only")
      .meta({ description: "Name that events are sent to." }),
  })
  .meta({ description: "An event for each message that is sent to a topic." });

export const eventSchema = (env: Environment) =>
  z.discriminatedUnion("type", [
    intervalSchema,
    cronSchema,
    fileWatchSchema,
    webhookSchema(env),
    commandSchema,
    queueSchema,
  ]);

export type FileEvent = z.output<ReturnType<typeof eventSchema>>;
