/**
 * Finds whether a step waits for another, directly or indirectly. A file may have thousands of steps, so neither is the
 * full list stored for each step, nor is a path searched twice: the search starts with the nearest steps, because most
 * questions are about near ones, and results per step are cached.
 */

/** Follows cycles only once. `dependencies` names only existing steps. */
export function waitingIn(
  dependencies: (id: string) => readonly string[],
): (id: string, other: string) => boolean {
  /** For each queried step: which others wait for it and which do not. */
  const known = new Map<string, Map<string, boolean>>();

  function search(id: string, other: string, answers: ReadonlyMap<string, boolean>): boolean {
    const seen = new Set([id]);
    // The set grows during the loop.
    for (const at of seen) {
      for (const dependency of dependencies(at)) {
        if (dependency === other || answers.get(dependency) === true) return true;
        if (answers.get(dependency) !== false) seen.add(dependency);
      }
    }
    return false;
  }

  return (id, other) => {
    if (dependencies(id).includes(other)) return true;
    const answers = known.get(other) ?? new Map<string, boolean>();
    known.set(other, answers);
    const answer = answers.get(id) ?? search(id, other, answers);
    answers.set(id, answer);
    return answer;
  };
}
