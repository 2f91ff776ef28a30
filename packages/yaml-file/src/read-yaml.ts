/**
 * Checks a YAML file against its schema and returns the value, or every error with its place. The configuration and the
 * workflow files share it, so that an error reads the same in each.
 */
import type * as z from "zod";
import { describeIssues } from "./issues.ts";
import { nameIssues } from "./names.ts";
import { parseYaml, type YamlIssue, type YamlSource } from "./yaml-source.ts";

export type YamlReading<T> =
  | { readonly ok: true; readonly value: T; readonly source: YamlSource & { ok: true } }
  | { readonly ok: false; readonly issues: readonly YamlIssue[] };

export interface YamlFormat<T> extends ForeignWords {
  /** The schema that decides; an empty text is passed as `{}`. */
  readonly schema: z.ZodType<T>;
  /** The same as JSON Schema (`z.toJSONSchema(schema, { io: "input" })`), with the names for suggestions. */
  readonly jsonSchema: () => object;
  /** Names of top-level settings that the schema does not see. They hold anchors for other places in the file. */
  readonly holders?: RegExp;
}

/** Words of other systems, for the cures of unknown settings. */
export interface ForeignWords {
  /** Names of settings in other systems, with the name here. */
  readonly otherNames?: Readonly<Record<string, string>>;
  /** Cures that take more than another name; each only in a mapping that may have the setting `besides`. */
  readonly cures?: Readonly<Record<string, { readonly besides: string; readonly cure: string }>>;
}

export async function readYaml<T>(text: string, format: YamlFormat<T>): Promise<YamlReading<T>> {
  const source = await parseYaml(text);
  if (!source.ok) return { ok: false, issues: source.issues };
  const value = source.value ?? {};
  if (typeof value !== "object" || Array.isArray(value)) {
    const message = "expected settings as `name: value`, found something else";
    return { ok: false, issues: [{ line: 1, column: 1, message }] };
  }
  const names = await nameIssues(source);
  if (names.length > 0) return { ok: false, issues: names };
  const parsed = format.schema.safeParse(withoutHolders(value, format.holders));
  if (parsed.success) return { ok: true, value: parsed.data, source };
  const placed = { value: source.value, ...(await source.places()) };
  return { ok: false, issues: describeIssues(parsed.error.issues, placed, format) };
}

function withoutHolders(value: object, holders: RegExp | undefined): object {
  if (holders === undefined) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !holders.test(name)));
}
