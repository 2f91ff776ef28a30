/** Escapes text for XML and HTML. Pure. */
import { stripVTControlCharacters } from "node:util";

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  // Attribute values are read with these as plain blanks.
  "\n": "&#10;",
  "\r": "&#13;",
  "\t": "&#9;",
};

// The characters of XML 1.0, <https://www.w3.org/TR/xml/#charsets>, without the controls that it only discourages.
const forbidden = /[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/**
 * For content and for attribute values in quotes. Characters that a document cannot hold are left out, and so are a terminal's
 * escape sequences, of which the rest would be noise.
 */
export function escapeMarkup(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(forbidden, "")
    .replaceAll(/[&<>"'\n\r\t]/g, (sign) => entities[sign] ?? sign);
}
