/**
 * The port for durable append-only streams: the progress of long work, entry by entry, so that another process can continue
 * it. A stream has a small header for lists, which each append may replace. An append names the entry that it follows, so
 * two writers of one stream cannot both continue: the second is refused, and nothing of its append is kept.
 */

/** Anything that JSON can hold. */
export type JournalValue =
  | string
  | number
  | boolean
  | null
  | readonly JournalValue[]
  | { readonly [name: string]: JournalValue };

/**
 * What lists show. Two names have a meaning here: `endedAt` (ms since the epoch, or null) says that no more entries come, and
 * since when; `partOf` names the stream that this one belongs to. A part is deleted only together with that stream.
 */
export type JournalHeader = Readonly<Record<string, JournalValue>>;

export interface JournalAppend {
  /** How many entries the writer knows of. 0 creates a new stream and requires `header`. */
  readonly after: number;
  readonly entries: readonly JournalValue[];
  /** Replaces the stream's header in the same commit. Default: the header does not change. */
  readonly header?: JournalHeader;
}

/** An append and its stream. */
export interface JournalWrite extends JournalAppend {
  readonly stream: string;
}

export interface JournalStream {
  readonly stream: string;
  readonly header: JournalHeader;
  /** In the order in which they were appended. */
  readonly entries: readonly JournalValue[];
}

export interface JournalListing {
  readonly stream: string;
  readonly header: JournalHeader;
  readonly length: number;
}

export interface JournalQuery {
  /** Only streams whose name begins with this. */
  readonly prefix: string;
  /** Only names below this one, for the next page. */
  readonly before?: string;
  /** Only streams that have not ended. With `partOf`, the cost does not grow with those that have. */
  readonly isOpen?: true;
  /** Only parts of these streams; null: only streams that are part of no other. */
  readonly partOf?: readonly string[] | null;
  /** Default 100, at most 1000. */
  readonly limit?: number;
}

export interface Journal {
  /**
   * Resolves after the commit. `conflict`: the length of the stream differs from `after` (for `after: 0`, the stream exists
   * already), and nothing was written. Rejects with `AC_STORE_UNAVAILABLE`; it is then unknown whether it was written.
   */
  append(stream: string, append: JournalAppend): Promise<"appended" | "conflict">;
  /** Undefined if the stream does not exist. */
  read(stream: string): Promise<JournalStream | undefined>;
  /** By name, descending: names that begin with a time-ordered id come newest first. */
  list(query: JournalQuery): Promise<readonly JournalListing[]>;
  /**
   * Deletes streams that are part of no other and ended, by their header, before the moment, the oldest first, each with all its
   * parts. Returns how many, without the parts. A stream without an end is never deleted.
   */
  deleteEnded(request: JournalDeletion): Promise<number>;
  /** Grows with each stream that ends, in the order of the commits; for `JournalDeletion.upToMark`. */
  endMark(): Promise<number>;
}

export interface JournalDeletion {
  readonly endedBefore: number;
  /** Only streams that had ended when `endMark` returned this number, regardless of wall clocks. Default: all. */
  readonly upToMark?: number | undefined;
  /** Default 1000. */
  readonly limit?: number;
}

/** For implementations: whether a stream with this header has ended and is part of no other, so that it gets an end mark. */
export function isEndOfWhole(header: JournalHeader): boolean {
  return typeof header["endedAt"] === "number" && (header["partOf"] ?? null) === null;
}

/** For implementations: whether a list has the stream, by its header. */
export function isListed(header: JournalHeader, { isOpen, partOf }: JournalQuery): boolean {
  const { endedAt = null, partOf: whole = null } = header;
  if (isOpen === true && endedAt !== null) return false;
  return partOf === undefined || (partOf === null ? whole === null : partOf.some((one) => one === whole));
}

/** For implementations. */
export const journalDeletionLimit = 1000;

const listLimitDefault = 100;
const listLimitMax = 1000;

/** For implementations: the effective `limit` of a query. */
export function journalLimit({ limit = listLimitDefault }: JournalQuery): number {
  return Math.min(Math.max(limit, 1), listLimitMax);
}
