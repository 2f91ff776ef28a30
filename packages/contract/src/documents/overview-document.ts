/** The first screen of a daemon: what runs, what waits and why, and what needs a person. See `job-documents.ts`. */
import { z } from "zod";
import { lazySchema } from "../lazy-schema.ts";
import { pressureLevelSchema } from "../runtime.ts";
import { budgetShape } from "./job-documents.ts";

const text = z.string();
const maybeText = z.string().nullable();
const maybeNumber = z.number().nullable();
const maybeCount = z.int().nonnegative().nullable();
const count = z.int().nonnegative();

/** Most entries of `running`. */
export const overviewRunningMax = 200;
/** Most entries of `triggers`. */
export const overviewTriggersMax = 50;
/** Most entries of `runs`, and of each kind of `attention` that names one thing each. */
export const overviewRunsMax = 50;
/** Longest text of `instructions`, `tool` and of a reason. */
export const overviewTextCharsMax = 120;

const activities = [
  "starting",
  "working",
  "waiting",
  "streaming",
  "tool",
  "silent",
  "looping",
  "finished",
  "stopping",
] as const;

const runningSchema = () =>
  z.strictObject({
    job: text,
    run: maybeText,
    step: maybeText,
    worker: text,
    model: maybeText,
    workspace: text,
    instructions: text.meta({ description: "The beginning of the instructions." }),
    attempt: count,
    maxAttempts: count,
    startedAt: maybeNumber.meta({ description: "When the worker was started; null: it is being prepared." }),
    activity: z.enum(activities).meta({
      description:
        "`starting`: no output yet; `waiting`: for the first byte of a response of the provider; `streaming`: it receives a response; `tool`: a tool call is open; `silent`: no sign of the worker for 60 s, or a quarter of its limit for silence if that is less; `looping`: it sends the same request again and again; `finished`: it reported its end and has not exited; `stopping`: it was asked to stop; `working`: none of these. `waiting`, `streaming` and `looping` are known of runs that use the spend gate.",
    }),
    activityAt: maybeNumber.meta({
      description:
        "Since when; of `silent`, `working` and `stopping`, when the last sign of the worker came.",
    }),
    tool: maybeText.meta({ description: "The tool call that is open, in words." }),
    lastOutputAt: maybeNumber,
    costUsd: maybeNumber.meta({ description: "Of this job so far, as the worker reports it." }),
    maxCostUsd: maybeNumber,
    tokens: maybeCount,
    maxTokens: maybeCount,
    code: maybeText.meta({ description: "Why it is to stop." }),
    reason: maybeText,
  });

const workflowRunSchema = () =>
  z.strictObject({
    id: text,
    name: text,
    state: text,
    steps: count,
    done: count.meta({ description: "Steps that have ended, the failed ones included." }),
    failed: count,
    running: count,
    waiting: count.meta({ description: "Steps that have not begun, or wait for an answer or a retry." }),
    submittedAt: z.number(),
    costUsd: maybeNumber,
    maxCostUsd: maybeNumber,
  });

const attentionKinds = [
  "approval",
  "dead_letters",
  "trigger_paused",
  "survivors",
  "escalation",
  "unready",
] as const;

const attentionSchema = () =>
  z.strictObject({
    kind: z.enum(attentionKinds),
    text,
    at: maybeNumber,
    run: maybeText,
    step: maybeText,
    job: maybeText,
    trigger: maybeText,
    count: maybeCount,
  });

export const overviewDocumentSchema = lazySchema(() =>
  z.strictObject({
    type: z.literal("overview"),
    at: z.number(),
    /** Of the daemon; null if it has none. */
    name: maybeText,
    startedAt: z.number(),
    ready: z.enum(["starting", "ready", "draining"]),
    queue: z.strictObject({
      ready: count,
      delayed: count,
      running: count,
      dead: count,
      oldestWaitMs: z.number(),
    }),
    running: z.array(runningSchema()).max(overviewRunningMax).meta({
      description: "Running jobs, the one that runs longest first; `queue.running` has the number of all.",
    }),
    runs: z
      .array(workflowRunSchema())
      .max(overviewRunsMax)
      .meta({ description: "Workflow runs that go on or wait, newest first." }),
    waiting: z
      .array(
        z.strictObject({
          code: maybeText.meta({ description: "Null: they wait for their turn or their time." }),
          reason: text,
          jobs: count,
          oldestAt: maybeNumber.meta({ description: "Since when the example waits." }),
          example: text.meta({
            description: "Id of one of them: the first in line, or the one that waits longest.",
          }),
        }),
      )
      .meta({ description: "Queued jobs by what they wait for, the most first." }),
    attention: z.array(attentionSchema()).meta({ description: "What needs a person." }),
    budgets: z.array(z.strictObject(budgetShape())),
    spentTodayUsd: maybeNumber.meta({ description: "Null: not known." }),
    breakers: z
      .array(
        z.strictObject({
          name: text,
          state: z.enum(["open", "half_open", "isolated"]),
          probeAt: maybeNumber.meta({ description: "When the next attempt may pass." }),
        }),
      )
      .meta({ description: "Circuit breakers that let nothing pass, or only a probe." }),
    pauses: z.array(z.strictObject({ trigger: text, note: text, at: z.number() })),
    pressure: pressureLevelSchema.nullable().meta({ description: "Null: the runtime does not answer." }),
    triggers: z
      .array(z.strictObject({ name: text, nextAt: maybeNumber, waiting: count, running: count }))
      .max(overviewTriggersMax),
  }),
);
export type OverviewDocument = z.infer<typeof overviewDocumentSchema>;
export type OverviewRunning = OverviewDocument["running"][number];
