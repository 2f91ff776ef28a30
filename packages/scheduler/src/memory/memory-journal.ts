/** A journal in memory, for embedding and tests: the whole port, except that nothing survives the process. */
import { assert } from "@agentcore/contract";
import {
  isEndOfWhole,
  isListed,
  journalDeletionLimit,
  journalLimit,
  type Journal,
  type JournalHeader,
  type JournalWrite,
} from "../journal.ts";

/** For the memory store, which writes to the journal together with jobs. */
export interface MemoryJournal extends Journal {
  /** Returns a function that performs the write at once; null if it conflicts. */
  prepare(write: JournalWrite): (() => void) | null;
}

export function createMemoryJournal(): MemoryJournal {
  const streams = new Map<string, { header: JournalHeader; entries: string[] }>();
  const endNumbers = new Map<string, number>();
  let endMark = 0;
  const number = (stream: string, header: JournalHeader): void => {
    if (!isEndOfWhole(header)) endNumbers.delete(stream);
    else if (!endNumbers.has(stream)) endNumbers.set(stream, (endMark += 1));
  };
  const prepare = ({ stream, after, entries, header }: JournalWrite): (() => void) | null => {
    const known = streams.get(stream);
    if ((known?.entries.length ?? 0) !== after || (known !== undefined && after === 0)) return null;
    const newHeader = header ?? known?.header;
    assert(newHeader !== undefined, `the first append to ${stream} has no header`);
    return () => {
      // Kept as text, so that no caller changes what was written.
      const kept = known?.entries ?? [];
      for (const entry of entries) kept.push(JSON.stringify(entry));
      streams.set(stream, { header: structuredClone(newHeader), entries: kept });
      number(stream, newHeader);
    };
  };
  return {
    prepare,
    async append(stream, append) {
      const perform = prepare({ stream, ...append });
      perform?.();
      return perform === null ? "conflict" : "appended";
    },
    async read(stream) {
      const known = streams.get(stream);
      if (known === undefined) return undefined;
      return { stream, header: known.header, entries: known.entries.map((text) => JSON.parse(text)) };
    },
    async list(query) {
      return [...streams]
        .filter(
          ([name, { header }]) =>
            name.startsWith(query.prefix) &&
            (query.before === undefined || name < query.before) &&
            isListed(header, query),
        )
        .sort(([a], [b]) => (a < b ? 1 : -1))
        .slice(0, journalLimit(query))
        .map(([stream, { header, entries }]) => ({ stream, header, length: entries.length }));
    },
    endMark: async () => endMark,
    async deleteEnded({ endedBefore, upToMark = Infinity, limit = journalDeletionLimit }) {
      const endOf = (header: JournalHeader): number =>
        typeof header["endedAt"] === "number" ? header["endedAt"] : Infinity;
      const ended = [...streams]
        .filter(([, { header }]) => (header["partOf"] ?? null) === null && endOf(header) < endedBefore)
        .filter(([stream]) => (endNumbers.get(stream) ?? 0) <= upToMark)
        .sort(([, a], [, b]) => endOf(a.header) - endOf(b.header))
        .slice(0, limit);
      const doomed = new Set<unknown>(ended.map(([stream]) => stream));
      for (const [stream, { header }] of streams) {
        if (doomed.has(stream) || doomed.has(header["partOf"])) {
          streams.delete(stream);
          endNumbers.delete(stream);
        }
      }
      return doomed.size;
    },
  };
}
