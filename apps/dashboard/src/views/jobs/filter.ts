/** What a list of jobs is filtered by: in the address, in the form, and as a query of the API. */
import type { JobDocument } from "@agentcore/contract";

export const jobStates: readonly JobDocument["state"][] = [
  "queued",
  "running",
  "succeeded",
  "dead",
  "cancelled",
];

/** Conditions that are one text, by their names in the address. */
export const fieldNames = [
  "text",
  "worker",
  "workspace",
  "tenant",
  "run",
  "label",
  "code",
  "errorClass",
  "key",
  "id",
  "since",
] as const;
export type FieldName = (typeof fieldNames)[number];

export interface JobFilterForm {
  readonly states: readonly string[];
  /** Empty: no condition. */
  readonly fields: Readonly<Record<FieldName, string>>;
}

/** Conditions as the API takes them, in a query and in `where`. */
export type Conditions = Readonly<Record<string, string | readonly string[]>>;

export const ages = [
  { value: "1h", label: "the last hour", ms: 3_600_000 },
  { value: "24h", label: "the last 24 hours", ms: 86_400_000 },
  { value: "7d", label: "the last 7 days", ms: 7 * 86_400_000 },
] as const;

/** A state or an age that the form does not offer is left out: what it shows is what is asked for, and no more. */
export function formOf(query: URLSearchParams): JobFilterForm {
  const states = (query.get("state") ?? "").split(",");
  const fields = fieldNames.map((name) => [name, query.get(name) ?? ""] as const);
  return {
    states: jobStates.filter((state) => states.includes(state)),
    fields: Object.fromEntries(
      fields.map(([name, value]) => [name, name === "since" && ageOf(value) === undefined ? "" : value]),
    ) as Record<FieldName, string>,
  };
}

const ageOf = (since: string) => ages.find(({ value }) => value === since);

/** For the query of the address. A page of the list before has no meaning for another filter. */
export function withState(form: JobFilterForm, state: string): Record<string, string | null> {
  const { states } = form;
  const after = states.includes(state) ? states.filter((each) => each !== state) : [...states, state];
  return { state: after.length === 0 ? null : after.join(","), before: null };
}

export const isFiltered = ({ states, fields }: JobFilterForm): boolean =>
  states.length > 0 || Object.values(fields).some((value) => value.trim() !== "");

/** Of all fields that are not always in sight. */
export const hasMore = ({ fields }: JobFilterForm): boolean =>
  fieldNames.some((name) => name !== "text" && name !== "worker" && fields[name] !== "");

const wholeId = 36;

/** `moment`: which moment `since` is about. `now`: in ms since the epoch. */
export function conditionsOf(
  { states, fields }: JobFilterForm,
  moment: "submittedAfter" | "endedAfter",
  now: number,
): Conditions {
  const { id, run, label, since, ...plain } = fields;
  const ageMs = ageOf(since)?.ms;
  const labels = [...labelsOf(label), ...(run.trim() === "" ? [] : [`workflow.run=${run.trim()}`])];
  const given: Record<string, string | readonly string[]> = {
    state: states,
    ...plain,
    label: labels,
    [id.trim().length < wholeId ? "idEnding" : "id"]: id.trim(),
    [moment]: ageMs === undefined ? "" : new Date(now - ageMs).toISOString(),
  };
  return Object.fromEntries(
    Object.entries(given)
      .map(
        ([name, value]) =>
          [name, typeof value === "string" && name !== "text" ? value.trim() : value] as const,
      )
      .filter(([, value]) => value.length > 0),
  );
}

/** `a=1, b=2`. A comma separates only where another `NAME=` follows, so that a value may have commas. */
export const labelsOf = (text: string): readonly string[] =>
  text
    .split(/,(?=[^,=]+=)/)
    .map((label) => label.trim())
    .filter((label) => label !== "");

/** Everything has to be asked for by name. */
export const selectionOf = (where: Conditions): object =>
  Object.keys(where).length === 0 ? { all: true } : { where };
