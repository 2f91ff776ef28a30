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

export interface YamlFormat<T> {
  /** The schema that decides; an empty text is passed as `{}`. */
  readonly schema: z.ZodType<T>;
  /** The same as JSON Schema (`z.toJSONSchema(schema, { io: "input" })`), with the names for suggestions. */
  readonly jsonSchema: () => object;
  /** Names of settings in other systems, with the name here. */
  readonly otherNames?: Readonly<Record<string, string>>;
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
  const parsed = format.schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data, source };
  const placed = { value: source.value, ...(await source.places()) };
  return { ok: false, issues: describeIssues(parsed.error.issues, placed, format) };
}
