/**
 * A YAML text that still knows where each of its values stands, so that an error of the schema can be told with its line
 * and column. The parser is loaded when the first text comes: a program without a file to read does not pay for it.
 */
import type { Document, Node } from "yaml";

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One mistake of a file. */
export interface YamlIssue extends Place {
  readonly message: string;
}

export type YamlSource =
  | { readonly ok: false; readonly issues: readonly YamlIssue[] }
  | {
      readonly ok: true;
      readonly value: unknown;
      /** Where the value at the path stands; of a key that is not there, where its nearest parent stands. */
      placeOfValue(path: readonly PropertyKey[]): Place;
      /** Where the key itself stands. */
      placeOfKey(path: readonly PropertyKey[]): Place;
    };

const start: Place = { line: 1, column: 1 };

/** Syntax only; see `readYaml` for syntax and schema together. */
export async function parseYaml(text: string): Promise<YamlSource> {
  const { LineCounter, parseDocument, isMap, isScalar } = await import("./yaml-parser.ts");
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return line === 0 ? start : { line, column: col };
  };
  const [first] = document.errors;
  if (first !== undefined) {
    // The first one only: those behind it are mostly the parser's guesses after it lost its way.
    return { ok: false, issues: [{ ...placeAt(first.pos[0]), message: `not YAML: ${first.message}` }] };
  }
  return {
    ok: true,
    value: document.toJS({ maxAliasCount: 100 }) as unknown,
    placeOfValue: (path) => placeAt(offsetOfValue(document, path)),
    placeOfKey: (path) => placeAt(offsetOfKey(path) ?? offsetOfValue(document, path)),
  };

  function offsetOfKey(path: readonly PropertyKey[]): number | undefined {
    const parent = nodeAt(document, path.slice(0, -1));
    if (!isMap(parent)) return undefined;
    const wanted = String(path.at(-1));
    const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === wanted);
    return isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
  }
}

function nodeAt(document: Document, path: readonly PropertyKey[]): Node | undefined {
  if (path.length === 0) return document.contents ?? undefined;
  const found: unknown = document.getIn(path, true);
  return typeof found === "object" && found !== null && "range" in found ? (found as Node) : undefined;
}

function offsetOfValue(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const range = nodeAt(document, path.slice(0, length))?.range;
    if (range !== undefined && range !== null) return range[0];
  }
  return 0;
}
