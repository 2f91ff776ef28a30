/** Watches one file by its directory, because editors replace files. */
import { watch } from "node:fs";
import { basename, dirname } from "node:path";

/** Editors write in several steps. */
const quietMs = 200;

/** Calls `act` once the file has changed and then been quiet. Returns a function that ends it. */
export function watchFile(path: string, act: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(dirname(path), (_, name) => {
    if (name !== null && name !== basename(path)) return;
    clearTimeout(timer);
    timer = setTimeout(act, quietMs);
  });
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
