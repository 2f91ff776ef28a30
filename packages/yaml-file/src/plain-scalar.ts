/** Scalars and flow collections on one line, as far as `plain-yaml.ts` reads them. The rules are those of YAML 1.2's core schema. */

/** Thrown to give up; carries nothing, so that giving up is cheap. */
export const notPlain: unique symbol = Symbol("not plain YAML");

const words = new Map<string, boolean | null>([
  ...["~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
]);
const number = /^[-+]?[0-9]+(?:\.[0-9]+)?$/;
/** Long numbers lose digits, and are left to the parser with the rest of the rare forms. */
const numberCharsMax = 15;
const rareNumber =
  /^(?:0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)$/;

/** A plain scalar by what it means. */
export function scalarOf(text: string): unknown {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (number.test(text) && text.length <= numberCharsMax) return Number(text);
  if (rareNumber.test(text)) throw notPlain;
  return text;
}

/** Whether a plain scalar may begin so; a few that may are left out. */
export function isScalarStart(text: string): boolean {
  return /^(?:[^-?:,[\]{}#&*!|>'"%@` ]|-[^ ])/.test(text) && !text.startsWith("---");
}

/** A plain scalar without the comment behind it and the space at its end. */
export function withoutComment(text: string): string {
  const comment = text.indexOf(" #");
  return (comment === -1 ? text : text.slice(0, comment)).trimEnd();
}

interface Read<T> {
  readonly value: T;
  readonly rest: string;
}

const quoted = /^(?:"((?:[^"\\]|\\["\\/nrt])*)"|'((?:[^']|'')*)')/;
/** Longer ones are left to the parser: a pattern takes stack for each character. */
const quotedCharsMax = 10_000;
const onlyComment = /^(?: *| +#.*)$/;

/** A quoted scalar that ends on its line, with nothing but a comment behind it. */
export function quotedScalar(text: string): string {
  const { value, rest } = unquoted(text);
  if (!onlyComment.test(rest)) throw notPlain;
  return value;
}

function unquoted(text: string): Read<string> {
  const [whole, double, single] = text.length > quotedCharsMax ? [] : (quoted.exec(text) ?? []);
  if (whole === undefined) throw notPlain;
  const rest = text.slice(whole.length);
  if (double === undefined) return { value: (single ?? "").replaceAll("''", "'"), rest };
  return { value: double.includes("\\") ? (JSON.parse(`"${double}"`) as string) : double, rest };
}

const flowScalar = /^[A-Za-z0-9_./$-][^[\]{},:#"'&*!|>%@`?\\]*/;
const flowKey = /^([A-Za-z_][A-Za-z0-9_]*): +/;
const depthMax = 64;

/** A flow collection that ends on its line, with nothing but a comment behind it. */
export function readFlow(text: string): unknown {
  const { value, rest } = flowValue(text, 0);
  if (!onlyComment.test(rest)) throw notPlain;
  return value;
}

function flowValue(text: string, depth: number): Read<unknown> {
  if (depth > depthMax) throw notPlain;
  switch (text[0]) {
    case "[":
      return flowSequence(text.slice(1), depth);
    case "{":
      return flowMapping(text.slice(1), depth);
    case '"':
    case "'":
      return unquoted(text);
    default: {
      const [scalar] = flowScalar.exec(text) ?? [];
      if (scalar === undefined || /^-(?: |$|-)/.test(scalar)) throw notPlain;
      return { value: scalarOf(scalar.trimEnd()), rest: text.slice(scalar.length) };
    }
  }
}

function flowSequence(text: string, depth: number): Read<unknown[]> {
  const items: unknown[] = [];
  let rest = text.trimStart();
  if (rest[0] === "]") return { value: items, rest: rest.slice(1) };
  for (;;) {
    const item = flowValue(rest, depth + 1);
    items.push(item.value);
    rest = item.rest.trimStart();
    if (rest[0] === "]") return { value: items, rest: rest.slice(1) };
    if (rest[0] !== ",") throw notPlain;
    rest = rest.slice(1).trimStart();
  }
}

function flowMapping(text: string, depth: number): Read<Record<string, unknown>> {
  const mapping: Record<string, unknown> = {};
  let rest = text.trimStart();
  if (rest[0] === "}") return { value: mapping, rest: rest.slice(1) };
  for (;;) {
    const [head, key] = flowKey.exec(rest) ?? [];
    if (head === undefined || key === undefined || words.has(key)) throw notPlain;
    if (key === "__proto__" || Object.hasOwn(mapping, key)) throw notPlain;
    const entry = flowValue(rest.slice(head.length), depth + 1);
    mapping[key] = entry.value;
    rest = entry.rest.trimStart();
    if (rest[0] === "}") return { value: mapping, rest: rest.slice(1) };
    if (rest[0] !== ",") throw notPlain;
    rest = rest.slice(1).trimStart();
  }
}
