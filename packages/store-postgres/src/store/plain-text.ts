/**
 * Plain text in columns. PostgreSQL's `text` holds every string but those with U+0000 or half of a surrogate pair, which a key or a
 * label may have. Such a string is stored as JSON behind a prefix, and so is one that begins with the prefix.
 */

const prefix = "\u0001json:";
const isUnstorable = /\0|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

export function toColumn(text: string): string;
export function toColumn(text: string | null): string | null;
export function toColumn(text: string | null): string | null {
  if (text === null || !(isUnstorable.test(text) || text.startsWith(prefix))) return text;
  return prefix + JSON.stringify(text);
}

export function fromColumn(text: string): string;
export function fromColumn(text: string | null): string | null;
export function fromColumn(text: string | null): string | null {
  return text?.startsWith(prefix) === true ? (JSON.parse(text.slice(prefix.length)) as string) : text;
}
