/** What people type and read as JSON or as a local time. */
import { plainText } from "../format.ts";

/** Any value of JSON as text that can be shown, cut to so many characters. */
export function jsonText(value: unknown, { max = 200_000, indent = 2 } = {}): string {
  const text = plainText(JSON.stringify(value, null, indent) ?? "null");
  return text.length > max ? `${text.slice(0, max)} …` : text;
}

export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/** JSON that somebody typed; an empty text is an empty object. */
export function parseJson(text: string): ParsedJson {
  try {
    return { ok: true, value: text.trim() === "" ? {} : (JSON.parse(text) as unknown) };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

/** What a field `datetime-local` holds, in the time zone of the browser, as a moment with a zone; null: it is no moment. */
export function isoOfLocal(text: string): string | null {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}
