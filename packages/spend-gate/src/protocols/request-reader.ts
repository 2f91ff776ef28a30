/**
 * Reads the body of a request: what it asks for, and where the fields are that the spend gate may have to change. A protocol
 * says by what names its fields go. One pass, which writes nothing again.
 */
import { createHash, type Hash } from "node:crypto";
import { uncountedBytes } from "./image-data.ts";
import { bufferOf } from "./bytes.ts";
import { type JsonScalar, JsonScanner } from "./json-scanner.ts";
import type { CallRequest } from "./protocol.ts";

/** How a protocol names what its requests ask for. Fields are paths of the scanner. */
export interface RequestFields {
  /** The most tokens of output. A request may have several; each is changed. */
  readonly maxOutput: readonly string[];
  /** The least that the provider accepts there. */
  readonly minOutput: number;
  /** Number of answers, each of which may have the most tokens. */
  readonly answers: string | null;
  readonly speed: string | null;
  readonly region: string | null;
  /** Types of tools that the client runs, although their type is not `function`. */
  readonly clientTools: RegExp;
  /** Fields whose presence asks for something that the provider runs, and its name. */
  readonly hosted: Readonly<Record<string, string>>;
  /** Fields that refer to input that is not in the body, if they have a value that matches. */
  readonly references: readonly { readonly path: RegExp; readonly value: RegExp }[];
  /** Fields that the gate cannot meter if they are true. */
  readonly refused: readonly string[];
}

/** What was found, and where. */
export interface RequestParts {
  readonly request: CallRequest;
  readonly fields: FieldPlaces;
}

/** Places of fields by path. Of an object or an array the place is its first byte, and there is no value. */
export type FieldPlaces = ReadonlyMap<string, FieldPlace>;
export interface FieldPlace {
  readonly start: number;
  readonly end: number;
  readonly scalar: Pick<JsonScalar, "kind" | "text"> | null;
}

/** More values than any conversation has: reading them would hold up the other attempts. */
const valuesMax = 1_000_000;
const pieceBytes = 1024 * 1024;
/** Objects whose fields must be there once: the request itself, and those of which the gate reads a field. */
const singleParents = new Set(["", "/thinking", "/stream_options"]);

const countedEverywhere = [
  "/model",
  "/models",
  "/service_tier",
  "/stream",
  "/stream_options",
  "/stream_options/include_usage",
  "/thinking",
  "/thinking/budget_tokens",
  "/tools",
];

/** Differ between requests that ask for the same, at any depth and at the top. */
const ignoredKeys = new Set(["cache_control", "id", "call_id", "tool_use_id", "tool_call_id", "item_id"]);
const ignoredFields = new Set([
  "/metadata",
  "/client_metadata",
  "/user",
  "/safety_identifier",
  "/prompt_cache_key",
  "/prompt_cache_retention",
]);
/** Claude Code puts a checksum of the request here. */
const checksum = /^x-anthropic-billing-header/;

/** Null if the body is no JSON object, has a field twice or in another spelling, or asks for what the gate cannot meter. */
export function readParts(bytes: Uint8Array, names: RequestFields): RequestParts | null {
  const body = bufferOf(bytes);
  const reader = new RequestReader(body, names);
  const scanner = new JsonScanner(reader);
  for (let at = 0; at < body.length && !scanner.hasFailed && !reader.isRefused; at += pieceBytes)
    scanner.push(body.subarray(at, at + pieceBytes));
  scanner.end();
  return scanner.hasFailed || reader.isRefused ? null : reader.parts();
}

class RequestReader {
  readonly #body: Uint8Array;
  readonly #names: RequestFields;
  readonly #counting: ReadonlySet<string>;
  readonly #fields = new Map<string, FieldPlace>();
  readonly #hostedTools: string[] = [];
  readonly #otherModels = new Set<string>();
  readonly #hash: Hash = createHash("sha256");
  /** Hashed up to here. */
  #hashedTo = 0;
  #ignoredDepth = 0;
  #values = 0;
  #isInputInBody = true;
  #uncountedBytes = 0;
  #cacheWrites: "5m" | "1h" | null = null;
  isRefused = false;

  constructor(body: Uint8Array, names: RequestFields) {
    this.#body = body;
    this.#names = names;
    this.#counting = countingFields(names);
  }

  open(path: string, start: number): void {
    this.#place(path, start, start, null);
    if (this.#ignoredDepth > 0) this.#ignoredDepth++;
    else if (isIgnored(path)) {
      this.#hashUpTo(start);
      this.#ignoredDepth = 1;
    }
    if (path.endsWith("/cache_control")) this.#cacheWrites ??= "5m";
  }

  close(_path: string, end: number): void {
    if (this.#ignoredDepth === 0) return;
    this.#ignoredDepth--;
    if (this.#ignoredDepth === 0) this.#hashedTo = end;
  }

  scalar(path: string, scalar: JsonScalar): void {
    this.#place(path, scalar.start, scalar.end, scalar);
    if (this.#ignoredDepth === 0 && (isIgnored(path) || isChecksum(path, scalar))) {
      this.#hashUpTo(scalar.start);
      this.#hashedTo = scalar.end;
    }
    if (scalar.kind !== "string") return;
    if (path === "/tools/*/type" && !this.#names.clientTools.test(scalar.text))
      this.#hostedTools.push(scalar.text);
    if (path === "/tools/*/model" || path === "/models/*") this.#otherModels.add(scalar.text);
    if (path.endsWith("/cache_control/ttl") && scalar.text === "1h") this.#cacheWrites = "1h";
    this.#isInputInBody &&= !this.#names.references.some(
      (reference) => reference.path.test(path) && reference.value.test(scalar.text),
    );
    this.#uncountedBytes += uncountedBytes(path, scalar);
  }

  parts(): RequestParts | null {
    const root = this.#fields.get("");
    if (root === undefined || this.#body[root.start] !== 0x7b) return null;
    const isTrue = (path: string) => this.#fields.get(path)?.scalar?.kind === "true";
    if (this.#names.refused.some(isTrue) || !this.#isReadable()) return null;
    this.#hashUpTo(this.#body.length);
    for (const [path, name] of Object.entries(this.#names.hosted))
      if (this.#isPresent(path)) this.#hostedTools.push(name);
    return { fields: this.#fields, request: this.#request(isTrue("/stream")) };
  }

  #request(isStream: boolean): CallRequest {
    const names = this.#names;
    const text = (path: string | null) => {
      const scalar = path === null ? undefined : this.#fields.get(path)?.scalar;
      return scalar?.kind === "string" ? scalar.text : null;
    };
    return {
      model: text("/model"),
      maxOutputTokens: this.#maxOutputTokens(),
      minOutputTokens: this.#minOutputTokens(),
      isStream,
      inputBytes: this.#body.length - this.#uncountedBytes,
      isInputInBody: this.#isInputInBody,
      hostedTools: this.#hostedTools,
      otherModels: [...this.#otherModels],
      cacheWrites: this.#cacheWrites,
      serviceTier: text("/service_tier"),
      speed: text(names.speed),
      region: text(names.region),
      fingerprint: this.#hash.digest("base64url"),
    };
  }

  #maxOutputTokens(): number | null {
    const limits = this.#names.maxOutput
      .map((path) => tokensAt(this.#fields, path))
      .filter((n) => n !== null);
    return limits.length === 0 ? null : Math.min(...limits) * answersOf(this.#fields, this.#names);
  }

  #minOutputTokens(): number {
    const hasThinking = tokensAt(this.#fields, "/thinking/budget_tokens") !== null;
    const each = hasThinking ? Math.max(thinkingMin + 1, this.#names.minOutput) : this.#names.minOutput;
    return each * answersOf(this.#fields, this.#names);
  }

  #place(path: string, start: number, end: number, scalar: JsonScalar | null): void {
    this.#values++;
    if (this.#values > valuesMax) this.isRefused = true;
    const parent = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
    if (!singleParents.has(parent) || path.endsWith("/*")) return;
    if (this.#fields.has(path) || this.#isDisguised(path)) this.isRefused = true;
    this.#fields.set(path, { start, end, scalar: scalar && { kind: scalar.kind, text: scalar.text } });
  }

  /** Some providers read the names of fields without regard to case: they would read a field here that the gate does not. */
  #isDisguised(path: string): boolean {
    const plain = path.toUpperCase().toLowerCase();
    return plain !== path && this.#counting.has(plain);
  }

  /** The fields that count are of their types: no provider can read them in another way. */
  #isReadable(): boolean {
    const { maxOutput, answers } = this.#names;
    const numbers = [...maxOutput, ...(answers === null ? [] : [answers]), "/thinking/budget_tokens"];
    return (
      numbers.every((path) => !this.#isPresent(path) || tokensAt(this.#fields, path) !== null) &&
      (!this.#isPresent("/model") || this.#fields.get("/model")?.scalar?.kind === "string") &&
      ["/stream", "/stream_options/include_usage"].every(
        (path) =>
          !this.#isPresent(path) || ["true", "false"].includes(this.#fields.get(path)?.scalar?.kind ?? ""),
      )
    );
  }

  #isPresent(path: string): boolean {
    const place = this.#fields.get(path);
    return place !== undefined && place.scalar?.kind !== "null";
  }

  #hashUpTo(end: number): void {
    this.#hash.update(this.#body.subarray(this.#hashedTo, end));
    this.#hashedTo = end;
  }
}

/** Fields that decide what a request costs. */
function countingFields(names: RequestFields): ReadonlySet<string> {
  const own = [names.answers, names.speed, names.region].filter((path) => path !== null);
  return new Set([
    ...countedEverywhere,
    ...own,
    ...names.maxOutput,
    ...names.refused,
    ...Object.keys(names.hosted),
  ]);
}

function isIgnored(path: string): boolean {
  return ignoredFields.has(path) || ignoredKeys.has(path.slice(path.lastIndexOf("/") + 1));
}

function isChecksum(path: string, scalar: JsonScalar): boolean {
  return (path === "/system/*/text" || path === "/system") && checksum.test(scalar.text);
}

/** How many answers a request asks for. */
export function answersOf(fields: FieldPlaces, names: RequestFields): number {
  return Math.max(names.answers === null ? 1 : (tokensAt(fields, names.answers) ?? 1), 1);
}

/** The least that Anthropic accepts as a budget for thinking. It must be less than the limit of the output. */
export const thinkingMin = 1024;

/** A number of tokens; null if the field is missing or is none. */
export function tokensAt(fields: FieldPlaces, path: string): number | null {
  const scalar = fields.get(path)?.scalar;
  if (scalar?.kind !== "number") return null;
  const tokens = Math.ceil(Number(scalar.text));
  return tokens >= 0 && Number.isSafeInteger(tokens) ? tokens : null;
}
