/**
 * A YAML text with the places of its values, so that a schema error has a line and column. js-yaml reads values, about ten
 * times as fast; `yaml` knows places, and is loaded and runs only if there is an error. A program without a file to read
 * loads neither.
 */

import type { Alias, Document, ErrorCode, Node, Pair, Scalar, YAMLMap } from "yaml";
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

/** Values of a file with each alias written out. More are refused: readers visit every one of them. */
const expandedMax = 1_000_000;

type Parser = typeof yamlParser;

/** Syntax only; see `readYaml` for syntax and schema together. */
export async function parseYaml(text: string): Promise<YamlSource> {
  const values = await import("./value-parser.ts");
  const fast = readFast(values, text, 0);
  if (fast !== null) {
    let places: Promise<YamlPlaces> | undefined;
    return { ok: true, value: fast.value, places: () => (places ??= locate(text).then(placesIn)) };
  }
  const located = await locate(text);
  if (located.issue !== undefined) return { ok: false, issues: [located.issue] };
  const places = Promise.resolve(placesIn(located));
  // The aliases are counted now. The parser of places would need minutes to write out thousands of them.
  const known = readFast(values, text, -1);
  const value: unknown = known === null ? located.document.toJS({ maxAliasCount: -1 }) : known.value;
  return { ok: true, value, places: () => places };
}

/**
 * Null if the fast parser finds an error, or something that the other parser decides: an alias, which may expand without
 * limit, a text without a value, an unknown tag.
 */
function readFast(
  { load, schema, YAMLException }: typeof valueParser,
  text: string,
  maxAliases: number,
): { readonly value: unknown } | null {
  try {
    return { value: load(text, { schema, maxAliases, maxTotalMergeKeys: -1 }) };
  } catch (error) {
    if (error instanceof YAMLException) return null;
    throw error;
  }
}

/** A parsed text with the places of its nodes. */
interface Located {
  readonly parser: Parser;
  readonly document: Document;
  /** What each alias stands for. */
  readonly targets: ReadonlyMap<Node, Node>;
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
    merge: true,
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return line === 0 ? start : { line, column: col };
  };
  const [error] = document.errors;
  const targets = new Map<Node, Node>();
  const mistake =
    error === undefined
      ? (unknownTag(text, document) ?? overlooked(parser, document, targets))
      : (bracesUnquoted(text, error.pos[0]) ?? { offset: error.pos[0], message: wordsFor(error) });
  const issue =
    mistake === undefined
      ? undefined
      : { ...placeAt(mistake.offset), message: `not YAML: ${mistake.message}` };
  return { parser, document, targets, issue, placeAt };
}

/** Rewrites the parser's messages for people. */
const ourWords: Readonly<Partial<Record<ErrorCode, string>>> = {
  TAB_AS_INDENT: "a tab indents this line; write spaces",
  BLOCK_AS_IMPLICIT_KEY: 'a text with ": " in it needs quotes, or lines of its own after |',
  BLOCK_IN_FLOW: 'within { } and [ ], a text with ": " or "- " in it needs quotes',
  BAD_SCALAR_START: "a text that begins with this character needs quotes",
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

/** Most of a placeholder that is repeated. */
const placeholderMax = 60;

/** In `{ }` and `[ ]`, a placeholder without quotes is read as another mapping, and the parser's words are about that. */
function bracesUnquoted(text: string, offset: number): Mistake | undefined {
  const start = text.indexOf("${{", Math.max(0, offset - 2));
  if (start === -1 || start > offset) return undefined;
  const end = text.indexOf("}}", start);
  const whole = end === -1 ? "" : text.slice(start, end + 2);
  const shown = /^[^"\n]+$/.test(whole) && whole.length <= placeholderMax ? whole : "${{ … }}";
  return { offset: start, message: `within { } and [ ], a text with \${{ }} needs quotes: "${shown}"` };
}

/** The parser only warns about an unknown tag and ignores it, which is not what the author meant. */
function unknownTag(text: string, { warnings }: Document): Mistake | undefined {
  const warning = warnings.find(({ code }) => code === "TAG_RESOLVE_FAILED");
  if (warning === undefined) return undefined;
  const [offset] = warning.pos;
  const tag = /^[^\s,[\]{}]{1,100}/u.exec(text.slice(offset, offset + 200))?.[0] ?? "";
  return {
    offset,
    message: `the tag ${tag} is not known; leave it out, or put a text that begins with ! in quotes`,
  };
}

/** Errors that the parser does not check, or finds only when values are extracted. Fills `targets`. */
function overlooked(
  { isAlias, isMap, isScalar, isSeq }: Parser,
  document: Document,
  targets: Map<Node, Node>,
): Mistake | undefined {
  let found: Mistake | undefined;
  const anchors = new Map<string, Node>();
  /** Values in a node with its aliases written out. Nodes that are still open have none. */
  const sizes = new Map<Node, number>();
  let expanded = 0;
  if (document.contents !== null) measure(document.contents);
  return found;

  function mistakeAt(node: Node, message: string): number {
    found ??= { offset: node.range?.[0] ?? 0, message };
    return 0;
  }

  function measure(node: unknown): number {
    if (found !== undefined || !isNodeLike(node)) return 0;
    if (isAlias(node)) return measureAlias(node);
    const { anchor } = node as Scalar;
    if (anchor !== undefined) anchors.set(anchor, node);
    let size = 1;
    if (isMap(node)) size += measureMap(node);
    if (isSeq(node)) for (const item of node.items) size += measure(item);
    sizes.set(node, size);
    return size;
  }

  function measureAlias(alias: Alias): number {
    const target = anchors.get(alias.source);
    if (target === undefined)
      return mistakeAt(
        alias,
        `no value is named &${alias.source} before this; a text that begins with * needs quotes`,
      );
    const size = sizes.get(target);
    if (size === undefined) return mistakeAt(alias, `the value &${alias.source} contains itself`);
    targets.set(alias, target);
    expanded += size;
    if (expanded > expandedMax)
      return mistakeAt(alias, `the aliases of the file stand for more than ${expandedMax} values`);
    return size;
  }

  function measureMap(map: YAMLMap): number {
    let size = 0;
    const seen = new Set<unknown>();
    for (const { key, value } of map.items) {
      size += measure(key) + measure(value);
      if (!isScalar(key) || found !== undefined) continue;
      if (seen.has(key.value))
        mistakeAt(key, `the name ${shownKey(key.value)} is there twice; leave out one of the two`);
      seen.add(key.value);
      if (isMergeKey(key)) checkMerge(key, value);
    }
    return size;
  }

  function checkMerge(key: Scalar, value: unknown): void {
    const target = isAlias(value) ? targets.get(value) : value;
    const sources: unknown[] = isSeq(target) ? target.items : [target];
    if (sources.every((source) => isMap(isAlias(source) ? targets.get(source) : source))) return;
    mistakeAt(key, "<< takes a mapping, the alias of a mapping, or a list of these");
  }
}

const shownKeyMax = 60;

function shownKey(key: unknown): string {
  const text = typeof key === "symbol" ? "<<" : String(key);
  return JSON.stringify(text.length > shownKeyMax ? `${text.slice(0, shownKeyMax)}…` : text);
}

const isNodeLike = (node: unknown): node is Node => typeof node === "object" && node !== null;

/** A plain `<<`; one in quotes is an ordinary name. */
const isMergeKey = ({ value }: Scalar): boolean => typeof value === "symbol";

function placesIn(located: Located): YamlPlaces {
  const { parser, placeAt } = located;
  const placeOfValue = (path: readonly PropertyKey[]): Place => placeAt(offsetOfValue(located, path));
  const written = (node: unknown): string | undefined =>
    parser.isScalar(node) ? (node.source ?? String(node.value)) : undefined;
  return {
    placeOfValue,
    placeOfKey(path) {
      const offset = keyAt(located, path)?.range?.[0];
      return offset === undefined ? placeOfValue(path) : placeAt(offset);
    },
    textOfKey: (path) => written(keyAt(located, path)),
    textOfValue: (path) => written(resolved(located, nodeAt(located, path))),
  };
}

function keyAt(located: Located, path: readonly PropertyKey[]): Scalar | undefined {
  return pairNamed(located, nodeAt(located, path.slice(0, -1)), path.at(-1))?.key;
}

/**
 * By the key's value: `0o17` is the name "15". A pair that the mapping has through `<<` is where it is written; the mapping's
 * own pairs come first, then the sources in their order.
 */
function pairNamed(located: Located, map: unknown, name: PropertyKey | undefined): Pair<Scalar> | undefined {
  const { isMap, isScalar, isSeq } = located.parser;
  if (!isMap(map)) return undefined;
  const wanted = String(name);
  const pairs = map.items.filter((pair): pair is Pair<Scalar> => isScalar(pair.key));
  const own = pairs.find(({ key }) => !isMergeKey(key) && String(key.value) === wanted);
  if (own !== undefined) return own;
  for (const { key, value } of pairs) {
    if (!isMergeKey(key)) continue;
    const source = resolved(located, value);
    for (const one of isSeq(source) ? source.items : [source]) {
      const pair = pairNamed(located, resolved(located, one), name);
      if (pair !== undefined) return pair;
    }
  }
  return undefined;
}

/** What an alias stands for; any other value is itself. */
function resolved({ parser, targets }: Located, node: unknown): unknown {
  return parser.isAlias(node) ? targets.get(node) : node;
}

/** An alias at the end of the path is not resolved: it is the place where the value is used. */
function nodeAt(located: Located, path: readonly PropertyKey[]): Node | undefined {
  const { parser, document } = located;
  let node: unknown = document.contents;
  for (const name of path) {
    const parent = resolved(located, node);
    if (parser.isSeq(parent)) node = parent.items[Number(name)];
    else node = pairNamed(located, parent, name)?.value;
  }
  return parser.isNode(node) ? node : undefined;
}

function offsetOfValue(located: Located, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const range = nodeAt(located, path.slice(0, length))?.range;
    if (range !== undefined && range !== null) return range[0];
  }
  return 0;
}
