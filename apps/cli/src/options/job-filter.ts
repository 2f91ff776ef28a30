/**
 * Parses `--where FIELD=VALUE`, which selects jobs. Each condition is part of the query to the store, and a job must match
 * all of them. Times may be given as ages, so the query is built when the clock is known.
 */
import { errorClasses, errorCodes, parseDurationMs, type ErrorClass } from "@agentcore/contract";
import type { JobQuery } from "@agentcore/scheduler";
import { didYouMean } from "@agentcore/yaml-file";
import { InvalidValue } from "./option-values.ts";

export interface Condition {
  /** As written: `code`, `label.team`. */
  readonly field: string;
  readonly value: ConditionValue;
}

type ConditionValue =
  | { readonly kind: "text"; readonly part: JobQuery }
  | { readonly kind: "label"; readonly name: string; readonly text: string }
  | { readonly kind: "moment"; readonly bound: MomentBound; readonly moment: Moment };

type MomentBound = "submittedBefore" | "submittedAfter" | "endedBefore" | "endedAfter";
/** In ms: since the epoch, or before now. */
export type Moment = { readonly at: number } | { readonly ageMs: number };

const readers: Readonly<Record<string, (text: string) => ConditionValue>> = {
  worker: (worker) => ({ kind: "text", part: { worker } }),
  workspace: (workspace) => ({ kind: "text", part: { workspace } }),
  text: (text) => ({ kind: "text", part: { text } }),
  code: (code) => ({ kind: "text", part: { code: oneOf("code", code, Object.keys(errorCodes)) } }),
  error_class: (text) => ({
    kind: "text",
    part: { errorClass: oneOf("error class", text, errorClasses) as ErrorClass },
  }),
  key: (key) => ({ kind: "text", part: { key } }),
  tenant: (tenant) => ({ kind: "text", part: { tenant } }),
  submitted_before: momentReader("submittedBefore"),
  submitted_after: momentReader("submittedAfter"),
  ended_before: momentReader("endedBefore"),
  ended_after: momentReader("endedAfter"),
};

const labelPrefix = "label.";

/** The possible names before the `=`; a label's name follows the last of them. */
export const whereFields: readonly string[] = [...Object.keys(readers), labelPrefix];

/** One condition. The option may be given several times, with a different field each time. */
export function readWhere(text: string, before: readonly Condition[] = []): Condition[] {
  const [, field, value] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (field === undefined || value === undefined) throw new InvalidValue(`"${text}" is not FIELD=VALUE`);
  if (before.some((condition) => condition.field === field)) {
    throw new InvalidValue(`${field} is given twice, but a job must match every condition; give it once`);
  }
  return [...before, { field, value: readValue(field, value) }];
}

function readValue(field: string, text: string): ConditionValue {
  const name = field.startsWith(labelPrefix) ? field.slice(labelPrefix.length) : "";
  if (name !== "") return { kind: "label", name, text };
  const read = Object.hasOwn(readers, field) ? readers[field] : undefined;
  if (read !== undefined) return read(text);
  const known = [...Object.keys(readers), `${labelPrefix}NAME`];
  throw new InvalidValue(
    `"${field}" is not a field; there are ${known.join(", ")}${didYouMean(field, known)}`,
  );
}

function oneOf(what: string, text: string, known: readonly string[]): string {
  if (known.includes(text)) return text;
  throw new InvalidValue(`there is no ${what} "${text}"${didYouMean(text, known)}`);
}

function momentReader(bound: MomentBound): (text: string) => ConditionValue {
  return (text) => ({ kind: "moment", bound, moment: readMoment(text) });
}

const timePattern = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** An age, or an ISO 8601 time; without a time zone it is UTC. */
export function readMoment(text: string): Moment {
  const ageMs = parseDurationMs(text);
  if (ageMs !== undefined) return { ageMs };
  const time = timePattern.exec(text);
  const at = Date.parse(text.includes("T") && time?.[1] === undefined ? `${text}Z` : text);
  if (time === null || Number.isNaN(at)) {
    throw new InvalidValue(`"${text}" is neither an age such as 7d nor a time such as 2026-05-01T12:00Z`);
  }
  return { at };
}

/** In ms since the epoch. */
export const momentAt = (moment: Moment, now: number): number =>
  "at" in moment ? moment.at : now - moment.ageMs;

/** Ages count back from `now`, in ms since the epoch. */
export function queryOf(conditions: readonly Condition[], now: number): JobQuery {
  const parts = conditions.map(({ value }): JobQuery => {
    switch (value.kind) {
      case "text":
        return value.part;
      case "label":
        return { labels: { [value.name]: value.text } };
      case "moment":
        return { [value.bound]: momentAt(value.moment, now) };
    }
  });
  // Assignment would lose a name such as `__proto__`, and a query without its condition matches every job.
  const labels = Object.fromEntries(parts.flatMap((part) => Object.entries(part.labels ?? {})));
  return Object.assign({}, ...parts, Object.keys(labels).length === 0 ? {} : { labels }) as JobQuery;
}
