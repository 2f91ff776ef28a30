/**
 * A YAML text with the places of its values, so that a schema error has a line and column. js-yaml reads values, about ten
 * times as fast; `yaml` knows places, and is loaded and runs only if there is an error. A program without a file to read
 * loads neither.
 */

import type { Document, ErrorCode, Node, Pair, Scalar, YAMLMap } from "yaml";
import type * as valueParser from "./value-parser.ts";
import type * as yamlParser from "./yaml-parser.ts";

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One error of a file. */
export interface YamlIssue extends Place {
  readonly message: string;
}

export type YamlSource =
  | { readonly ok: false; readonly issues: readonly YamlIssue[] }
  | {
      readonly ok: true;
      readonly value: unknown;
      /** Reads the text again, at the first call. */
      places(): Promise<YamlPlaces>;
    };

export type PlacedValue = YamlPlaces & { readonly value: unknown };

export interface YamlPlaces {
  /** Place of the value at the path; for a missing key, place of its nearest parent. */
  placeOfValue(path: readonly PropertyKey[]): Place;
  /** Place of the key. */
  placeOfKey(path: readonly PropertyKey[]): Place;
  /** A key as written, without quotes; undefined if there is none. */
  textOfKey(path: readonly PropertyKey[]): string | undefined;
  /** A string, number or boolean as written; undefined if there is none. */
  textOfValue(path: readonly PropertyKey[]): string | undefined;
}

const start: Place = { line: 1, column: 1 };

const aliasesMax = 100;

type Parser = typeof yamlParser;

/** Syntax only; see `readYaml` for syntax and schema together. */
export async function parseYaml(text: string): Promise<YamlSource> {
  const fast = readFast(await import("./value-parser.ts"), text);
  if (fast !== null) {
    let places: Promise<YamlPlaces> | undefined;
    return { ok: true, value: fast.value, places: () => (places ??= locate(text).then(placesIn)) };
  }
  const located = await locate(text);
  const read = located.issue === undefined ? readPlaced(located) : located.issue;
  if ("message" in read) return { ok: false, issues: [read] };
  const places = Promise.resolve(placesIn(located));
  return { ok: true, value: read.value, places: () => places };
}

/** Only here does the parser notice that aliases expand too much. */
function readPlaced({ document }: Located): { readonly value: unknown } | YamlIssue {
  try {
    return { value: document.toJS({ maxAliasCount: aliasesMax }) as unknown };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return { ...start, message: `not YAML: ${error.message}` };
  }
}

/**
 * Null if the fast parser finds an error, or something that the other parser decides: an alias, which may expand without
 * limit, a text without a value, an unknown tag.
 */
function readFast(
  { load, YAMLException }: typeof valueParser,
  text: string,
): { readonly value: unknown } | null {
  try {
    return { value: load(text, { maxAliases: 0 }) };
  } catch (error) {
    if (error instanceof YAMLException) return null;
    throw error;
  }
}

/** A parsed text with the places of its nodes. */
interface Located {
  readonly parser: Parser;
  readonly document: Document;
  /** Its first error: later ones are mostly guesses of the parser. */
  readonly issue: YamlIssue | undefined;
  readonly placeAt: (offset: number) => Place;
}

async function locate(text: string): Promise<Located> {
  const parser: Parser = await import("./yaml-parser.ts");
  const lines = new parser.LineCounter();
  // The parser compares each key with all earlier ones, which takes seconds in a mapping of thousands.
  const document = parser.parseDocument(text, {
    lineCounter: lines,
    logLevel: "error",
    prettyErrors: false,
    uniqueKeys: false,
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return line === 0 ? start : { line, column: col };
  };
  const [error] = document.errors;
  const mistake =
    error === undefined
      ? (unknownTag(text, document) ?? overlooked(parser, document))
      : { offset: error.pos[0], message: wordsFor(error) };
  const issue =
    mistake === undefined
      ? undefined
      : { ...placeAt(mistake.offset), message: `not YAML: ${mistake.message}` };
  return { parser, document, issue, placeAt };
}

/** Rewrites the parser's messages for people. */
const ourWords: Readonly<Partial<Record<ErrorCode, string>>> = {
  MULTIPLE_DOCS: "the file holds several documents; leave out all but one, and the line --- between them",
};

/** Longer messages repeat content of the file. */
const messageMax = 200;

function wordsFor({ code, message }: Document["errors"][number]): string {
  if (message.includes("call stack")) return "values are nested too deep";
  const text = ourWords[code] ?? message;
  return text.length > messageMax ? `${text.slice(0, messageMax)}…` : text;
}

interface Mistake {
  readonly offset: number;
  readonly message: string;
}

/** The parser only warns about an unknown tag and ignores it, which is not what the author meant. */
function unknownTag(text: string, { warnings }: Document): Mistake | undefined {
  const warning = warnings.find(({ code }) => code === "TAG_RESOLVE_FAILED");
  if (warning === undefined) return undefined;
  const [offset] = warning.pos;
  const tag = /^[^\s,[\]{}]{1,100}/u.exec(text.slice(offset, offset + 200))?.[0] ?? "";
  return { offset, message: `the tag ${tag} is not known; leave it out` };
}

/** Errors that the parser does not check, or finds only when values are extracted. */
function overlooked({ visit, isScalar }: Parser, document: Document): Mistake | undefined {
  let found: Mistake | undefined;
  const anchors = new Set<string>();
  const noteAnchor = ({ anchor }: { anchor?: string }): void => {
    if (anchor !== undefined) anchors.add(anchor);
  };
  visit(document, {
    Map(_, map) {
      noteAnchor(map);
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          found = { offset: key.range?.[0] ?? 0, message: "Map keys must be unique" };
          return visit.BREAK;
        }
        seen.add(key.value);
      }
      return undefined;
    },
    Seq: (_, sequence) => noteAnchor(sequence),
    Scalar: (_, scalar) => noteAnchor(scalar),
    Alias(_, { source, range }) {
      if (anchors.has(source)) return undefined;
      found = { offset: range?.[0] ?? 0, message: `no value is named &${source} before this` };
      return visit.BREAK;
    },
  });
  return found;
}

function placesIn(located: Located): YamlPlaces {
  const { parser, document, placeAt } = located;
  const placeOfValue = (path: readonly PropertyKey[]): Place =>
    placeAt(offsetOfValue(parser, document, path));
  const written = (node: unknown): string | undefined =>
    parser.isScalar(node) ? (node.source ?? String(node.value)) : undefined;
  return {
    placeOfValue,
    placeOfKey(path) {
      const offset = keyAt(located, path)?.range?.[0];
      return offset === undefined ? placeOfValue(path) : placeAt(offset);
    },
    textOfKey: (path) => written(keyAt(located, path)),
    textOfValue: (path) => written(nodeAt(parser, document, path)),
  };
}

function keyAt({ parser, document }: Located, path: readonly PropertyKey[]): Scalar | undefined {
  const parent = nodeAt(parser, document, path.slice(0, -1));
  return parser.isMap(parent) ? pairNamed(parser, parent, path.at(-1))?.key : undefined;
}

/** By the key's value: `0o17` is the name "15". */
function pairNamed(
  { isScalar }: Parser,
  map: YAMLMap,
  name: PropertyKey | undefined,
): Pair<Scalar> | undefined {
  const wanted = String(name);
  return map.items.find(
    (pair): pair is Pair<Scalar> => isScalar(pair.key) && String(pair.key.value) === wanted,
  );
}

function nodeAt(parser: Parser, document: Document, path: readonly PropertyKey[]): Node | undefined {
  let node: unknown = document.contents;
  for (const name of path) {
    if (parser.isAlias(node)) node = node.resolve(document);
    if (parser.isMap(node)) node = pairNamed(parser, node, name)?.value;
    else if (parser.isSeq(node)) node = node.items[Number(name)];
    else return undefined;
  }
  return parser.isNode(node) ? node : undefined;
}

function offsetOfValue(parser: Parser, document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const range = nodeAt(parser, document, path.slice(0, length))?.range;
    if (range !== undefined && range !== null) return range[0];
  }
  return 0;
}
