/** Parts of names of folders and branches that come from what people write. Pure. */
import { createHash } from "node:crypto";

/** Turns a matrix value into part of a directory name: path separators, NUL and line feeds become underscores. Pure. */
export function folderName(value: string): string {
  return value.replaceAll(/[/\\\0\n]/g, "_");
}

/** Eight hex characters that keep sanitized names unique. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
