/**
 * Short ids for people. Generated ids begin with the time, so jobs of one minute share their beginning; the end is random.
 * A short id is the end of the id, long enough to fit no other job. Every command accepts it in place of the whole id.
 */

/** 32 random bits. */
export const shortIdChars = 8;

const generated = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const isGeneratedId = (id: string): boolean => generated.test(id);

/** An id that a caller chose is shown whole. */
export function shortId(id: string): string {
  return generated.test(id) ? id.slice(-shortIdChars) : id;
}

/** Short ids that also differ from those of `others`. */
export function shortIdsAmong(others: readonly string[]): (id: string) => string {
  const withEnding = new Map<string, string[]>();
  for (const id of others) {
    const ending = id.slice(-shortIdChars);
    withEnding.set(ending, [...(withEnding.get(ending) ?? []), id]);
  }
  return (id) => {
    const short = shortId(id);
    if (short === id) return id;
    const alike = (withEnding.get(short) ?? []).filter((other) => other !== id);
    let chars = short.length;
    while (alike.some((other) => other.endsWith(id.slice(-chars)))) chars += 1;
    return id.slice(-chars);
  };
}
