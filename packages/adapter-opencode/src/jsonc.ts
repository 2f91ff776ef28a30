/**
 * Reads JSON with comments and trailing commas, as OpenCode does. The text comes from a repository, so it is read in a
 * single pass, in linear time.
 */

/** The value; undefined if the text is not valid. */
export function parseJsonc(text: string): unknown {
  try {
    return JSON.parse(plainJson(text.replace(/^\uFEFF/, ""))) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function plainJson(text: string): string {
  const parts: string[] = [];
  // Index of the last comma in `parts`, if only white space and comments have followed it.
  let comma: number | null = null;
  for (let at = 0; at < text.length;) {
    const end = endOfToken(text, at);
    const token = text.slice(at, end);
    at = end;
    if (token.startsWith("/")) continue;
    if (comma !== null && (token === "}" || token === "]")) parts[comma] = "";
    if (token === ",") comma = parts.length;
    else if (token.trim() !== "") comma = null;
    parts.push(token);
  }
  return parts.join("");
}

/** A string, a comment, a run of white space, or one character. */
function endOfToken(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOfString(text, start);
  if (first === "/" && text[start + 1] === "/") return endAt(text.indexOf("\n", start), 0, text);
  if (first === "/" && text[start + 1] === "*") return endAt(text.indexOf("*/", start + 2), 2, text);
  let end = start + 1;
  if (isSpace(first)) while (isSpace(text[end])) end += 1;
  return end;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function endAt(found: number, length: number, text: string): number {
  return found < 0 ? text.length : found + length;
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && /\s/.test(character);
}
