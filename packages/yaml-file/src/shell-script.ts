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
 * instead of the value. Where bash reads what a variable holds as code, such as in arithmetic, no reference protects:
 * `codeInScript` finds these places.
 */
import { arithmeticIn, SimpleCommand, type CodePlace } from "./shell-command.ts";

/** A placeholder, and the variable that holds its value. */
export interface ScriptReference {
  readonly variable: string;
  /** Index after its last character. */
  readonly end: number;
}

/** The placeholder that begins at the index; null if none does. */
export type ReferenceAt = (text: string, at: number) => ScriptReference | null;

type Frame =
  /** Commands: the whole script, `( … )`, `$( … )` or `` ` … ` ``. */
  | { readonly kind: "commands"; readonly close: ")" | "`" | null; readonly command: SimpleCommand }
  /** `(( … ))` or `$[ … ]`; ends where as many are closed as were opened. */
  | { readonly kind: "arithmetic"; readonly brackets: "()" | "[]"; open: number }
  | { readonly kind: "double" }
  /** The text of a here-document without quotes. */
  | { readonly kind: "document" }
  /** `${ … }`, with the index of its content. */
  | { readonly kind: "parameter"; readonly quoted: boolean; readonly from: number };

interface HereDocument {
  /** Where its quoted word stands in the output; -1 where it is not quoted. */
  readonly wordAt: number;
  readonly end: string;
  readonly stripsTabs: boolean;
  /** Whether a shell runs it. */
  readonly isScript: boolean;
}

export function scriptWithValues(text: string, referenceAt: ReferenceAt): string {
  return new Scanner(text, (at) => referenceAt(text, at)).scan();
}

/** A placeholder as written, and what would read its value as code. */
export interface CodeInScript extends CodePlace {
  readonly placeholder: string;
}

/** The placeholders of a script whose values would be code, as far as the script alone tells. */
export function codeInScript(
  text: string,
  placeholderAt: (text: string, at: number) => { readonly end: number } | null,
): readonly CodeInScript[] {
  const found = new Map<number, CodeInScript>();
  const scanner = new Scanner(text, (at, code) => {
    const placeholder = placeholderAt(text, at);
    if (placeholder === null) return null;
    const place = code(placeholder.end);
    if (place !== null) found.set(at, { ...place, placeholder: text.slice(at, placeholder.end) });
    return { variable: "VALUE", end: placeholder.end };
  });
  scanner.scan();
  return [...found.values()];
}

/** `code`: what would read a value that ends at the index as code. */
type Find = (at: number, code: (end: number) => CodePlace | null) => ScriptReference | null;

const wordEnd = /[\s;&|()<>]/;

class Scanner {
  readonly #text: string;
  readonly #findAt: Find;
  readonly #out: string[] = [];
  readonly #frames: Frame[];
  #documents: HereDocument[] = [];
  #at = 0;

  constructor(text: string, find: Find) {
    this.#text = text;
    this.#findAt = find;
    this.#frames = [this.#newCommands(null)];
  }

  scan(): string {
    while (this.#at < this.#text.length) this.#step(this.#frames.at(-1)!);
    return this.#out.join("");
  }

  #step(frame: Frame): void {
    const placeholder = this.#find(this.#at);
    if (frame.kind === "commands") {
      if (placeholder !== null || this.#text[this.#at] === "\\") frame.command.seePart(this.#at);
      else frame.command.see(this.#at);
    }
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
      case "document":
        break;
    }
    this.#expansion(frame, char);
  }

  /** What begins the same within double quotes and without. */
  #expansion(frame: Frame, char: string): void {
    const quoted =
      frame.kind === "double" || frame.kind === "document" || (frame.kind === "parameter" && frame.quoted);
    if (this.#startsWith("$((")) return this.#enter({ kind: "arithmetic", brackets: "()", open: 2 }, 3);
    if (this.#startsWith("$[")) return this.#enter({ kind: "arithmetic", brackets: "[]", open: 1 }, 2);
    if (this.#startsWith("$(")) return this.#enter(this.#newCommands(")"), 2);
    if (this.#startsWith("${")) return this.#enter({ kind: "parameter", quoted, from: this.#at + 2 }, 2);
    if (char === "`") return this.#enter(this.#newCommands("`"), 1);
    this.#copy(1);
  }

  /** False: it means nothing special to commands. */
  #commands(frame: Extract<Frame, { kind: "commands" }>, char: string): boolean {
    if (char === frame.close && !frame.command.isTest) this.#leave(1);
    else if (char === "'") this.#singleQuoted(1, false);
    else if (this.#startsWith("$'")) this.#singleQuoted(2, true);
    else if (char === '"') this.#enter({ kind: "double" }, 1);
    else if (this.#startsWith("((") && !frame.command.isTest)
      this.#enter({ kind: "arithmetic", brackets: "()", open: 2 }, 2);
    else if (char === "(" && !frame.command.isTest) this.#enter(this.#newCommands(")"), 1);
    else if (char === "#" && this.#isWordStart()) this.#comment();
    else if (this.#startsWith("<<<")) this.#copy(3);
    else if (this.#startsWith("<<")) this.#hereDocument(frame.command);
    else if (char === "\n") this.#lineEnd();
    else return false;
    return true;
  }

  #arithmetic(frame: Extract<Frame, { kind: "arithmetic" }>, char: string): void {
    if (char === frame.brackets[0]) frame.open += 1;
    if (char === frame.brackets[1]) frame.open -= 1;
    if (frame.open === 0) this.#leave(1);
    else this.#expansion(frame, char);
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
      const placeholder = this.#findAt(this.#at, () => null);
      if (placeholder === null) this.#copy(1);
      else this.#reference(placeholder);
    }
  }

  /** A backslash before a value only kept its first character from meaning something, which no value does any more. */
  #escape(): void {
    if (this.#findAt(this.#at + 1, () => null) === null) this.#copy(2);
    else this.#at += 1;
  }

  #hereDocument(command: SimpleCommand): void {
    const isScript = command.readsScript;
    this.#copy(2);
    const stripsTabs = this.#text[this.#at] === "-";
    if (stripsTabs) this.#copy(1);
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#copy(1);
    const from = this.#at;
    command.seePart(from);
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
    this.#documents.push({ wordAt: end === word ? -1 : this.#out.length, end, stripsTabs, isScript });
    this.#out.push(word);
  }

  #lineEnd(): void {
    this.#copy(1);
    const documents = this.#documents;
    this.#documents = [];
    for (const document of documents) this.#readDocument(document);
  }

  #readDocument({ wordAt, end, stripsTabs, isScript }: HereDocument): void {
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
    const code: CodePlace | null = isScript ? { where: "a here-document for a shell", as: "commands" } : null;
    if (!isQuoted) return this.#expandedDocument(to, code);
    while (this.#at < to) {
      const placeholder = this.#findAt(this.#at, () => code);
      if (placeholder !== null) this.#reference(placeholder);
      else {
        if (/[\\$`]/.test(this.#text[this.#at] ?? "")) this.#out.push("\\");
        this.#copy(1);
      }
    }
    if (isPlainWord || !this.#startsWith(end)) return;
    this.#out.push(otherEnd);
    this.#at += end.length;
  }

  /** Bash expands it, arithmetic too. */
  #expandedDocument(to: number, code: CodePlace | null): void {
    const body = new Scanner(this.#text.slice(0, to), (at, own) =>
      this.#findAt(at, (end) => code ?? own(end)),
    );
    body.#at = this.#at;
    body.#frames[0] = { kind: "document" };
    this.#out.push(body.scan());
    this.#at = body.#at;
  }

  #newCommands(close: ")" | "`" | null): Frame {
    return { kind: "commands", close, command: new SimpleCommand(this.#text) };
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
    return this.#findAt(at, (end) => this.#codeAt(at, end));
  }

  #codeAt(at: number, end: number): CodePlace | null {
    for (const frame of this.#frames) {
      if (frame.kind === "arithmetic") return arithmeticIn(frame.brackets === "()" ? "(( … ))" : "$[ … ]");
      if (
        frame.kind === "parameter" &&
        isArithmetic.test(this.#text.slice(frame.from, Math.min(at, frame.from + 1000)))
      )
        return arithmeticIn("an index in ${ … }");
    }
    const commands = this.#frames.findLast(({ kind }) => kind === "commands");
    return commands?.kind === "commands" ? commands.command.codeAt(at, end) : null;
  }

  #hasReference(from: number, to: number): boolean {
    for (let at = from; at < to; at++) if (this.#findAt(at, () => null) !== null) return true;
    return false;
  }

  #startsWith(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  #isWordStart(): boolean {
    return this.#at === 0 || wordEnd.test(this.#text[this.#at - 1] ?? "");
  }
}

/** In `${a[…` and `${text:…`, but not in `${a:-…`. */
const isArithmetic = /^[!#]?(?:\w+\[[^\]]*$|(?:\w+(?:\[[^\]]*\])?|[@*]):(?![-=+?]))/;

/** Ends a here-document whose own word cannot stand without its quotes. */
const otherEnd = "AGENTCORE_END_OF_TEXT";
