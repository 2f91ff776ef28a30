/** Changes a source text by one planted bug. */
import type { PlantedBug } from "./planted-bugs.ts";

/** Throws where the place to change is not there exactly once: the sources have moved on, and the bug must follow them. */
export function plant(source: string, { name, file, search, replace }: PlantedBug): string {
  const pieces = source.split(search);
  if (pieces.length !== 2) {
    throw new RangeError(
      `"${name}" does not fit ${file} any more: its place occurs ${pieces.length - 1} times`,
    );
  }
  return pieces.join(replace);
}
