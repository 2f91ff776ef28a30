/** The limits of a job as somebody types them. */
import { ApiError } from "../../api/call.ts";

export interface LimitFields {
  readonly model: string;
  readonly minutes: string;
  readonly attempts: string;
  readonly costUsd: string;
  readonly tokens: string;
}

export const noLimits: LimitFields = { model: "", minutes: "", attempts: "", costUsd: "", tokens: "" };

/** By the dotted path in the job. Nothing for a field that is empty. Throws an error that names a field that is no number. */
export function editsOf({
  model,
  minutes,
  attempts,
  costUsd,
  tokens,
}: LimitFields): Record<string, string | number> {
  const edits = {
    "task.model": model.trim() === "" ? undefined : model.trim(),
    "limits.timeoutMs": scaled(numberOf("The time limit", minutes), 60_000),
    "limits.maxAttempts": wholeOf("The number of attempts", attempts),
    "limits.maxCostUsd": numberOf("The cost limit", costUsd),
    "limits.maxTokens": wholeOf("The limit of tokens", tokens),
  };
  return Object.fromEntries(
    Object.entries(edits).filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  );
}

function numberOf(what: string, text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const value = Number(trimmed);
  if (Number.isFinite(value) && value > 0) return value;
  throw wrong(`${what} is not a number above 0.`);
}

function wholeOf(what: string, text: string): number | undefined {
  const value = numberOf(what, text);
  if (value === undefined || Number.isInteger(value)) return value;
  throw wrong(`${what} is not a whole number.`);
}

/** Shown as errors of the daemon are. */
const wrong = (text: string): ApiError => new ApiError("page", text, { cure: "", status: 0 });

const scaled = (value: number | undefined, by: number): number | undefined =>
  value === undefined ? undefined : Math.round(value * by);

export interface NewJob extends LimitFields {
  readonly worker: string;
  readonly workspace: string;
  readonly instructions: string;
  readonly capabilities: readonly string[];
}

/** A submission. Throws as {@link editsOf} does. */
export function submissionOf(job: NewJob): object {
  const edits = Object.entries(editsOf(job));
  const part = (prefix: string): object =>
    Object.fromEntries(
      edits.flatMap(([path, value]) => (path.startsWith(prefix) ? [[path.slice(prefix.length), value]] : [])),
    );
  const { instructions, capabilities } = job;
  const task = { worker: job.worker.trim(), workspace: job.workspace.trim(), instructions, capabilities };
  return { task: { ...task, ...part("task.") }, limits: part("limits.") };
}
