/**
 * A YAML text that still knows where each of its values stands, so that an error of the schema can be told with its line
 * and column. The parser is loaded when the first text comes: a program without a file to read does not pay for it.
 */
import type { Document, Node } from "yaml";
import { readPlainYaml } from "./plain-yaml.ts";
import type * as yamlParser from "./yaml-parser.ts";

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

type Parser = typeof yamlParser;

/** Syntax only; see `readYaml` for syntax and schema together. */
export async function parseYaml(text: string): Promise<YamlSource> {
  const parser: Parser = await import("./yaml-parser.ts");
  const value = readPlainYaml(text);
  // Places are asked for where there is a mistake: only then is such a text parsed in full.
  if (value !== undefined) return { ok: true, value, ...placesIn(() => locate(parser, text)) };
  const located = locate(parser, text);
  const { document, issue } = located;
  if (issue !== undefined) return { ok: false, issues: [issue] };
  return { ok: true, value: document.toJS({ maxAliasCount: 100 }) as unknown, ...placesIn(() => located) };
}

/** A parsed text with what leads from its nodes to their places. */
interface Located {
  readonly parser: Parser;
  readonly document: Document;
  /** Its first mistake: those behind it are mostly the parser's guesses after it lost its way. */
  readonly issue: YamlIssue | undefined;
  readonly placeAt: (offset: number) => Place;
}

function locate(parser: Parser, text: string): Located {
  const lines = new parser.LineCounter();
  // The parser compares each key with all before it, which takes seconds in a mapping of thousands.
  const document = parser.parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return line === 0 ? start : { line, column: col };
  };
  const [error] = document.errors;
  const mistake =
    error === undefined ? repeatedKey(parser, document) : { offset: error.pos[0], message: error.message };
  const issue =
    mistake === undefined
      ? undefined
      : { ...placeAt(mistake.offset), message: `not YAML: ${mistake.message}` };
  return { parser, document, issue, placeAt };
}

function repeatedKey({ visit, isScalar }: Parser, document: Document) {
  let found: { readonly offset: number; readonly message: string } | undefined;
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          found = { offset: key.range?.[0] ?? 0, message: "Map keys must be unique" };
          return visit.BREAK;
        }
        seen.add(key.value);
      }
      return undefined;
    },
  });
  return found;
}

/** `located` is asked for at the first question. */
function placesIn(located: () => Located): Pick<YamlSource & { ok: true }, "placeOfValue" | "placeOfKey"> {
  let known: Located | undefined;
  const get = (): Located => (known ??= located());
  const placeOfValue = (path: readonly PropertyKey[]): Place => {
    const { document, placeAt } = get();
    return placeAt(offsetOfValue(document, path));
  };
  return {
    placeOfValue,
    placeOfKey(path) {
      const offset = offsetOfKey(get(), path);
      return offset === undefined ? placeOfValue(path) : get().placeAt(offset);
    },
  };
}

function offsetOfKey(
  { parser: { isMap, isScalar }, document }: Located,
  path: readonly PropertyKey[],
): number | undefined {
  const parent = nodeAt(document, path.slice(0, -1));
  if (!isMap(parent)) return undefined;
  const wanted = String(path.at(-1));
  const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === wanted);
  return isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
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
