/**
 * Turns schema errors into messages for people: the place in the file, the setting, the error, and a suggestion. The
 * allowed names at a place come from the published JSON Schema, so there is no second list to maintain.
 */
import type * as z from "zod";
import { listCure, sentenceOf } from "./sentence.ts";
import { didYouMean } from "./suggest.ts";
import { meantForm } from "./unions.ts";
import type { ForeignWords, YamlFormat } from "./read-yaml.ts";
import type { PlacedValue, YamlIssue } from "./yaml-source.ts";

/** The parts of a JSON Schema that lead to the schema of a nested value. */
interface JsonSchema {
  readonly type?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
}

export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  source: PlacedValue,
  {
    jsonSchema,
    otherNames = {},
    cures = {},
    subject = "",
    noun = "setting",
  }: Pick<YamlFormat<unknown>, "jsonSchema"> & Partial<ValueWords>,
): YamlIssue[] {
  const format = { schema: jsonSchema(), otherNames, cures, subject, noun };
  return issues
    .flatMap((issue) => describe(issue, source, format))
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
}

const nowhere = { line: 1, column: 1 };

/** How the messages of `describeValue` call things. */
export interface ValueWords extends ForeignWords {
  /** The whole value: `the job`. */
  readonly subject: string;
  /** One of its members. Default: `setting`. */
  readonly noun?: string;
}

/** The messages of `readYaml` for a value that is in no file: `limits.timeoutMs: must be a whole number, not the text "5"`. */
export function describeValue(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  jsonSchema: YamlFormat<unknown>["jsonSchema"],
  words: ValueWords,
): string[] {
  const notWritten = { textOfKey: () => undefined, textOfValue: () => undefined };
  const source = { value, placeOfKey: () => nowhere, placeOfValue: () => nowhere, ...notWritten };
  return describeIssues(issues, source, { ...words, jsonSchema }).map(({ message }) => message);
}

interface Format extends Required<ValueWords> {
  readonly schema: JsonSchema;
}

/** Longer lists of names are omitted. */
const listedMax = 12;

function unknownKeyText(key: string, path: readonly PropertyKey[], value: unknown, format: Format): string {
  const here = valueAt(value, path);
  const others = Object.keys(here ?? {}).filter((name) => name !== key);
  // Another form of the value has it.
  if (others.length > 0 && namesAt(format.schema, path, value).includes(key))
    return `does not go with ${others.join(", ")}; leave out ${others.length === 1 ? "one of the two" : "it, or the others"}`;
  return `unknown ${format.noun}; ${cureOf(key, path, value, format)}`;
}

function cureOf(key: string, path: readonly PropertyKey[], value: unknown, format: Format): string {
  const { schema, otherNames, cures } = format;
  const known = namesAt(schema, path, value);
  if (key === "<<") return '"<<" in quotes is an ordinary name; leave out the quotes to merge a mapping';
  const foreign = Object.hasOwn(cures, key) ? cures[key] : undefined;
  if (foreign !== undefined && known.includes(foreign.besides)) return foreign.cure;
  const here = Object.hasOwn(otherNames, key) ? otherNames[key] : undefined;
  if (here !== undefined && known.includes(here)) return `it is called ${here} here`;
  const home = known.filter((name) => namesAt(schema, [...path, name], value).includes(key));
  if (home.length === 1) return `write it in ${home[0]}: { ${key}: … }`;
  const meant = didYouMean(key, known);
  if (meant !== "") return meant.slice(2);
  return known.length === 0 || known.length > listedMax ? "leave it out" : `allowed: ${known.join(", ")}`;
}

function describe(issue: z.core.$ZodIssue, source: PlacedValue, format: Format): YamlIssue[] {
  const { schema, subject } = format;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      ...source.placeOfKey([...issue.path, key]),
      message: `${dotted([...issue.path, key])}: ${unknownKeyText(key, issue.path, source.value, format)}`,
    }));
  }
  if (issue.code === "invalid_union") {
    const { issues, oneOf } = meantForm(issue.errors, valueAt(source.value, issue.path));
    const inner = issues
      .map((each) => ({ ...each, path: [...issue.path, ...each.path] }))
      .filter(({ code, path }) => code === "unrecognized_keys" || path.length > issue.path.length)
      .flatMap((each) => describe(each, source, format));
    const needs = `${dotted(issue.path)}: needs one of ${oneOf.join(", ")}`;
    if (oneOf.length > 0) return [{ ...source.placeOfValue(issue.path), message: needs }, ...inner];
    if (inner.length > 0) return inner;
  }
  if (issue.code === "invalid_key") {
    const reason = issue.issues.map(({ message }) => message).join(", ");
    return [{ ...source.placeOfKey(issue.path), message: `${dotted(issue.path)}: the name ${reason}` }];
  }
  const name = dotted(issue.path);
  const value = valueAt(source.value, issue.path);
  const cure = holdsTexts(schema, issue.path, source.value) ? listCure(issue, value) : "";
  const sentence = `${sentenceOf(issue, value)}${cure}`;
  const message = name === "" ? `${subject} ${sentence}`.trimStart() : `${name}: ${sentence}`;
  return [{ ...source.placeOfValue(issue.path), message }];
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null && Object.hasOwn(at, key)
        ? (at as Readonly<Record<PropertyKey, unknown>>)[key]
        : undefined,
    value,
  );
}

/** `workers.codex.env_pass[1]` */
function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${String(key)}`))
    .join("");
}

/** Names of the settings allowed in the mapping at the path. */
function namesAt(schema: JsonSchema, path: readonly PropertyKey[], value: unknown): string[] {
  return [...new Set(schemasAt(schema, path, value).flatMap((place) => Object.keys(place.properties ?? {})))];
}

/** Whether the path is that of a list that may hold texts. */
function holdsTexts(schema: JsonSchema, path: readonly PropertyKey[], value: unknown): boolean {
  return schemasAt(schema, [...path, 0], value).some(({ type }) => type === "string");
}

function schemasAt(schema: JsonSchema, path: readonly PropertyKey[], value: unknown): JsonSchema[] {
  let places = [schema];
  for (const [index, key] of path.entries()) {
    const here = valueAt(value, path.slice(0, index));
    places = places.flatMap((place) => step(expand(place, schema, here), key));
  }
  return places.flatMap((place) => expand(place, schema, valueAt(value, path)));
}

/** The schema and its branches, without those that are for another `type` than the value's. */
function expand(place: JsonSchema, root: JsonSchema, value: unknown): JsonSchema[] {
  if (place.$ref !== undefined) {
    const target = root.$defs?.[place.$ref.replace("#/$defs/", "")];
    return target === undefined ? [] : expand(target, root, value);
  }
  const inner = [...(place.anyOf ?? []), ...(place.allOf ?? []), ...(place.oneOf ?? [])];
  return [
    place,
    ...inner
      .filter((branch) => !isForAnother(branch, value))
      .flatMap((branch) => expand(branch, root, value)),
  ];
}

function isForAnother({ properties = {} }: JsonSchema, value: unknown): boolean {
  return Object.entries(properties).some(
    ([name, { const: constant }]) => constant !== undefined && valueAt(value, [name]) !== constant,
  );
}

function step(places: readonly JsonSchema[], key: PropertyKey): JsonSchema[] {
  return places.flatMap((place) => {
    if (typeof key === "number") return place.items ?? [];
    const { properties = {} } = place;
    const named = Object.hasOwn(properties, key) ? properties[String(key)] : undefined;
    if (named !== undefined) return named;
    return typeof place.additionalProperties === "object" ? place.additionalProperties : [];
  });
}
