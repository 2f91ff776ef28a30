/**
 * Looks again at directories in which something happened, for what chokidar did not report. Chokidar reads a directory at most
 * once a second, and again after that if something happened meanwhile; it forgets that if its read takes more than a second,
 * as on a busy machine (5.0, `_handleRead`). A new file would then be seen with the next change of its directory, or never.
 * Changes and removals of files that it knows are not affected: each is watched on its own.
 */
import { ignore, type Clock, type Timer } from "@agentcore/contract";
import type { FSWatcher } from "chokidar";
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** After the first event in a directory: longer than chokidar waits. */
const lookAfterMs = 3000;

export interface SecondLookOptions {
  readonly watcher: FSWatcher;
  readonly clock: Clock;
  readonly isIgnored: (path: string, entry: Dirent) => boolean;
}

export class SecondLook {
  readonly #options: SecondLookOptions;
  readonly #paths = new Set<string>();
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(options: SecondLookOptions) {
    this.#options = options;
    options.watcher.on("raw", (_event, _path, details) => {
      const { watchedPath } = details as { readonly watchedPath?: string };
      if (watchedPath !== undefined) this.#happened(watchedPath);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #happened(path: string): void {
    if (this.#isClosed) return;
    this.#paths.add(path);
    this.#timer ??= this.#options.clock.setTimer(lookAfterMs, () => {
      this.#timer = null;
      const paths = [...this.#paths];
      this.#paths.clear();
      const known = this.#options.watcher.getWatched();
      for (const path of paths) if (Object.hasOwn(known, path)) void this.#look(path);
    });
  }

  /** Chokidar reports what it is told to watch and does not know, and nothing twice. */
  async #look(directory: string): Promise<void> {
    const { watcher, isIgnored } = this.#options;
    try {
      const entries = await readdir(directory, { withFileTypes: true });
      if (this.#isClosed) return;
      const known = new Set(watcher.getWatched()[directory]);
      for (const entry of entries) {
        const path = join(directory, entry.name);
        if (!known.has(entry.name) && !isIgnored(path, entry)) watcher.add(path);
      }
    } catch (error) {
      ignore(error, "it is gone, or cannot be read, which chokidar reports");
    }
  }
}
