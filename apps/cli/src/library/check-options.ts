/** Checks what a program passes to the functions of the library: one strict schema for each set of options. */
import {
  AgentCoreError,
  dedupSchema,
  jobLimitsSchema,
  jobSchema,
  jobContextSchema,
  lazySchema,
  workerTaskSchema,
} from "@agentcore/contract";
import { adapterProblems } from "@agentcore/worker-kit";
import { describeValue, type ForeignWords } from "@agentcore/yaml-file";
import * as z from "zod";
import { isBuiltInWorker } from "../adapters.ts";
import type { AgentCoreOptions, CloseOptions } from "../create-agent-core.ts";
import { durationProblem } from "../options/job-from-options.ts";
import type { RunOptions } from "./run.ts";
import type { TestAgentCoreOptions } from "./testing.ts";
import type { AnswerOptions, ListPage, RetryWorkflowOptions, RunWorkflowOptions } from "./workflows.ts";

/** Has a field for each option, so that no option is forgotten here. */
type Fields<Options> = Readonly<Record<keyof Required<Options>, z.ZodType>>;

const text = z.string().min(1);
const aFunction = z.custom((value) => typeof value === "function", "must be a function");
const texts = z.custom(
  (value) => typeof value === "object" && value !== null && Object.values(value).every(isTextOrAbsent),
  "must be an object whose values are texts",
);
const log = z.custom(
  (value) => hasFunctions(value, ["debug", "info", "warn", "error"]),
  "must be an object with the functions debug, info, warn and error",
);
const signal = z.custom(
  (value) => hasFunctions(value, ["addEventListener", "removeEventListener"]) && "aborted" in value,
  "must be an AbortSignal",
);
/** Checked by `checkConfig`. */
const config = z.unknown().optional();
/** Checked by {@link requireAdapters}. */
const adapters = z.array(z.unknown()).optional();
const following = { signal: signal.optional(), onEvent: aFunction.optional() };
const shared = {
  stateDir: text.optional(),
  store: text.optional(),
  config,
  adapters,
  replaceBuiltIn: z.boolean().optional(),
  log: log.optional(),
} satisfies Partial<Fields<AgentCoreOptions>>;

const schemas = {
  "createAgentCore()": lazySchema(() =>
    z.strictObject({
      ...shared,
      claims: z.enum(["any", "own"]).optional(),
      env: texts.optional(),
    } satisfies Fields<AgentCoreOptions>),
  ),
  "run()": lazySchema(() => {
    const { worker, workspace, instructions, capabilities, model, env, session, outputs, verify } =
      workerTaskSchema.unwrap().shape;
    const { timeoutMs, silenceTimeoutMs, maxCostUsd, maxTokens, maxAttempts } =
      jobLimitsSchema.unwrap().shape;
    const { tenant, labels } = jobContextSchema.unwrap().shape;
    const { key } = jobSchema.unwrap().shape;
    const task = { worker, workspace, instructions, capabilities, model, env, session, outputs, verify };
    const limits = { timeoutMs, silenceTimeoutMs, maxCostUsd, maxTokens, maxAttempts };
    return z.strictObject({
      ...shared,
      ...following,
      ...task,
      ...limits,
      key,
      dedup: dedupSchema.optional(),
      tenant,
      labels,
      wait: z.boolean().optional(),
      hostEnv: texts.optional(),
    } satisfies Fields<RunOptions>);
  }),
  "createTestAgentCore()": lazySchema(() =>
    z.strictObject({
      workers: z.record(z.string(), aFunction),
      config,
    } satisfies Fields<TestAgentCoreOptions>),
  ),
  "close()": lazySchema(() =>
    z.strictObject({ finishRunning: z.boolean().optional() } satisfies Fields<CloseOptions>),
  ),
  "workflows.run()": lazySchema(() =>
    z.strictObject({
      ...following,
      workspace: text,
      id: text.optional(),
      env: texts.optional(),
      inputs: z.record(z.string(), z.unknown()).optional(),
      agents: z.array(text).optional(),
      maxCostUsd: z.number().positive().optional(),
      maxTokens: z.int().positive().optional(),
      branch: z
        .strictObject({
          baseBranch: text.optional(),
          protectedBranches: z.array(text).optional(),
          allowProtectedBranch: z.boolean().optional(),
        } satisfies Fields<NonNullable<RunWorkflowOptions["branch"]>>)
        .optional(),
    } satisfies Fields<RunWorkflowOptions>),
  ),
  "workflows.resume()": lazySchema(() => z.strictObject(following)),
  "workflows.retry()": lazySchema(() =>
    z.strictObject({ ...following, from: text.optional() } satisfies Fields<RetryWorkflowOptions>),
  ),
  "an answer": lazySchema(() =>
    z.strictObject({
      step: text.optional(),
      by: text.optional(),
      message: z.string().optional(),
    } satisfies Fields<AnswerOptions>),
  ),
  "workflows.list()": lazySchema(() =>
    z.strictObject({
      before: text.optional(),
      limit: z.int().positive().optional(),
    } satisfies Fields<ListPage>),
  ),
};

/** The JSON Schema of the options of the function, without what JSON cannot express. */
export function optionsSchema(of: keyof typeof schemas): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(schemas[of].unwrap(), { io: "input", unrepresentable: "any" });
}

/** Throws `AC_OPTION_INVALID` with every wrong option of the function, what it must be, and the nearest name. */
export function checkOptions(of: keyof typeof schemas, options: unknown): void {
  const schema = schemas[of];
  const parsed = schema.safeParse(options);
  if (parsed.success) return;
  const jsonSchema = (): z.core.JSONSchema.JSONSchema => optionsSchema(of);
  const words = { ...foreignWords, subject: "the options object", noun: "option" };
  const problems = parsed.error.issues.flatMap(
    (issue) => durationProblem(issue) ?? describeValue([issue], options, jsonSchema, words),
  );
  throw new AgentCoreError("AC_OPTION_INVALID", `${of}: ${problems.join("; ")}`, { evidence: { problems } });
}

const flat = (besides: string): { besides: string; cure: string } => ({
  besides,
  cure: "write its fields as options of their own",
});
const foreignWords: ForeignWords = {
  otherNames: {
    cwd: "workspace",
    directory: "workspace",
    prompt: "instructions",
    timeout: "timeoutMs",
    maxCost: "maxCostUsd",
    abortSignal: "signal",
    output: "outputs",
  },
  cures: { limits: flat("timeoutMs"), task: flat("timeoutMs"), context: flat("timeoutMs") },
};

/**
 * Throws `AC_ADAPTER_INVALID` for the first one that does not meet the contract, has the name of an earlier one, or, without
 * `replaceBuiltIn`, of a built-in worker.
 */
export function requireAdapters({ adapters: given = [], replaceBuiltIn = false }: AgentCoreOptions): void {
  for (const [index, adapter] of given.entries()) {
    const problems = adapterProblems(adapter);
    const twin = given.findIndex((other) => other?.name === adapter?.name);
    if (problems.length === 0 && twin < index) problems.push(`adapters[${twin}] has the same name`);
    if (problems.length === 0 && !replaceBuiltIn && isBuiltInWorker(adapter.name))
      problems.push("a built-in worker has this name; give it another one, or set replaceBuiltIn: true");
    if (problems.length === 0) continue;
    const name: unknown = adapter?.name;
    const which = `adapters[${index}]${typeof name === "string" ? ` ("${name}")` : ""}`;
    throw new AgentCoreError("AC_ADAPTER_INVALID", `${which} cannot be used: ${problems.join("; ")}`, {
      evidence: { index, problems },
    });
  }
}

function hasFunctions(value: unknown, names: readonly string[]): value is Readonly<Record<string, unknown>> {
  const found = value as Readonly<Record<string, unknown>> | null;
  return typeof value === "object" && names.every((name) => typeof found?.[name] === "function");
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}
