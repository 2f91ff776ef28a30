/**
 * Replaces secrets in texts and streams with `***`: each secret as it is, each of its lines, and both as they appear in JSON,
 * in an address and in the shell's trace. Other encodings, such as base64, are not recognized. Pure.
 */

/** Shorter secrets cannot be masked: they are part of ordinary words. */
export const secretCharsMin = 4;

/** Whether the secret is long enough to be masked. */
export const canMask = (secret: string): boolean => secret.trim().length >= secretCharsMin;

const mask = "***";

export interface Masker {
  text(text: string): string;
  /** A copy with every text in it masked; the names of its properties do not change. */
  value<T>(value: T): T;
  /** For one stream of bytes. A secret may be spread over several chunks. */
  stream(): MaskedStream;
  /** For one stream of bytes: tells after each chunk whether there was a secret so far. */
  finder(): (chunk: Buffer) => boolean;
}

export interface MaskedStream {
  /** The bytes that can be passed on. The beginning of what may become a secret is held back. */
  write(chunk: Buffer): Buffer;
  /** The rest. */
  end(): Buffer;
}

/** Changes nothing. */
export const noMasker: Masker = {
  text: (text) => text,
  value: (value) => value,
  stream: () => ({ write: (chunk) => chunk, end: () => Buffer.alloc(0) }),
  finder: () => () => false,
};

export function createMasker(secrets: Iterable<string>): Masker {
  const forms = [...new Set([...secrets].flatMap(formsOf))];
  if (forms.length === 0) return noMasker;
  const texts = patternsOf(forms);
  // One character for each byte, so that a character of several bytes may be cut by the end of a chunk.
  const bytes = patternsOf(forms.map((form) => Buffer.from(form).toString("latin1")));
  const text = (whole: string): string => new MaskedText(texts).write(whole, true);
  return {
    text,
    value: <T>(value: T): T => maskedValue(value, text) as T,
    stream() {
      const masked = new MaskedText(bytes);
      const next = (chunk: string, isLast: boolean): Buffer =>
        Buffer.from(masked.write(chunk, isLast), "latin1");
      return { write: (chunk) => next(chunk.toString("latin1"), false), end: () => next("", true) };
    },
    finder() {
      let before = "";
      let isFound = false;
      return (chunk) => {
        const joined = before + chunk.toString("latin1");
        before = joined.slice(Math.max(0, joined.length - bytes.charsMax + 1));
        isFound ||= bytes.all.some((pattern) => joined.includes(pattern));
        return isFound;
      };
    },
  };
}

/** Each way in which the secret may appear. */
function formsOf(secret: string): string[] {
  const parts = [secret, ...secret.split(/\r?\n/)].filter(canMask);
  return parts.flatMap((part) => {
    const json = inJson(part);
    return [part, json, inJson(json), inAscii(json), encodeURIComponent(part.toWellFormed()), inTrace(part)];
  });
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
/** As encoders write JSON that only use ASCII. */
const inAscii = (json: string): string =>
  json.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
/** As `set -x` prints it. */
const inTrace = (text: string): string => text.replaceAll("'", String.raw`'\''`);

interface Patterns {
  readonly all: readonly string[];
  readonly charsMax: number;
  readonly firstChars: ReadonlySet<string>;
}

function patternsOf(all: readonly string[]): Patterns {
  return {
    all,
    charsMax: Math.max(...all.map(({ length }) => length)),
    firstChars: new Set(all.map((pattern) => pattern.charAt(0))),
  };
}

class MaskedText {
  readonly #patterns: Patterns;
  /** The end of the text so far, which may be the beginning of a secret. */
  #held = "";
  /** How many characters of it belong to a secret whose mask was written. */
  #covered = 0;

  constructor(patterns: Patterns) {
    this.#patterns = patterns;
  }

  write(chunk: string, isLast: boolean): string {
    const text = this.#held + chunk;
    const holdAt = isLast ? text.length : this.#holdAt(text);
    const out: string[] = [];
    let at = this.#covered;
    // What begins in the part that is held is looked at again with the next chunk.
    for (const { start, end } of this.#spansIn(text)) {
      if (start >= holdAt) break;
      if (start >= at) out.push(text.slice(at, start), mask);
      at = Math.max(at, end);
    }
    if (at < holdAt) out.push(text.slice(at, holdAt));
    this.#held = text.slice(holdAt);
    this.#covered = Math.max(0, at - holdAt);
    return out.join("");
  }

  /** Where the end of the text begins that may be the beginning of a secret. */
  #holdAt(text: string): number {
    const { all, charsMax, firstChars } = this.#patterns;
    for (let at = Math.max(0, text.length - charsMax + 1); at < text.length; at++) {
      if (!firstChars.has(text.charAt(at))) continue;
      const rest = text.slice(at);
      if (all.some((pattern) => pattern.length > rest.length && pattern.startsWith(rest))) return at;
    }
    return text.length;
  }

  /** Secrets in the text, in order; those that overlap are one. */
  #spansIn(text: string): readonly { readonly start: number; readonly end: number }[] {
    const found: { start: number; end: number }[] = [];
    for (const pattern of this.#patterns.all)
      for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1))
        found.push({ start: at, end: at + pattern.length });
    found.sort((a, b) => a.start - b.start);
    const spans: { start: number; end: number }[] = [];
    for (const { start, end } of found) {
      const last = spans.at(-1);
      if (last !== undefined && start < last.end) last.end = Math.max(last.end, end);
      else spans.push({ start, end });
    }
    return spans;
  }
}

function maskedValue(value: unknown, text: (text: string) => string): unknown {
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return value.map((one) => maskedValue(one, text));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, maskedValue(one, text)]));
}
