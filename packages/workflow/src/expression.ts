/**
 * Parses the expressions of `if` and `${{ … }}`: comparisons and logic over inputs, matrix values and steps. A recursive
 * descent parser for
 *
 *     or     = and { "||" and }
 *     and    = not { "&&" not }
 *     not    = "!" not | compare
 *     compare = value [ ("==" | "!=") value ]
 *     value  = text | number | true | false | null | reference | function | "(" or ")"
 *     reference = ("inputs" | "matrix" | "steps" | "secrets") { "." name }
 *     function = ("success" | "failure" | "cancelled" | "always") "(" ")"
 *
 * A function is a reference whose only name is `failure()`. Expressions cannot loop or fail at run time: a reference to a
 * missing value is `null`.
 */

import { cureOfFunction, cureOfName } from "./foreign-expressions.ts";
import { placeholdersOf, wholePlaceholder } from "./placeholder.ts";

export type Value = string | number | boolean | null;

export type Expression =
  | { readonly kind: "literal"; readonly value: Value }
  | { readonly kind: "reference"; readonly path: readonly string[] }
  | { readonly kind: "not"; readonly of: Expression }
  | {
      readonly kind: "and" | "or" | "equal" | "unequal";
      readonly left: Expression;
      readonly right: Expression;
    };

export type ParsedExpression =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly message: string };

/** Returns the value of a reference such as `["steps", "build", "status"]`; `null` if it does not exist. */
export type Lookup = (path: readonly string[]) => Value;

const tokenPattern =
  /\s*(?:(\|\||&&|==|!=|!|\(|\))|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?\d+(?:\.\d+)?)(?![\w.])|([A-Za-z_][\w-]*(?:\.[\w-]+)*)(\s*\(\s*\)?)?)/y;

type Token =
  | { readonly kind: "sign"; readonly text: string }
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "name"; readonly path: readonly string[] }
  | { readonly kind: "function"; readonly name: string };

/** Longer expressions are refused: people write expressions by hand, and the parser is recursive. */
const charsMax = 4000;
const depthMax = 100;

const roots = ["inputs", "matrix", "steps"];
/** Known by name only: its values are in no text that is stored. */
const secretsRoot = "secrets";

/** The functions of conditions, as the paths of their references name them. */
export const statusFunctions = ["success()", "failure()", "cancelled()", "always()"] as const;
export type StatusFunction = (typeof statusFunctions)[number];

/** The function that a reference calls; undefined if it refers to a value. */
export function functionOf([name]: readonly string[]): StatusFunction | undefined {
  return statusFunctions.find((known) => known === name);
}

export function parseExpression(text: string): ParsedExpression {
  if (text.length > charsMax) return { ok: false, message: `it is longer than ${charsMax} characters` };
  if (text.trimStart().startsWith("${{")) {
    return { ok: false, message: "write it without ${{ }}; this key already takes an expression" };
  }
  try {
    const tokens = tokenize(text);
    const reader = { tokens, at: 0, depth: 0 };
    const expression = readOr(reader);
    const rest = reader.tokens[reader.at];
    if (rest !== undefined) return { ok: false, message: `"${show(rest)}" is not expected there` };
    return { ok: true, expression };
  } catch (error) {
    if (error instanceof ExpressionError) return { ok: false, message: error.message };
    throw error;
  }
}

/** All references of an expression, for checks before the run. */
export function referencesOf(expression: Expression): readonly (readonly string[])[] {
  switch (expression.kind) {
    case "literal":
      return [];
    case "reference":
      return [expression.path];
    case "not":
      return referencesOf(expression.of);
    case "and":
    case "or":
    case "equal":
    case "unequal":
      return [...referencesOf(expression.left), ...referencesOf(expression.right)];
  }
}

export function evaluate(expression: Expression, lookup: Lookup): Value {
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "reference":
      return lookup(expression.path);
    case "not":
      return !isTrue(evaluate(expression.of, lookup));
    case "and":
      return isTrue(evaluate(expression.left, lookup)) && isTrue(evaluate(expression.right, lookup));
    case "or":
      return isTrue(evaluate(expression.left, lookup)) || isTrue(evaluate(expression.right, lookup));
    case "equal":
      return evaluate(expression.left, lookup) === evaluate(expression.right, lookup);
    case "unequal":
      return evaluate(expression.left, lookup) !== evaluate(expression.right, lookup);
  }
}

/** False are `false`, `null`, 0 and the empty text. */
export function isTrue(value: Value): boolean {
  return value !== false && value !== null && value !== 0 && value !== "";
}

class ExpressionError extends Error {}

interface Reader {
  readonly tokens: readonly Token[];
  at: number;
  /** Open parentheses. */
  depth: number;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(tokenPattern);
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const from = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw new ExpressionError(unreadable(text.slice(from, from + 20).trim()));
    const [, sign, single, double, number, name = "", called] = match;
    if (sign !== undefined) tokens.push({ kind: "sign", text: sign });
    else if (single !== undefined || double !== undefined) {
      tokens.push({ kind: "value", value: (single ?? double ?? "").replaceAll(/\\(.)/g, "$1") });
    } else if (number !== undefined) tokens.push({ kind: "value", value: Number(number) });
    else if (called === undefined) tokens.push(nameToken(name));
    else tokens.push(functionToken(name, called.endsWith(")")));
  }
  return tokens;
}

function unreadable(text: string): string {
  return `cannot read "${text}"${text.startsWith("=") ? "; write == to compare" : ""}`;
}

function nameToken(name: string): Token {
  if (name === "true" || name === "false") return { kind: "value", value: name === "true" };
  if (name === "null") return { kind: "value", value: null };
  const path = name.split(".");
  if (functionOf([`${name}()`]) !== undefined) {
    throw new ExpressionError(`"${name}" is a function; write ${name}()`);
  }
  if (path[0] !== secretsRoot && !roots.includes(path[0] ?? "")) {
    throw new ExpressionError(
      `unknown reference "${name}"; references begin with ${roots.map((root) => `${root}.`).join(", ")}${cureOfName(name)}`,
    );
  }
  return { kind: "name", path };
}

/** `closed`: nothing stands between its parentheses. */
function functionToken(name: string, closed: boolean): Token {
  const call = `${name}()`;
  const isKnown = functionOf([call]) !== undefined;
  if (isKnown && closed) return { kind: "function", name: call };
  if (isKnown) throw new ExpressionError(`"${name}" takes no arguments; write ${call}`);
  const all = statusFunctions.join(", ");
  throw new ExpressionError(`unknown function "${call}"; there are ${all}; ${cureOfFunction(name)}`);
}

function readOr(reader: Reader): Expression {
  let left = readAnd(reader);
  while (take(reader, "||")) left = { kind: "or", left, right: readAnd(reader) };
  return left;
}

function readAnd(reader: Reader): Expression {
  let left = readNot(reader);
  while (take(reader, "&&")) left = { kind: "and", left, right: readNot(reader) };
  return left;
}

function readNot(reader: Reader): Expression {
  let signs = 0;
  while (take(reader, "!")) signs += 1;
  const compared = readCompare(reader);
  // Two signs convert the value to true or false; more signs are equal to one or two.
  if (signs === 0) return compared;
  const not: Expression = { kind: "not", of: compared };
  return signs % 2 === 1 ? not : { kind: "not", of: not };
}

function readCompare(reader: Reader): Expression {
  const left = readValue(reader);
  if (take(reader, "==")) return { kind: "equal", left, right: readValue(reader) };
  if (take(reader, "!=")) return { kind: "unequal", left, right: readValue(reader) };
  return left;
}

function readValue(reader: Reader): Expression {
  if (take(reader, "(")) {
    reader.depth += 1;
    if (reader.depth > depthMax)
      throw new ExpressionError(`more than ${depthMax} parentheses are open at once`);
    const inner = readOr(reader);
    if (!take(reader, ")")) throw new ExpressionError(`a ")" is missing`);
    reader.depth -= 1;
    return inner;
  }
  const token = reader.tokens[reader.at];
  if (token === undefined) throw new ExpressionError("a value is missing at the end");
  reader.at++;
  switch (token.kind) {
    case "value":
      return { kind: "literal", value: token.value };
    case "name":
      return { kind: "reference", path: token.path };
    case "function":
      return { kind: "reference", path: [token.name] };
    case "sign":
      throw new ExpressionError(`"${token.text}" is not expected there`);
  }
}

function take(reader: Reader, sign: string): boolean {
  const token = reader.tokens[reader.at];
  if (token?.kind !== "sign" || token.text !== sign) return false;
  reader.at++;
  return true;
}

function show(token: Token): string {
  switch (token.kind) {
    case "sign":
      return token.text;
    case "name":
      return token.path.join(".");
    case "function":
      return token.name;
    case "value":
      return String(token.value);
  }
}

// --- ${{ … }} in texts ------------------------------------------------------------------------------------------------------

/** The expressions in a text as written, each once. */
export function placeholdersIn(text: string): string[] {
  const found = placeholdersOf(text);
  // Most texts have none.
  return found.length === 0 ? [] : [...new Set(found.map(({ expression }) => expression))];
}

/** A text that is one `${{ … }}` and nothing else keeps the type of its value; any other text is filled in. */
export function valueIn(text: string, lookup: Lookup): Value {
  const whole = wholePlaceholder(text);
  return whole === null ? fillIn(text, lookup) : valueOf(whole.expression, lookup);
}

/** The text with each `${{ … }}` replaced by its value; `null` becomes nothing. The expressions must have been validated. */
export function fillIn(text: string, lookup: Lookup): string {
  let from = 0;
  const parts: string[] = [];
  for (const { expression, start, end } of placeholdersOf(text)) {
    parts.push(text.slice(from, start), textOfValue(valueOf(expression, lookup)));
    from = end;
  }
  return [...parts, text.slice(from)].join("");
}

/** The value of an expression; null if it cannot be parsed. */
export function valueOf(expression: string, lookup: Lookup): Value {
  const parsed = parseExpression(expression);
  return parsed.ok ? evaluate(parsed.expression, lookup) : null;
}

/** The value as it appears in a text. */
export function textOfValue(value: Value): string {
  return value === null ? "" : String(value);
}
