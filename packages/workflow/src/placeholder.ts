/** Finds `${{ … }}` in texts, in linear time for any text. Pure. */

export interface Placeholder {
  /** As written, without the spaces around it. */
  readonly expression: string;
  readonly start: number;
  /** Index after its last brace. */
  readonly end: number;
}

/** The placeholder that begins at `start`; null if none does. */
export function placeholderAt(text: string, start: number): Placeholder | null {
  if (!text.startsWith("${{", start) || start < 0) return null;
  const close = text.indexOf("}}", start + 3);
  return close === -1 ? null : { expression: text.slice(start + 3, close).trim(), start, end: close + 2 };
}

/** The placeholder that is the whole text, apart from spaces around it; null if there is more, or none. */
export function wholePlaceholder(text: string): Placeholder | null {
  const trimmed = text.trim();
  const found = placeholderAt(trimmed, 0);
  return found?.end === trimmed.length ? found : null;
}

/** All placeholders of a text, in order. */
export function placeholdersOf(text: string): readonly Placeholder[] {
  const found: Placeholder[] = [];
  for (let from = 0; ;) {
    const placeholder = placeholderAt(text, text.indexOf("${{", from));
    // A placeholder that is not closed here is not closed later.
    if (placeholder === null) return found;
    found.push(placeholder);
    from = placeholder.end;
  }
}
