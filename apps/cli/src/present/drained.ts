/** Waiting for a slow reader, so that what it has not read yet stays bounded. */
import type { Writable } from "node:stream";

/** Resolves when the stream takes more, or never will. */
export async function drained(stream: Writable): Promise<void> {
  if (!stream.writableNeedDrain || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done).off("error", done);
      resolve();
    };
    stream.on("drain", done).on("close", done).on("error", done);
  });
}
