/** Characters that can change what a terminal or a log viewer shows, and text without their effect. Pure. */

/** Control, format (including bidirectional overrides), private use, lone surrogates. */
export const unprintable = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu;

/** The text with each such character written as `\\uXXXX`. JSON text keeps its value. */
export function escapeUnprintable(text: string): string {
  return text.replaceAll(unprintable, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

/** Text of a stranger for a field of the log: escaped, and cut to `charactersMax` (default 200) before that. */
export function loggable(text: string, charactersMax = 200): string {
  return escapeUnprintable(text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}…`);
}
