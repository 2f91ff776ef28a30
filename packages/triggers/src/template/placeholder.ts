/** Finds `{{ NAME.FIELD }}` in texts, in linear time for any text. Pure. */

export interface TemplatePlaceholder {
  /** Names, from the outermost: `["event", "body", "action"]`. */
  readonly path: readonly string[];
  readonly start: number;
  /** Index after its last brace. */
  readonly end: number;
}

/** Longer ones are ordinary text. */
const charsMax = 300;

/** The placeholder that begins at `start`; null if none does. */
export function placeholderAt(text: string, start: number): TemplatePlaceholder | null {
  if (start < 0 || !text.startsWith("{{", start)) return null;
  const close = text.slice(start, start + charsMax).indexOf("}}");
  const inner = close === -1 ? "" : text.slice(start + 2, start + close).trim();
  return /^[A-Za-z_]\w*(?:\.[\w-]+)*$/.test(inner)
    ? { path: inner.split("."), start, end: start + close + 2 }
    : null;
}

/** All placeholders of a text, in order. */
export function placeholdersOf(text: string): readonly TemplatePlaceholder[] {
  const found: TemplatePlaceholder[] = [];
  for (let at = text.indexOf("{{"); at !== -1;) {
    const placeholder = placeholderAt(text, at);
    if (placeholder !== null) found.push(placeholder);
    at = text.indexOf("{{", placeholder?.end ?? at + 1);
  }
  return found;
}
