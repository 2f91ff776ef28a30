/**
 * Which step waits for which, directly or through others. Asked by thousands of steps of one file, so neither all that a step
 * waits for is written down for each of them, nor the same way gone twice: the search begins with what is nearest, since most
 * steps ask about one that is near, and what was found out about a step is kept, since many ask about the same one.
 */

/** Cycles are gone around once. `dependencies` names only steps that there are. */
export function waitingIn(
  dependencies: (id: string) => readonly string[],
): (id: string, other: string) => boolean {
  /** By the step asked about: which others wait for it and which do not. */
  const known = new Map<string, Map<string, boolean>>();

  function search(id: string, other: string, answers: ReadonlyMap<string, boolean>): boolean {
    const seen = new Set([id]);
    // Grows while it is gone through.
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
