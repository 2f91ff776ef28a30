/** Chance in tests. */
import type { Random } from "../ports.ts";

export { measuredSlowness, patienceMs, until, type UntilOptions } from "./patience.ts";

/** The same in each run, so that a commit which passed passes again. A search for new failures is asked for. */
const usualSeed = 20_261_124;

/**
 * The seed of a random test: `AGENTCORE_SEED`, or a fixed one if it is not set; with `AGENTCORE_SEED=random` another one in
 * each run. Prints the seed with what it is for.
 */
export function testSeed(what: string): number {
  const given = process.env.AGENTCORE_SEED ?? "";
  const number = Number.parseInt(given, 10);
  const seed =
    given === "random" ? Math.floor(Math.random() * 2 ** 31) : Number.isNaN(number) ? usualSeed : number;
  console.info(`${what}: repeat with AGENTCORE_SEED=${seed}`);
  return seed;
}

/** Numbers in [0, 1) from a seed: mulberry32, after Tommy Ettinger. Same seed, same numbers, on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}
