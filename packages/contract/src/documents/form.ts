/**
 * The form of every document that programs read, a line of `--json` or an answer of the API: `"v": 1` first, times in ISO 8601 (UTC), durations in whole milliseconds, other figures
 * with at most six decimals. One rule by the name of a field, for the documents, for their types, and for their published schema.
 */

/** Raised when a field of a document changes its meaning or goes. New fields may come in any version. */
export const documentVersion = 1;

/** Moments, in the program as ms since the epoch. */
const isMoment = (name: string): boolean =>
  name === "at" || name === "deadline" || name === "notBefore" || /[a-z]At$/.test(name);

/** What a caller sent, and is given back unchanged. */
const isForeign = (name: string): boolean => name === "payload";

const isDuration = (name: string): boolean => name.endsWith("Ms");

const decimals = 1e6;

type MomentName = "at" | "deadline" | "notBefore" | `${string}At`;

type PrintedField<Name, T> = Name extends "payload"
  ? T
  : Name extends MomentName
    ? Printed<Exclude<T, number>> | (number extends T ? string : never)
    : Printed<T>;

/** The type of what is printed for a value, without the version. */
export type Printed<T> = T extends readonly (infer Each)[]
  ? readonly Printed<Each>[]
  : T extends object
    ? { readonly [Name in keyof T]: PrintedField<Name, T[Name]> }
    : T;

/** A document as programs read it. */
export type JsonDocument<T> = { readonly v: typeof documentVersion } & Printed<T>;

/** What is printed for a value. Its own fields stay in their order. */
export function jsonDocument<T extends object>(value: T): JsonDocument<T> {
  return { v: documentVersion, ...(formed("", value) as object) } as JsonDocument<T>;
}

/** The value in the program of a document that was read: the reverse of `jsonDocument`, without the version. */
export function documentValue<T extends object>({ v: _version, ...document }: JsonDocument<T>): T {
  return valueOf("", document) as T;
}

/** Names and texts that people choose. */
const isTexts = (name: string): boolean => isForeign(name) || name === "labels" || name === "values";

const momentPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function valueOf(name: string, value: unknown): unknown {
  if (typeof value === "string")
    return isMoment(name) && momentPattern.test(value) ? Date.parse(value) : value;
  if (typeof value !== "object" || value === null || isTexts(name)) return value;
  if (Array.isArray(value)) return value.map((each) => valueOf(name, each));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, valueOf(key, each)]));
}

function formed(name: string, value: unknown): unknown {
  if (typeof value === "number") return isForeign(name) ? value : formedNumber(name, value);
  if (Array.isArray(value) && !isForeign(name)) return value.map((each) => formed(name, each));
  if (typeof value !== "object" || value === null || isForeign(name)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, formed(key, each)]));
}

function formedNumber(name: string, value: number): string | number | null {
  if (!Number.isFinite(value)) return null;
  if (isMoment(name)) return momentText(value);
  if (Number.isInteger(value)) return value;
  return isDuration(name) ? Math.round(value) : Math.round(value * decimals) / decimals;
}

/** Null outside the range of dates. */
function momentText(at: number): string | null {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

type Schema = Readonly<Record<string, unknown>>;

/** The JSON Schema of what is printed, from that of the value in the program. */
export function documentSchema(schema: Schema, name = ""): Schema {
  const types = [schema["type"]].flat();
  const isNumber = types.includes("number") || types.includes("integer");
  // Without the range of the number.
  if (isNumber && isMoment(name)) return { type: typeOf(types, "string"), format: "date-time" };
  if (isNumber && isDuration(name)) return { ...schema, type: typeOf(types, "integer") };
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === "properties" ? propertiesOf(value) : below(value, name),
    ]),
  );
}

/** In place of the number. */
function typeOf(types: readonly unknown[], type: string): unknown {
  const all = types.map((each) => (each === "number" || each === "integer" ? type : each));
  return all.length === 1 ? all[0] : all;
}

function propertiesOf(properties: unknown): Schema {
  return Object.fromEntries(
    Object.entries(properties as Record<string, Schema>).map(([name, schema]) => [
      name,
      documentSchema(schema, name),
    ]),
  );
}

/** With the version as the first of its fields. */
export function versionedSchema(schema: Schema): Schema {
  const properties = { v: { const: documentVersion }, ...(schema["properties"] as object) };
  return { ...schema, properties, required: ["v", ...((schema["required"] ?? []) as readonly string[])] };
}

function below(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => below(each, name));
  return typeof value === "object" && value !== null ? documentSchema(value as Schema, name) : value;
}
