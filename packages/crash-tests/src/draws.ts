/** Choices from one seed: everything that a crash test leaves to chance, so that the seed alone repeats its plan. */
import { seededRandom } from "@agentcore/contract/testing";

export interface Draws {
  /** In [0, 1). */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
  chance(share: number): boolean;
}

export function createDraws(seed: number): Draws {
  const random = seededRandom(seed);
  const whole = (low: number, high: number): number => low + Math.floor(random.next() * (high - low + 1));
  return {
    next: () => random.next(),
    whole,
    pick: (from) => from[whole(0, from.length - 1)] ?? from[0],
    chance: (share) => random.next() < share,
  };
}
