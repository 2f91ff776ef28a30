/** Escapes text for XML and HTML. Pure. */
import { stripVTControlCharacters } from "node:util";

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  // Parsers read these in attribute values as plain spaces.
  "\n": "&#10;",
  "\r": "&#13;",
  "\t": "&#9;",
};

// The characters of XML 1.0, <https://www.w3.org/TR/xml/#charsets>, without the controls that it only discourages.
const forbidden = /[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/**
 * For content and for quoted attribute values. Omits characters that a document cannot contain, and a terminal's whole escape
 * sequences, whose remainder would be noise.
 */
export function escapeMarkup(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(forbidden, "")
    .replaceAll(/[&<>"'\n\r\t]/g, (sign) => entities[sign] ?? sign);
}
