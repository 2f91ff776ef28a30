/** Chance in tests: a seed is chosen anew in each run, printed, and taken back from `AGENTCORE_SEED` to repeat a failure. */
import type { Random } from "../ports.ts";

export { measuredSlowness, patienceMs, until, type UntilOptions } from "./patience.ts";

/** The seed of this run, from `AGENTCORE_SEED` or by chance. Prints it with what it is for. */
export function announcedSeed(what: string): number {
  const given = Number.parseInt(process.env.AGENTCORE_SEED ?? "", 10);
  const seed = Number.isNaN(given) ? Math.floor(Math.random() * 2 ** 31) : given;
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
