/**
 * Copies a damaged database and its log beside itself, so that whatever is tried on the original, the evidence is left.
 * The copy is named after the file's time of change, so a second start with the same file makes no second copy.
 */
import { constants, copyFileSync, existsSync, statSync } from "node:fs";
import { ignore } from "@agentcore/contract";

/** Path of the copy, or null where none could be made; the original is untouched in both cases. */
export function keepAside(path: string): string | null {
  try {
    const original = existsSync(path) ? path : `${path}-wal`;
    const stamp = statSync(original)
      .mtime.toISOString()
      .replaceAll(/[-:]|\.\d+/g, "");
    const copy = `${path}.damaged-${stamp}`;
    for (const suffix of ["", "-wal"]) {
      if (!existsSync(path + suffix) || existsSync(copy + suffix)) continue;
      copyFileSync(path + suffix, copy + suffix, constants.COPYFILE_EXCL);
    }
    return copy;
  } catch (error) {
    ignore(error, "the copy is a courtesy; the refusal names the original, which stays as it is");
    return null;
  }
}
