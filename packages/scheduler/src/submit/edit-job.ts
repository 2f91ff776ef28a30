/** Changes of fields of a job before it is submitted again. */
import { ignore, type Job, type JobInput } from "@agentcore/contract";
import type { EditJob } from "./dead-letters.ts";

export interface JobEdit {
  /** Names of fields, from the outermost. */
  readonly path: readonly string[];
  readonly value: unknown;
  /** The value is a text that a person typed: it stays a text if the field is one, and is JSON otherwise. */
  readonly isTyped?: boolean;
}

/** Undefined if there is nothing to change. */
export function editJob(edits: readonly JobEdit[]): EditJob | undefined {
  if (edits.length === 0) return undefined;
  return (job: Job) => edits.reduce<JobInput>((edited, edit) => setAt(edited, edit.path, edit), job);
}

function setAt<T extends object>(target: T, [key = "", ...rest]: readonly string[], edit: JobEdit): T {
  const before = Object.hasOwn(target, key) ? (target as Record<string, unknown>)[key] : undefined;
  const inner = typeof before === "object" && before !== null ? before : {};
  const changed = rest.length === 0 ? valueFor(before, edit) : setAt(inner, rest, edit);
  // Assignment would lose a name such as `__proto__`.
  return Object.fromEntries([
    ...Object.entries(target).filter(([name]) => name !== key),
    [key, changed],
  ]) as T;
}

const valueFor = (before: unknown, { value, isTyped }: JobEdit): unknown =>
  isTyped === true && typeof value === "string" && typeof before !== "string" ? jsonOrText(value) : value;

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    ignore(error, "what is no JSON is text");
    return text;
  }
}
