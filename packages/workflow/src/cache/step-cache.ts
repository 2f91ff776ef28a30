/**
 * The results of steps, by key, in a directory that no worker sees. An entry is made elsewhere and renamed, and checked when it
 * is read: a reader finds a whole entry or none. What goes wrong here never fails a step: it runs, as without a cache.
 */
import {
  createMasker,
  errorText,
  ignore,
  isMissing,
  type Masker,
  type Clock,
  type Ids,
  type Log,
} from "@agentcore/contract";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { DamagedEntry, NotStored, restoreTree, storeTree, treePart, type TreePart } from "./cached-tree.ts";

export interface StepCacheOptions {
  readonly directory: string;
  /** Of all entries together. The ones that were not used for longest are removed first. */
  readonly bytesMax: number;
  /** Entries that were not used for so long are removed. */
  readonly keepMs: number;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** Where one output comes from, or goes to. */
export interface OutputPlace {
  readonly name: string;
  readonly place: string;
}

export interface StoredResult {
  /** Names of the outputs that it has. */
  readonly outputs: readonly string[];
  readonly values: Readonly<Record<string, string>>;
  /** Makes an output at a place that must not exist. Throws if the entry is damaged or gone. */
  restore(name: string, place: string): Promise<void>;
}

export interface ResultToStore {
  readonly step: string;
  readonly outputs: readonly OutputPlace[];
  readonly values: Readonly<Record<string, string>>;
  /** Nothing that holds one of these texts is stored: not in a file, a name, a link or a value. */
  readonly secrets: readonly string[];
}

const entrySchema = z.strictObject({
  version: z.literal(1),
  key: z.string(),
  step: z.string(),
  bytes: z.int(),
  outputs: z.array(z.strictObject({ name: z.string(), parts: z.array(treePart) })),
  values: z.record(z.string(), z.string()),
});
type Entry = z.output<typeof entrySchema>;

/** What a process that ended left unfinished is removed after so long. */
const unfinishedMs = 3_600_000;
const listFile = "entry.json";
const contentsFolder = "contents";

export class StepCache {
  readonly #options: StepCacheOptions;

  constructor(options: StepCacheOptions) {
    this.#options = options;
  }

  /** Null: there is no usable entry. */
  async find(key: string): Promise<StoredResult | null> {
    const entry = await this.#read(key);
    if (entry === null) return null;
    const { clock } = this.#options;
    const now = new Date(clock.now());
    await utimes(join(this.#place(key), listFile), now, now).catch(() => {});
    const contents = join(this.#place(key), contentsFolder);
    return {
      outputs: entry.outputs.map(({ name }) => name),
      values: entry.values,
      restore: async (name, place) => {
        const parts: readonly TreePart[] = entry.outputs.find((one) => one.name === name)?.parts ?? [];
        await restoreTree(parts, contents, place);
      },
    };
  }

  /** Removes an entry that turned out to be damaged. */
  async drop(key: string): Promise<void> {
    await this.#remove(key).catch(() => {});
  }

  /** Never rejects: a result that cannot be stored is only not found later. */
  async store(key: string, result: ResultToStore): Promise<void> {
    const { directory, ids, log, bytesMax } = this.#options;
    const fresh = join(directory, `.new-${ids.next()}`);
    const masker = createMasker(result.secrets);
    try {
      await mkdir(join(fresh, contentsFolder), { recursive: true, mode: 0o700 });
      await this.#fill(fresh, key, result, masker);
      await rename(fresh, this.#place(key)).catch(() => rm(fresh, { recursive: true, force: true }));
      await this.#sweep(bytesMax);
    } catch (error) {
      await rm(fresh, { recursive: true, force: true }).catch(() => {});
      const why = error instanceof NotStored ? error.message : errorText(error);
      log.warn(
        { step: result.step, why: masker.text(why) },
        "the result of the step is not kept in the cache",
      );
    }
  }

  async #fill(
    fresh: string,
    key: string,
    { step, outputs, values }: ResultToStore,
    masker: Masker,
  ): Promise<void> {
    const used = { files: 0, bytes: 0 };
    const contents = join(fresh, contentsFolder);
    const stored: Entry["outputs"] = [];
    for (const { name, place } of outputs) {
      const parts = await storeTree(place, { contents, used, bytesMax: this.#options.bytesMax, masker });
      stored.push({ name, parts });
    }
    const texts = [...Object.values(values), ...stored.flatMap(({ parts }) => parts.flatMap(textsOf))];
    if (texts.some((text) => masker.text(text) !== text))
      throw new NotStored("a value or the name of a file holds the value of a secret");
    const entry: Entry = { version: 1, key, step, bytes: used.bytes, outputs: stored, values };
    const text = JSON.stringify(entry);
    await writeFile(join(fresh, listFile), `${digestOf(text)}\n${text}`, { mode: 0o600 });
  }

  /** Null if there is none; a damaged one is removed. */
  async #read(key: string): Promise<Entry | null> {
    try {
      const text = await readFile(join(this.#place(key), listFile), "utf8");
      const entry = entryIn(text);
      if (entry.key !== key) throw new DamagedEntry("it is the entry of another key");
      return entry;
    } catch (error) {
      if (isMissing(error)) return null;
      this.#options.log.warn({ key, why: errorText(error) }, "an entry of the cache is damaged and not used");
      await this.drop(key);
      return null;
    }
  }

  /** A reader finds the entry whole or not at all. */
  async #remove(name: string): Promise<void> {
    const { directory, ids } = this.#options;
    const old = join(directory, `.old-${ids.next()}`);
    await rename(join(directory, name), old);
    await rm(old, { recursive: true, force: true });
  }

  async #sweep(bytesMax: number): Promise<void> {
    const { directory, keepMs, clock } = this.#options;
    const now = clock.now();
    const entries: { readonly name: string; readonly usedAt: number; readonly bytes: number }[] = [];
    for (const name of await readdir(directory)) {
      const place = join(directory, name);
      if (name.startsWith(".")) {
        const stats = await stat(place).catch(() => null);
        if (stats !== null && now - stats.mtimeMs > unfinishedMs)
          await rm(place, { recursive: true, force: true });
        continue;
      }
      const list = join(place, listFile);
      const stats = await stat(list).catch(() => null);
      const bytes = await readFile(list, "utf8").then(
        (text) => entryIn(text).bytes + stats!.size,
        () => 0,
      );
      entries.push({ name, usedAt: stats?.mtimeMs ?? 0, bytes });
    }
    let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { name, usedAt, bytes } of entries.toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (total <= bytesMax && now - usedAt <= keepMs) break;
      total -= bytes;
      await this.#remove(name).catch(() => {});
    }
  }

  #place(key: string): string {
    return join(this.#options.directory, key);
  }
}

/** Whether a cache in the directory has a usable entry. Changes nothing, unlike `find`. */
export async function hasEntry(directory: string, key: string): Promise<boolean> {
  try {
    return entryIn(await readFile(join(directory, key, listFile), "utf8")).key === key;
  } catch (error) {
    ignore(error, "no entry, or a damaged one, which a run does not use either");
    return false;
  }
}

const textsOf = (part: TreePart): readonly string[] =>
  part.kind === "link" ? [part.path, part.target] : [part.path];

function entryIn(text: string): Entry {
  const end = text.indexOf("\n");
  const body = text.slice(end + 1);
  if (digestOf(body) !== text.slice(0, end)) throw new DamagedEntry("its list has changed");
  return entrySchema.parse(JSON.parse(body));
}

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");
