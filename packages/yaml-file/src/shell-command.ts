/**
 * Follows the words of a simple bash command, to tell where bash or a program that it starts would read a value as code: for
 * example as an argument of `eval`, or of `declare -i`, whose values are arithmetic. Knows what is usual in scripts, not all
 * of bash: values that reach such a place through a variable or another program are not noticed.
 */

/** A place where the value would be code, as a user knows it. */
export interface CodePlace {
  /** Such as `eval` or `$(( … ))`. */
  readonly where: string;
  /** `arithmetic`: bash runs the commands in array subscripts of the value; `commands`: all of it is a script. */
  readonly as: "arithmetic" | "commands";
}

export const arithmeticIn = (where: string): CodePlace => ({ where, as: "arithmetic" });
const commandsIn = (where: string): CodePlace => ({ where, as: "commands" });

const separators = new Set([";", "&", "|", "\n", "(", ")"]);
/** Words before the name of a command. */
const prefixes = new Set(
  "if then elif else while until do ! { time command builtin exec env nohup sudo coproc".split(" "),
);
const assignment = /^\w+(\[.*\])?\+?=/s;
const shells = /^(\S*\/)?(ba|da|k|z|a)?sh$/;
const declaring = new Set(["declare", "typeset", "local"]);
/** Bash evaluates what is assigned to these. */
const integers = /^(RANDOM|OPTIND|HISTCMD)\+?=/;
const integerIn = (word: string): CodePlace | null => {
  const name = integers.exec(word)?.[1];
  return name === undefined ? null : arithmeticIn(`${name}=`);
};
/** A longer part of a word is not looked at. */
const wordCharsMax = 1000;
const numeric = /(^|\s)-(eq|ne|lt|le|gt|ge)(\s|$)/;

export class SimpleCommand {
  readonly #text: string;
  /** Without the assignments and keywords before its name. */
  #words: string[] = [];
  /** Index in the text; null between words. */
  #wordFrom: number | null = null;
  #isRedirection = false;

  constructor(text: string) {
    this.#text = text;
  }

  /** Takes note of a character outside quotes; call it before the scanner goes past it. */
  see(at: number): void {
    const char = this.#text[at] ?? "";
    if (separators.has(char) && (char === ";" || !this.isTest) && !this.#isOfRedirection(at)) {
      this.#endWord(at);
      this.#words = [];
      this.#isRedirection = false;
    } else if (char === "<" || char === ">") {
      this.#endWord(at);
      this.#isRedirection = this.#words[0] !== "[[";
    } else if (/\s/.test(char)) this.#endWord(at);
    else this.#wordFrom ??= at;
  }

  /** Takes note of an escape or a value: a part of a word. */
  seePart(at: number): void {
    if (this.#text.startsWith("\\\n", at)) this.#endWord(at);
    else this.#wordFrom ??= at;
  }

  /** Whether it is within `[[ … ]]`, where parentheses and `&&` do not end a command. */
  get isTest(): boolean {
    if (this.#words[0] !== "[[" || this.#words.includes("]]")) return false;
    return this.#wordFrom === null || !this.#text.startsWith("]]", this.#wordFrom);
  }

  /** Whether the command reads a script from its standard input: `bash`, `sh -s`. */
  get readsScript(): boolean {
    const last = this.#words.findLastIndex((word) => shells.test(word));
    return last !== -1 && this.#words.slice(last + 1).every((word) => word.startsWith("-"));
  }

  /** What reads a value from `at` to `end` as code; null: nothing that is known. */
  codeAt(at: number, end: number): CodePlace | null {
    if (this.#isRedirection) return null;
    const from = this.#wordFrom ?? at;
    const before = this.#text.slice(from, Math.min(at, from + wordCharsMax));
    const after = this.#text.slice(end, end + wordCharsMax);
    if (/^\[["']?$/.test(before) && /^[^\s\]]*\]\+?=/.test(after)) return arithmeticIn("an array subscript");
    const [name] = this.#words;
    if (name === undefined) {
      if (/^\w+\[[^\]]*$/.test(before)) return arithmeticIn("an array subscript");
      return integerIn(before);
    }
    return this.#ofShell() ?? this.#ofBuiltin(name, before, after);
  }

  #ofBuiltin(name: string, before: string, after: string): CodePlace | null {
    const last = this.#words.at(-1) ?? "";
    switch (name) {
      case "eval":
        return commandsIn("eval");
      case "trap":
        return this.#words.slice(1).every((word) => word === "--") ? commandsIn("trap") : null;
      case "let":
        return arithmeticIn("let");
      case "unset":
        return arithmeticIn("unset");
      case "test":
      case "[":
        return last === "-v" ? arithmeticIn(`${name} -v`) : null;
      case "[[":
        if (last === "-v") return arithmeticIn("[[ -v … ]]");
        return this.#comparesNumbers(after) ? arithmeticIn("[[ … -eq … ]]") : null;
      case "printf":
        return last === "-v" ? arithmeticIn("printf -v") : null;
      case "wait":
        return last === "-p" ? arithmeticIn("wait -p") : null;
      case "read":
        return /^-\w*[dinNptu]$/.test(last) ? null : arithmeticIn("a name for read");
      case "export":
      case "readonly":
        return integerIn(before);
    }
    if (!declaring.has(name)) return null;
    if (this.#words.some((word) => /^-\w*i/.test(word))) return arithmeticIn(`${name} -i`);
    if (this.#words.some((word) => /^-\w*n/.test(word))) return arithmeticIn(`${name} -n`);
    return before.includes("=") ? integerIn(before) : arithmeticIn(`a name for ${name}`);
  }

  /** `bash -c`, also behind other programs: `timeout 9 sh -ec`. */
  #ofShell(): CodePlace | null {
    if (!/^-\w*c$/.test(this.#words.at(-1) ?? "")) return null;
    const shell = this.#words.findLastIndex((word) => shells.test(word));
    if (shell === -1) return null;
    const between = this.#words.slice(shell + 1);
    const isOptions = between.every((word, index) => /^[-+]/.test(word) || between[index - 1]?.endsWith("o"));
    return isOptions ? commandsIn(`${this.#words[shell]} -c`) : null;
  }

  /** Whether a number is compared between the nearest `&&` or `||` before and behind. */
  #comparesNumbers(after: string): boolean {
    const joined = this.#words.findLastIndex((word) => word === "&&" || word === "||");
    if (this.#words.slice(joined + 1).some((word) => numeric.test(word))) return true;
    return numeric.test(/^(?:(?!&&|\|\||\]\]).)*/s.exec(after)?.[0] ?? "");
  }

  #endWord(at: number): void {
    if (this.#wordFrom === null) return;
    const word = this.#text.slice(this.#wordFrom, at);
    this.#wordFrom = null;
    if (this.#isRedirection) this.#isRedirection = false;
    else if (this.#words.length > 0) this.#words.push(word);
    else if (!prefixes.has(word) && !assignment.test(word)) this.#words.push(word);
  }

  /** In `2>&1` and `&>file`, the ampersand separates nothing. */
  #isOfRedirection(at: number): boolean {
    if (this.#text[at] !== "&" && this.#text[at] !== "|") return false;
    const [before, after] = [this.#text[at - 1], this.#text[at + 1]];
    return before === ">" || before === "<" || (this.#text[at] === "&" && after === ">");
  }
}
