/** Gathers changes of files until they are an event: what happened to each path in all, within bounds. Pure. */
import type { FileChange } from "../definition.ts";

/** Of one event. Further paths are counted only. */
const changedPathsMax = 1000;
const pathBytesMax = 256 * 1024;

export interface GatheredChanges {
  readonly changes: readonly { readonly path: string; readonly event: FileChange }[];
  /** Changes of paths for which there was no room. */
  readonly omitted: number;
}

export class FileChanges {
  readonly #changes = new Map<string, FileChange>();
  #pathBytes = 0;
  #omitted = 0;

  add(path: string, event: FileChange): void {
    const before = this.#changes.get(path);
    if (before !== undefined) return this.#merge(path, before, event);
    const bytes = Buffer.byteLength(path);
    if (this.#changes.size >= changedPathsMax || this.#pathBytes + bytes > pathBytesMax) {
      this.#omitted += 1;
      return;
    }
    this.#pathBytes += bytes;
    this.#changes.set(path, event);
  }

  get isEmpty(): boolean {
    return this.#changes.size === 0 && this.#omitted === 0;
  }

  /** Takes out what was gathered, as far as its kind is asked for. */
  take(events: readonly FileChange[]): GatheredChanges {
    const changes = [...this.#changes]
      .map(([path, event]) => ({ path, event }))
      .filter(({ event }) => events.includes(event));
    const omitted = this.#omitted;
    this.#changes.clear();
    this.#pathBytes = 0;
    this.#omitted = 0;
    return { changes, omitted };
  }

  #merge(path: string, before: FileChange, event: FileChange): void {
    const merged = mergedChange(before, event);
    if (merged !== null) {
      this.#changes.set(path, merged);
      return;
    }
    this.#changes.delete(path);
    this.#pathBytes -= Buffer.byteLength(path);
  }
}

/** Null: a file that came and went is as it was before. */
function mergedChange(before: FileChange, event: FileChange): FileChange | null {
  if (before === "create") return event === "delete" ? null : "create";
  // Many editors replace a file by removing it and creating it again.
  return event === "create" ? "modify" : event;
}
