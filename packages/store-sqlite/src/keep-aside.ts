/**
 * Copies a damaged database with its log, so that the original can be repaired safely. The copy is named after the file's
 * modification time, so a second start with the same file makes no second copy.
 */
import { constants, copyFileSync, existsSync, statSync } from "node:fs";
import { ignore } from "@agentcore/contract";

/** Returns the path of the copy, or null if no copy could be made. The original does not change. */
export function keepAside(path: string): string | null {
  try {
    const original = existsSync(path) ? path : `${path}-wal`;
    const stamp = statSync(original)
      .mtime.toISOString()
      .replaceAll(/[-:]|\.\d+/g, "");
    const copy = `${path}.damaged-${stamp}`;
    for (const suffix of ["", "-wal"]) {
      const size = statSync(path + suffix, { throwIfNoEntry: false })?.size ?? 0;
      if ((suffix !== "" && size === 0) || existsSync(copy + suffix) || !existsSync(path + suffix)) continue;
      copyFileSync(path + suffix, copy + suffix, constants.COPYFILE_EXCL);
    }
    return copy;
  } catch (error) {
    ignore(error, "the copy is a courtesy; the refusal names the original, which stays as it is");
    return null;
  }
}
