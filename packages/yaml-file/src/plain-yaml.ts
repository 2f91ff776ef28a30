/**
 * The YAML that people mostly write, read some ten times as fast as a full parser reads it: mappings and sequences in blocks,
 * plain and quoted scalars and flow collections on one line, literal block scalars, comments. Whatever else a text holds, a
 * mistake included, makes it answer undefined, and the full parser decides; so it never has to be complete, only right in what it
 * answers. `plain-yaml.test.ts` compares the two on damaged files.
 *
 * Each `read…` begins at a line and leaves `#line` at the first that is not its own. Anything unexpected is `notPlain`.
 */
import { isScalarStart, notPlain, quotedScalar, readFlow, scalarOf, withoutComment } from "./plain-scalar.ts";

const depthMax = 64;
/** Line breaks and white space that need care, and what must not stand in YAML at all. */
// eslint-disable-next-line no-control-regex
const needsCare = /[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/;
const keyPattern = /^([A-Za-z_][A-Za-z0-9_./-]*):(?: +|$)/;
/** Keys that are not texts, and one that is not an ordinary property. */
const oddKeys: ReadonlySet<string> = new Set(
  ["null", "true", "false"].flatMap((word) => [
    word,
    word[0]?.toUpperCase() + word.slice(1),
    word.toUpperCase(),
  ]),
).add("__proto__");
const keyCharsMax = 1000;

/** The value, as the full parser would give it; undefined where it has to be asked. */
export function readPlainYaml(text: string): unknown {
  if (needsCare.test(text)) return undefined;
  try {
    return new PlainReader(text).read();
  } catch (error) {
    if (error === notPlain) return undefined;
    throw error;
  }
}

class PlainReader {
  readonly #lines: readonly string[];
  /** The line that is looked at next. */
  #line = 0;
  /** Of that line, which is neither empty nor a comment; -1 at the end. */
  #indent = -1;
  #depth = 0;

  constructor(text: string) {
    this.#lines = text.split("\n");
    this.#settle();
  }

  read(): unknown {
    if (this.#indent !== 0) throw notPlain;
    const value = this.#readMapping(0, null);
    if (this.#line < this.#lines.length) throw notPlain;
    return value;
  }

  /** Passes over empty lines and comments. */
  #settle(): void {
    for (; this.#line < this.#lines.length; this.#line += 1) {
      const text = this.#lines[this.#line] as string;
      const indent = indentOf(text);
      if (indent === text.length || text[indent] === "#") continue;
      this.#indent = indent;
      return;
    }
    this.#indent = -1;
  }

  #next(): void {
    this.#line += 1;
    this.#settle();
  }

  /** `first`: its first entry where that stands behind the hyphen of a sequence. */
  #readMapping(indent: number, first: string | null): unknown {
    if (++this.#depth > depthMax) throw notPlain;
    const mapping: Record<string, unknown> = {};
    for (let entry = first; ; entry = null) {
      if (entry === null) {
        if (this.#indent !== indent) break;
        entry = (this.#lines[this.#line] as string).slice(indent);
      }
      const [head, key] = keyPattern.exec(entry) ?? [];
      if (head === undefined || key === undefined) throw notPlain;
      if (oddKeys.has(key) || key.length > keyCharsMax || Object.hasOwn(mapping, key)) throw notPlain;
      mapping[key] = this.#readValue(entry.slice(head.length), indent);
    }
    if (this.#indent > indent) throw notPlain;
    this.#depth -= 1;
    return mapping;
  }

  /** What stands behind a key on its line, or below it. */
  #readValue(rest: string, indent: number): unknown {
    if (rest !== "" && rest[0] !== "#") return this.#readInline(rest, indent);
    this.#next();
    if (this.#indent > indent) {
      return this.#isItem() ? this.#readSequence(this.#indent) : this.#readMapping(this.#indent, null);
    }
    return this.#indent === indent && this.#isItem() ? this.#readSequence(indent) : null;
  }

  #readInline(rest: string, indent: number): unknown {
    if (rest[0] === "|") return this.#readLiteral(rest, indent);
    const value = inlineValue(rest);
    this.#next();
    if (this.#indent > indent) throw notPlain;
    return value;
  }

  #isItem(): boolean {
    return (this.#lines[this.#line] as string).startsWith("- ", this.#indent);
  }

  #readSequence(indent: number): unknown[] {
    if (++this.#depth > depthMax) throw notPlain;
    const items: unknown[] = [];
    while (this.#indent === indent && this.#isItem()) {
      const text = this.#lines[this.#line] as string;
      const start = indent + 2 + indentOf(text.slice(indent + 2));
      const rest = text.slice(start);
      items.push(keyPattern.test(rest) ? this.#readMapping(start, rest) : this.#readItem(rest, indent));
    }
    if (this.#indent > indent) throw notPlain;
    this.#depth -= 1;
    return items;
  }

  #readItem(rest: string, indent: number): unknown {
    if (rest === "" || rest[0] === "#") throw notPlain;
    return this.#readInline(rest, indent);
  }

  /** `|` and `|-`, without a number for the indentation. */
  #readLiteral(header: string, parentIndent: number): string {
    const style = header.trimEnd();
    if (style !== "|" && style !== "|-") throw notPlain;
    const lines = this.#lines;
    let indent = -1;
    let end = this.#line + 1;
    for (; end < lines.length; end += 1) {
      const text = lines[end] as string;
      const own = indentOf(text);
      if (own === text.length) {
        // White space that reaches into the text belongs to it, or is a mistake.
        if (own > Math.max(indent, 0)) throw notPlain;
        continue;
      }
      if (indent === -1) indent = own;
      if (own < indent || own <= parentIndent) break;
    }
    if (indent <= parentIndent) throw notPlain;
    const content = lines.slice(this.#line + 1, end).map((text) => text.slice(indent));
    this.#line = end;
    this.#settle();
    if (this.#indent > parentIndent) throw notPlain;
    const text = content.join("\n").replace(/\n+$/, "");
    if (text === "") throw notPlain;
    return style === "|" ? `${text}\n` : text;
  }
}

function inlineValue(rest: string): unknown {
  const first = rest[0] as string;
  if (first === '"' || first === "'") return quotedScalar(rest);
  if (first === "[" || first === "{") return readFlow(rest);
  if (!isScalarStart(rest)) throw notPlain;
  const text = withoutComment(rest);
  // A mapping behind a value, or a key without one.
  if (text.includes(": ") || text.endsWith(":")) throw notPlain;
  return scalarOf(text);
}

function indentOf(text: string): number {
  let indent = 0;
  while (text.charCodeAt(indent) === 32) indent += 1;
  return indent;
}
