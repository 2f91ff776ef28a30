/**
 * Jobs that were put into `ready` lately, one for each lane: with one of them a later job of the lane is known to have
 * another before it, without an index over all ready jobs. Only a memory: whether the job is still there must be looked up.
 */

interface Front {
  readonly rank: number;
  readonly id: string;
}

export interface LaneFronts {
  find(line: string, concurrencyKey: string): Front | undefined;
  remember(line: string, concurrencyKey: string, front: Front): void;
}

/** The lane that was put in first is forgotten first. One that is forgotten costs its next job a place in `ready`. */
const lanesMax = 4096;

export function createLaneFronts(): LaneFronts {
  const fronts = new Map<string, Front>();
  return {
    find: (line, concurrencyKey) => fronts.get(line + concurrencyKey),
    remember(line, concurrencyKey, front) {
      fronts.set(line + concurrencyKey, front);
      if (fronts.size > lanesMax) fronts.delete(fronts.keys().next().value ?? "");
    },
  };
}
