/**
 * The results of steps, by key, in a directory that no worker sees. An entry is made elsewhere and renamed, and checked when it
 * is read: a reader finds a whole entry or none. What goes wrong here never fails a step: it runs, as without a cache.
 */
import {
  createMasker,
  errorText,
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
import { changesText, keyPart, type SoughtResult } from "./key-parts.ts";
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

/** There is no usable entry. */
export interface CacheMiss {
  /** Names what changed, without values. */
  readonly missed: string;
}

/** For an entry whose list or contents are not what was stored. */
export const damagedMiss: CacheMiss = { missed: "the entry is damaged" };

export interface ResultToStore {
  readonly step: string;
  readonly outputs: readonly OutputPlace[];
  readonly values: Readonly<Record<string, string>>;
  /** Nothing that holds one of these texts is stored: not in a file, a name, a link or a value. */
  readonly secrets: readonly string[];
}

const entrySchema = z.strictObject({
  version: z.literal(2),
  key: z.string(),
  origin: z.string(),
  parts: z.array(keyPart),
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

  async find(sought: SoughtResult): Promise<StoredResult | CacheMiss> {
    const { key } = sought;
    const entry = await readEntry(this.#options.directory, key);
    if (entry instanceof DamagedEntry) {
      this.#options.log.warn({ key, why: entry.message }, "an entry of the cache is damaged and not used");
      await this.drop(key);
      return damagedMiss;
    }
    if (entry === null) return { missed: await whyMissed(this.#options.directory, sought) };
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
  async store(sought: SoughtResult, result: ResultToStore): Promise<void> {
    const { directory, ids, log, bytesMax } = this.#options;
    const fresh = join(directory, `.new-${ids.next()}`);
    const masker = createMasker(result.secrets);
    try {
      await mkdir(join(fresh, contentsFolder), { recursive: true, mode: 0o700 });
      await this.#fill(fresh, sought, result, masker);
      await rename(fresh, this.#place(sought.key)).catch(() => rm(fresh, { recursive: true, force: true }));
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
    sought: SoughtResult,
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
    const texts = [
      ...Object.values(values),
      ...sought.parts.map(({ name }) => name),
      ...stored.flatMap(({ parts }) => parts.flatMap(textsOf)),
    ];
    if (texts.some((text) => masker.text(text) !== text))
      throw new NotStored("a value or the name of a file holds the value of a secret");
    const entry: Entry = {
      version: 2,
      ...sought,
      parts: [...sought.parts],
      step,
      bytes: used.bytes,
      outputs: stored,
      values,
    };
    const text = JSON.stringify(entry);
    await writeFile(join(fresh, listFile), `${digestOf(text)}\n${text}`, { mode: 0o600 });
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

/** Why a cache in the directory has no usable entry; null if it has one. Changes nothing, unlike `find`. */
export async function forecastMiss(directory: string, sought: SoughtResult): Promise<string | null> {
  const entry = await readEntry(directory, sought.key);
  if (entry instanceof DamagedEntry) return damagedMiss.missed;
  return entry === null ? whyMissed(directory, sought) : null;
}

/** Compares with the result of the step that was stored or used last. */
async function whyMissed(directory: string, { origin, parts }: SoughtResult): Promise<string> {
  // Those used last first, so that most often one entry is read, and not all.
  for (const { name } of (await usesIn(directory)).toSorted((a, b) => b.usedAt - a.usedAt)) {
    const entry = await readEntry(directory, name);
    if (entry === null || entry instanceof DamagedEntry || entry.origin !== origin) continue;
    return changesText(entry.parts, parts) || "another run stored its result in this moment";
  }
  return "no earlier result of the step is kept";
}

/** When each entry was last used. */
async function usesIn(directory: string) {
  const names = await readdir(directory).catch(() => []);
  const uses = names
    .filter((name) => !name.startsWith("."))
    .map(async (name) => {
      const stats = await stat(join(directory, name, listFile)).catch(() => null);
      return { name, usedAt: stats?.mtimeMs ?? 0 };
    });
  return Promise.all(uses);
}

/** Null if there is none. */
async function readEntry(directory: string, key: string): Promise<Entry | DamagedEntry | null> {
  try {
    const entry = entryIn(await readFile(join(directory, key, listFile), "utf8"));
    return entry.key === key ? entry : new DamagedEntry("it is the entry of another key");
  } catch (error) {
    return isMissing(error) ? null : new DamagedEntry(errorText(error));
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
