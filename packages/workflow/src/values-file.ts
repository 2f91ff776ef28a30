/**
 * Reads what a step wrote to `$AGENTCORE_OUTPUT`: lines `NAME=VALUE`, or `NAME<<END`, the lines of the value, and a line
 * `END`. A later value of a name replaces an earlier one. Pure.
 */

export type ValuesRead =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string> }
  /** `message` says what is wrong with the file, and in which line. */
  | { readonly ok: false; readonly message: string };

export function readValuesFile(bytes: Uint8Array): ValuesRead {
  const text = textOf(bytes);
  if (text === null) return { ok: false, message: "it is not UTF-8 text" };
  const values = new Map<string, string>();
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const wrong = (why: string): ValuesRead => ({ ok: false, message: `line ${at + 1} ${why}` });
    if (line === "") continue;
    if (line.includes("\0")) return wrong("holds a NUL character");
    const [, name = "", sign, rest = ""] = /^(.*?)(=|<<)(.*)$/.exec(line) ?? [];
    if (sign === undefined) return wrong("is neither NAME=VALUE nor NAME<<END");
    if (name === "") return wrong("has no name");
    if (sign === "=") {
      values.set(name, rest);
      continue;
    }
    if (rest === "") return wrong("has no word after <<");
    const end = lines.indexOf(rest, at + 1);
    if (end === -1) return wrong(`begins a value that no line ${JSON.stringify(rest)} ends`);
    const value = lines.slice(at + 1, end).join("\n");
    if (value.includes("\0")) return wrong("begins a value that holds a NUL character");
    values.set(name, value);
    at = end;
  }
  return { ok: true, values };
}

/** Null: it is not UTF-8. */
function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
