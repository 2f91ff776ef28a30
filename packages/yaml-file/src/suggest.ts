/** "Did you mean …": finds the nearest existing name by edit distance, where a swap of neighbors counts as one edit. */

/** Number of edits that turn `a` into `b`: insert, delete, replace, swap of neighbors (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replace = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      let least = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, replace);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        least = Math.min(least, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(least);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

/** With more names, no suggestion is made: a file with thousands of errors would take minutes. */
const candidatesMax = 2000;

/** Fewer letters are the beginning of too many names. */
const beginningMin = 3;

/**
 * The candidate nearest to `name`: at most a third of its letters differ, but not all of `name`; or else the only one that begins
 * with `name`.
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  if (candidates.length > candidatesMax) return undefined;
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance && isNear(distance, wanted, candidate)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (best !== undefined || wanted.length < beginningMin) return best;
  const longer = candidates.filter((candidate) => candidate.toLowerCase().startsWith(wanted));
  return longer.length === 1 ? longer[0] : undefined;
}

function isNear(distance: number, wanted: string, candidate: string): boolean {
  return distance < Math.max(1, wanted.length) && distance <= Math.max(1, Math.floor(candidate.length / 3));
}

/** `; did you mean "codex"?`, or nothing if no candidate is near. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const found = nearest(name, candidates);
  return found === undefined ? "" : `; did you mean "${found}"?`;
}
