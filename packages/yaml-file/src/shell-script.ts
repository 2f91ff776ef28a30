/**
 * Replaces placeholders in a bash script. A value never becomes part of the script's text, where it could be a command: it
 * becomes a reference to an environment variable, written so that bash reads it correctly at its position.
 *
 * | place                                | written                                             |
 * | ------------------------------------ | --------------------------------------------------- |
 * | bare, in `$(…)`, in a comment        | `${NAME}`: bash splits it into words, as a variable |
 * | in double quotes, in a here-document | `${NAME}`                                           |
 * | in single quotes, in `$'…'`          | the quotes are closed before it and opened after it |
 * | in a here-document with `<<'EOF'`    | as `<<EOF`, with all else in it escaped             |
 *
 * The scanner knows bash's quoting well enough for usual scripts. If it mistakes a position, the script may read the name
 * instead of the value, but the value is still never code.
 */

/** A placeholder, and the variable that holds its value. */
export interface ScriptReference {
  readonly variable: string;
  /** Index after its last character. */
  readonly end: number;
}

/** The placeholder that begins at the index; null if none does. In arithmetic, bash runs commands that a value contains. */
export type ReferenceAt = (text: string, at: number, isArithmetic: boolean) => ScriptReference | null;

type Frame =
  /** Commands: the whole script, `( … )`, `$( … )` or `` ` … ` ``. */
  | { readonly kind: "commands"; readonly close: ")" | "`" | null }
  /** `(( … ))`; ends where as many are closed as were opened. */
  | { readonly kind: "arithmetic"; open: number }
  | { readonly kind: "double" }
  /** `${ … }`. */
  | { readonly kind: "parameter"; readonly quoted: boolean };

interface HereDocument {
  /** Where its quoted word stands in the output; -1 where it is not quoted. */
  readonly wordAt: number;
  readonly end: string;
  readonly stripsTabs: boolean;
}

export function scriptWithValues(text: string, referenceAt: ReferenceAt): string {
  return new Scanner(text, referenceAt).scan();
}

const wordEnd = /[\s;&|()<>]/;

class Scanner {
  readonly #text: string;
  readonly #referenceAt: ReferenceAt;
  readonly #out: string[] = [];
  readonly #frames: Frame[] = [{ kind: "commands", close: null }];
  #documents: HereDocument[] = [];
  #at = 0;

  constructor(text: string, referenceAt: ReferenceAt) {
    this.#text = text;
    this.#referenceAt = referenceAt;
  }

  scan(): string {
    while (this.#at < this.#text.length) this.#step(this.#frames.at(-1)!);
    return this.#out.join("");
  }

  #step(frame: Frame): void {
    const placeholder = this.#find(this.#at);
    if (placeholder !== null) return this.#reference(placeholder);
    const char = this.#text[this.#at] ?? "";
    if (char === "\\") return this.#escape();
    switch (frame.kind) {
      case "double":
        if (char === '"') return this.#leave(1);
        break;
      case "parameter":
        if (char === "}") return this.#leave(1);
        if (char === "'" && !frame.quoted) return this.#singleQuoted(1, false);
        if (char === '"') return this.#enter({ kind: "double" }, 1);
        break;
      case "arithmetic":
        return this.#arithmetic(frame, char);
      case "commands":
        if (this.#commands(frame, char)) return;
        break;
    }
    this.#expansion(frame, char);
  }

  /** What begins the same within double quotes and without. */
  #expansion(frame: Frame, char: string): void {
    const quoted = frame.kind === "double" || (frame.kind === "parameter" && frame.quoted);
    if (this.#startsWith("$((")) return this.#enter({ kind: "arithmetic", open: 2 }, 3);
    if (this.#startsWith("$(")) return this.#enter({ kind: "commands", close: ")" }, 2);
    if (this.#startsWith("${")) return this.#enter({ kind: "parameter", quoted }, 2);
    if (char === "`") return this.#enter({ kind: "commands", close: "`" }, 1);
    this.#copy(1);
  }

  /** False: it means nothing special to commands. */
  #commands(frame: Extract<Frame, { kind: "commands" }>, char: string): boolean {
    if (char === frame.close) this.#leave(1);
    else if (char === "'") this.#singleQuoted(1, false);
    else if (this.#startsWith("$'")) this.#singleQuoted(2, true);
    else if (char === '"') this.#enter({ kind: "double" }, 1);
    else if (this.#startsWith("((")) this.#enter({ kind: "arithmetic", open: 2 }, 2);
    else if (char === "(") this.#enter({ kind: "commands", close: ")" }, 1);
    else if (char === "#" && this.#isWordStart()) this.#comment();
    else if (this.#startsWith("<<<")) this.#copy(3);
    else if (this.#startsWith("<<")) this.#hereDocument();
    else if (char === "\n") this.#lineEnd();
    else return false;
    return true;
  }

  #arithmetic(frame: Extract<Frame, { kind: "arithmetic" }>, char: string): void {
    if (char === "(") frame.open += 1;
    if (char === ")") frame.open -= 1;
    if (frame.open === 0) this.#leave(1);
    else this.#copy(1);
  }

  #singleQuoted(opening: number, escapes: boolean): void {
    this.#copy(opening);
    const reopen = escapes ? "$'" : "'";
    while (this.#at < this.#text.length) {
      const placeholder = this.#find(this.#at);
      if (placeholder !== null) {
        this.#out.push(`'"`);
        this.#reference(placeholder);
        this.#out.push(`"${reopen}`);
      } else if (this.#text[this.#at] === "'") {
        return this.#copy(1);
      } else this.#copy(escapes && this.#text[this.#at] === "\\" ? 2 : 1);
    }
  }

  #comment(): void {
    while (this.#at < this.#text.length && this.#text[this.#at] !== "\n") {
      const placeholder = this.#find(this.#at);
      if (placeholder === null) this.#copy(1);
      else this.#reference(placeholder);
    }
  }

  /** A backslash before a value only kept its first character from meaning something, which no value does any more. */
  #escape(): void {
    if (this.#find(this.#at + 1) === null) this.#copy(2);
    else this.#at += 1;
  }

  #hereDocument(): void {
    this.#copy(2);
    const stripsTabs = this.#text[this.#at] === "-";
    if (stripsTabs) this.#copy(1);
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#copy(1);
    const from = this.#at;
    let quote = "";
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at] ?? "";
      if (quote === "" && wordEnd.test(char)) break;
      if (char === quote) quote = "";
      else if (quote === "" && (char === "'" || char === '"')) quote = char;
    }
    const word = this.#text.slice(from, this.#at);
    if (word === "") return;
    const end = word.replaceAll(/["'\\]/g, "");
    this.#documents.push({ wordAt: end === word ? -1 : this.#out.length, end, stripsTabs });
    this.#out.push(word);
  }

  #lineEnd(): void {
    this.#copy(1);
    const documents = this.#documents;
    this.#documents = [];
    for (const document of documents) this.#readDocument(document);
  }

  #readDocument({ wordAt, end, stripsTabs }: HereDocument): void {
    const from = this.#at;
    let to = from;
    for (;;) {
      const next = this.#text.indexOf("\n", to);
      const line = this.#text.slice(to, next === -1 ? undefined : next);
      if ((stripsTabs ? line.replace(/^\t+/, "") : line) === end || next === -1) break;
      to = next + 1;
    }
    const isQuoted = wordAt >= 0;
    if (isQuoted && !this.#hasReference(from, to)) return this.#copy(to - from);
    const isPlainWord = /^[\w.-]+$/.test(end);
    if (isQuoted) this.#out[wordAt] = isPlainWord ? end : otherEnd;
    while (this.#at < to) {
      const placeholder = this.#find(this.#at);
      if (placeholder !== null) this.#reference(placeholder);
      else {
        if (isQuoted && /[\\$`]/.test(this.#text[this.#at] ?? "")) this.#out.push("\\");
        this.#copy(1);
      }
    }
    if (!isQuoted || isPlainWord || !this.#startsWith(end)) return;
    this.#out.push(otherEnd);
    this.#at += end.length;
  }

  #reference({ variable, end }: ScriptReference): void {
    this.#out.push(`\${${variable}}`);
    this.#at = end;
  }

  #enter(frame: Frame, chars: number): void {
    this.#frames.push(frame);
    this.#copy(chars);
  }

  #leave(chars: number): void {
    this.#frames.pop();
    this.#copy(chars);
  }

  #copy(chars: number): void {
    this.#out.push(this.#text.slice(this.#at, this.#at + chars));
    this.#at += chars;
  }

  #find(at: number): ScriptReference | null {
    return this.#referenceAt(
      this.#text,
      at,
      this.#frames.some(({ kind }) => kind === "arithmetic"),
    );
  }

  #hasReference(from: number, to: number): boolean {
    for (let at = from; at < to; at++) if (this.#find(at) !== null) return true;
    return false;
  }

  #startsWith(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  #isWordStart(): boolean {
    return this.#at === 0 || wordEnd.test(this.#text[this.#at - 1] ?? "");
  }
}

/** Ends a here-document whose own word cannot stand without its quotes. */
const otherEnd = "AGENTCORE_END_OF_TEXT";
