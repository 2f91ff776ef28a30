/**
 * Follows the files to which a worker writes its usage (see `UsageFiles`), from their end at the time it starts. The worker
 * can write to their directory, so only regular files are read, limited in number and in bytes at a time, and a file that
 * shrinks or is replaced is dropped.
 */
import type { Dirent } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { ignore, type Clock, type Timer, type UsageFiles, type UsageReader } from "@agentcore/contract";
import { createLineFramer, type LineFramer } from "./line-framer.ts";
import { openRegularFile } from "./regular-file.ts";

/** Time between two reads. */
const lookEveryMs = 500;

/** Maximum of files followed, and of names checked at a time. */
const filesMax = 64;
const namesMax = 2000;

/** Maximum bytes of one file at a time, and of all files in a run. */
const bytesPerLook = 4 * 1024 * 1024;
const bytesMax = 512 * 1024 * 1024;

/** Longer lines contain output of tools, not usage. */
const lineCharsMax = 1024 * 1024;

export interface UsageTailOptions {
  readonly files: UsageFiles;
  /** Of the worker. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: "own" | "user";
  /** The worker's session when it is known: the one it resumes, or the one it reports. */
  readonly session: () => string | null;
  /** Called when the reader has read more lines. */
  readonly onLines: (reader: UsageReader) => void;
}

interface Followed {
  readonly inode: number;
  readonly framer: LineFramer;
  offset: number;
}

export class UsageTail {
  readonly reader: UsageReader;
  readonly #options: UsageTailOptions;
  readonly #directory: string;
  readonly #followed = new Map<string, Followed>();
  /** Files that are not, or no longer, read. */
  readonly #left = new Set<string>();
  #root: string | null = null;
  #bytes = 0;
  #timer: Timer | null = null;
  #looking: Promise<void> = Promise.resolve();
  #hasEnded = false;

  constructor(options: UsageTailOptions) {
    this.#options = options;
    this.#directory = options.files.directory(options.env);
    this.reader = options.files.createReader();
  }

  /** Call before the worker is released: existing lines do not belong to this run. */
  async skipWhatIsThere(): Promise<void> {
    const home = this.#options.home === "own" ? this.#options.env["HOME"] : undefined;
    this.#root = await realpath(home ?? this.#directory).catch(() => null);
    for (const path of await this.#find(this.#isOurs())) {
      const stat = await this.#withFile(path, (file) => file.stat());
      if (stat !== null) this.#follow(path, stat.ino, stat.size);
    }
  }

  start(clock: Clock): void {
    this.#timer = clock.setTimer(lookEveryMs, () => {
      this.#looking = this.look().then(() => {
        if (!this.#hasEnded) this.start(clock);
      });
    });
  }

  /** Reads the rest. Call when the worker is gone. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    this.#timer?.cancel();
    await this.#looking;
    for (let before = -1; before < this.#bytes;) {
      before = this.#bytes;
      await this.look();
    }
  }

  /** Never rejects. */
  async look(): Promise<void> {
    const before = this.#bytes;
    for (const path of await this.#find(this.#isOurs())) await this.#read(path);
    if (this.#bytes > before) this.#options.onLines(this.reader);
  }

  #isOurs(): (name: string) => boolean {
    const { files, home, session } = this.#options;
    const run = { home, session: session() };
    return (name) => files.belongs(name, run);
  }

  /** Names that sort last come first: workers name their files by date. */
  async #find(isWanted: (name: string) => boolean): Promise<readonly string[]> {
    const found: string[] = [];
    let names = 0;
    const visit = async (directory: string, depth: number): Promise<void> => {
      for (const entry of await entriesOf(directory)) {
        names += 1;
        if (names > namesMax || found.length >= filesMax) return;
        const path = join(directory, entry.name);
        if (depth > 0 && entry.isDirectory()) await visit(path, depth - 1);
        else if (depth === 0 && entry.isFile() && isWanted(entry.name)) found.push(path);
      }
    };
    await visit(this.#directory, this.#options.files.depth);
    return found;
  }

  async #read(path: string): Promise<void> {
    if (this.#left.has(path) || this.#bytes >= bytesMax) return;
    const isKept = await this.#withFile(path, async (file) => {
      const { ino, size } = await file.stat();
      const followed = this.#followed.get(path) ?? this.#follow(path, ino, 0);
      if (followed.inode !== ino || size < followed.offset) return false;
      const wanted = Math.min(size - followed.offset, bytesPerLook);
      if (wanted === 0) return true;
      const { bytesRead, buffer } = await file.read(Buffer.alloc(wanted), 0, wanted, followed.offset);
      followed.offset += bytesRead;
      this.#bytes += bytesRead;
      followed.framer.write(buffer.subarray(0, bytesRead));
      return true;
    });
    if (isKept === false) this.#left.add(path);
  }

  #follow(path: string, inode: number, offset: number): Followed {
    const framer = createLineFramer((line, oversized) => {
      if (!oversized) this.reader.line(path, line);
    }, lineCharsMax);
    const followed = { inode, framer, offset };
    this.#followed.set(path, followed);
    return followed;
  }

  /** Null if the file cannot be read now. */
  async #withFile<T>(
    path: string,
    use: (file: NonNullable<Awaited<ReturnType<typeof openRegularFile>>>) => Promise<T>,
  ): Promise<T | null> {
    this.#root ??= await realpath(this.#directory).catch(() => null);
    const file = this.#root === null ? null : await openRegularFile(path, this.#root);
    if (file === null) return null;
    try {
      return await use(file);
    } catch (error) {
      ignore(error, "read again at the next look");
      return null;
    } finally {
      await file.close();
    }
  }
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.toSorted((a, b) => (a.name < b.name ? 1 : -1));
  } catch (error) {
    ignore(error, "not there yet");
    return [];
  }
}
