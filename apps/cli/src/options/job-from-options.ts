/**
 * Builds a job from the command line and the configuration's defaults. Finds every error in it before anything is opened or
 * started.
 */
import {
  AgentCoreError,
  formatDuration,
  ignore,
  jobPayloadBytesMax,
  jobSubmissionSchema,
  loaderEffect,
  traceparentSchema,
  type Capability,
  type Dedup,
  type ErrorCode,
  type JobSubmission,
  type OutputSpec,
} from "@agentcore/contract";
import * as z from "zod";
import { checkPayload, reservedLabelPrefix } from "@agentcore/scheduler";
import { describeValue } from "@agentcore/yaml-file";
import { isUtf8 } from "node:buffer";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { relative, resolve } from "node:path";
import type { LoadedConfig } from "../config/load.ts";
import type { Io } from "../io.ts";
import { decodeText, withoutByteOrderMark } from "../text-files.ts";

/** As parsed from the command line; see `taskOptions`. */
export interface TaskOptions {
  readonly worker?: string;
  readonly workspace?: string;
  readonly capabilities?: readonly Capability[];
  readonly model?: string;
  readonly timeout?: number;
  readonly maxCost?: number;
  readonly maxTokens?: number;
  readonly maxAttempts?: number;
  readonly silenceTimeout?: number;
  readonly key?: string;
  readonly dedup?: Dedup;
  readonly session?: string;
  readonly verify?: string;
  readonly output?: readonly OutputSpec[];
  readonly env?: Readonly<Record<string, string>>;
  readonly tenant?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly interactive?: boolean;
  readonly requireSealed?: boolean;
  readonly config?: string;
  readonly stateDir?: string;
}

/** The absolute path of a workspace on this machine, relative to the current directory, which is the default. */
export const workspaceHere =
  (cwd: string) =>
  (given = "."): string =>
    checkWorkspace(resolve(cwd, given));

/** Throws `AC_USAGE`, `AC_WORKSPACE_MISSING`, `AC_JOB_INVALID` or `AC_JOB_TOO_LARGE`. */
export function jobFromOptions(
  instructions: string,
  options: TaskOptions,
  loaded: LoadedConfig,
  { cwd, env }: Pick<Io, "cwd" | "env">,
  workspaceOf = workspaceHere(cwd),
): JobSubmission {
  const { defaults } = loaded.config;
  const worker = options.worker ?? defaults.worker;
  if (worker === undefined) {
    throw new AgentCoreError(
      "AC_USAGE",
      "no worker given: use --worker NAME or set defaults.worker in agentcore.yaml (`agentcore doctor` lists the workers)",
    );
  }
  if (options.dedup !== undefined && options.key === undefined)
    throw new AgentCoreError(
      "AC_USAGE",
      "--dedup needs --key: it decides what happens if an unfinished job holds the key",
    );
  const capabilities = options.capabilities ?? defaults.capabilities;
  return checkJob(
    withoutUndefined({
      key: options.key,
      dedup: options.dedup ?? defaults.dedup,
      priority: withoutUndefined({ class: options.interactive === true ? "interactive" : undefined }),
      task: withoutUndefined({
        worker,
        workspace: workspaceOf(options.workspace),
        instructions,
        model: options.model ?? defaults.model,
        capabilities: capabilities === undefined ? undefined : [...capabilities],
        env: options.env,
        session: options.session,
        outputs: options.output,
        verify: options.verify,
      }),
      limits: withoutUndefined({
        timeoutMs: options.timeout ?? defaults.timeout,
        maxAttempts: options.maxAttempts ?? defaults.max_attempts,
        maxCostUsd: options.maxCost ?? defaults.max_cost,
        maxTokens: options.maxTokens ?? defaults.max_tokens,
        silenceTimeoutMs: options.silenceTimeout,
      }),
      requireContainment: options.requireSealed === true ? "sealed" : undefined,
      context: withoutUndefined({
        // The standard says to ignore a malformed one.
        traceparent: traceparentSchema.safeParse(env["TRACEPARENT"]).data,
        tenant: options.tenant,
        labels: options.label,
      }),
    }),
  );
}

/** Warns about variables that do more in the worker than hold a value. */
export function warnOfLoaders(env: TaskOptions["env"], io: Pick<Io, "stderr">): void {
  for (const name of Object.keys(env ?? {})) {
    const effect = loaderEffect(name);
    if (effect !== null)
      io.stderr.write(`agentcore: --env ${name} can ${effect}, checks of this run among them\n`);
  }
}

/** The valid job; otherwise throws `AC_JOB_INVALID` with every invalid field. */
export function checkJob(job: unknown): JobSubmission {
  checkPayload(job);
  const size = Buffer.byteLength(JSON.stringify(job) ?? "");
  if (size > jobPayloadBytesMax) {
    throw new AgentCoreError(
      "AC_JOB_TOO_LARGE",
      `the job takes ${size} bytes of JSON; at most ${jobPayloadBytesMax} are allowed`,
    );
  }
  const parsed = jobSubmissionSchema.safeParse(job);
  if (parsed.success) {
    refuseReservedLabels(parsed.data);
    refuseOutputsOutside(parsed.data);
    return parsed.data;
  }
  const problems = parsed.error.issues.flatMap((issue) => durationProblem(issue) ?? describeJob(issue, job));
  throw new AgentCoreError("AC_JOB_INVALID", problems.join("; "), { evidence: { problems } });
}

/** A job with such a label would count as a step of a run and wait for it. */
function refuseReservedLabels({ context }: JobSubmission): void {
  const reserved = Object.keys(context?.labels ?? {}).find((name) => name.startsWith(reservedLabelPrefix));
  if (reserved === undefined) return;
  const message = `the label "${reserved}" cannot be set: names that start with ${reservedLabelPrefix} are reserved for steps of workflows`;
  throw new AgentCoreError("AC_JOB_INVALID", message, { evidence: { label: reserved } });
}

/** Such an output is never collected: say so before anything is spent. */
function refuseOutputsOutside({ task: { workspace, outputs = [] } }: JobSubmission): void {
  const problems = outputs.flatMap(({ path }, index) => {
    const way = relative(workspace, resolve(workspace, path));
    const leaves = way === ".." || way.startsWith("../");
    return leaves ? [`task.outputs[${index}].path: "${path}" leaves the workspace ${workspace}`] : [];
  });
  if (problems.length > 0)
    throw new AgentCoreError("AC_JOB_INVALID", problems.join("; "), { evidence: { problems } });
}

function describeJob(issue: z.core.$ZodIssue, job: unknown): string[] {
  const jsonSchema = (): Record<string, unknown> => z.toJSONSchema(jobSubmissionSchema, { io: "input" });
  return describeValue([issue], job, jsonSchema, { subject: "the job", noun: "field" });
}

/** A limit on a duration is printed as a duration. Null for any other problem. */
export function durationProblem(issue: z.core.$ZodIssue): string | null {
  if (!String(issue.path.at(-1)).endsWith("Ms")) return null;
  const name = issue.path.join(".");
  if (issue.code === "too_big") return `${name}: must be at most ${formatDuration(Number(issue.maximum))}`;
  if (issue.code === "too_small" && issue.inclusive === false)
    return `${name}: must be greater than ${issue.minimum}`;
  if (issue.code === "too_small") return `${name}: must be at least ${formatDuration(Number(issue.minimum))}`;
  return null;
}

/** The directory with symbolic links resolved, so that another name for it cannot bypass its lock. */
export function checkWorkspace(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) {
    const what = found === undefined ? "does not exist" : "is not a directory";
    throw new AgentCoreError("AC_WORKSPACE_MISSING", `the workspace ${path} ${what}`, {
      evidence: { workspace: path },
    });
  }
  return realpathSync(path);
}

/** The argument, or all of stdin if it is `-`. Reads no more than the size limit of a job. */
export async function readInstructions(argument: string | undefined, io: Pick<Io, "stdin">): Promise<string> {
  if (argument === undefined) {
    throw new AgentCoreError(
      "AC_USAGE",
      "no instructions given: pass them as one quoted argument, or - to read stdin",
    );
  }
  const text =
    argument === "-" ? await readAll(io, jobPayloadBytesMax) : withoutByteOrderMark(checkArgument(argument));
  if (text.trim() === "") throw new AgentCoreError("AC_USAGE", "the instructions are empty");
  return text;
}

/** The argument as typed: Node replaces bytes that are not UTF-8, which would change the task silently. */
function checkArgument(argument: string): string {
  if (!argument.includes("\ufffd")) return argument;
  const name = "the argument with the instructions";
  for (const bytes of argumentBytes()) {
    if (!isUtf8(bytes) && bytes.toString("utf8") === argument) decodeText(bytes, name);
  }
  return argument;
}

/** The arguments of this process. Empty if the system does not report them. */
function argumentBytes(): Buffer[] {
  try {
    const bytes = readFileSync("/proc/self/cmdline");
    const parts: Buffer[] = [];
    for (let from = 0, to = bytes.indexOf(0); to !== -1; from = to + 1, to = bytes.indexOf(0, from))
      parts.push(bytes.subarray(from, to));
    return parts;
  } catch (error) {
    ignore(error, "there is no /proc; a replaced byte is then taken as it is");
    return [];
  }
}

/** All of stdin; throws `AC_JOB_TOO_LARGE`, or `code`, as soon as it exceeds `bytesMax`. `of`: what has this maximum. */
export async function readAll(
  io: Pick<Io, "stdin">,
  bytesMax: number,
  { of, code }: { readonly of: string; readonly code: ErrorCode } = { of: "a job", code: "AC_JOB_TOO_LARGE" },
): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of io.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > bytesMax) {
      throw new AgentCoreError(code, `stdin has more than ${bytesMax} bytes, the maximum of ${of}`);
    }
  }
  return decodeText(Buffer.concat(chunks), "stdin");
}

/** Omits optional fields instead of setting them to `undefined`: the job goes into a strict schema and a database. */
function withoutUndefined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
