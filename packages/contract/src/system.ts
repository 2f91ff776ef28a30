/**
 * The real ports: the process's clock, randomness, ids, and a silent log. They are beside their interfaces so that every
 * layer uses the same ones; only applications and a package's composition file bind them (docs/adr/0006).
 */
import { randomFillSync } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { ignore } from "./errors.ts";
import type { Clock, Ids, Log, Random } from "./ports.ts";

/** `setTimeout` fires at once for longer delays. */
const timeoutMsMax = 2 ** 31 - 1;

/**
 * Wall and monotonic clock of this process. Timers never fire early, and keep the process alive until they fire or are
 * cancelled.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire) {
    const dueAtMs = performance.now() + delayMs;
    let handle: NodeJS.Timeout;
    const wait = (): void => {
      const leftMs = dueAtMs - performance.now();
      // Node counts in whole milliseconds, from one that has begun. One more saves waking up early, and a second time.
      handle = setTimeout(look, leftMs <= 0 ? 0 : Math.min(Math.ceil(leftMs) + 1, timeoutMsMax));
    };
    const look = (): void => (performance.now() < dueAtMs ? wait() : fire());
    wait();
    return { cancel: () => clearTimeout(handle) };
  },
};

/**
 * The machine's monotonic clock in ms, from an arbitrary moment: all processes of one machine read the same. It does not count the
 * time in which the machine is suspended.
 */
export function machineMonotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export const systemRandom: Random = { next: () => Math.random() };

const hexDigits = Buffer.from("0123456789abcdef", "latin1");

/** Number of random words fetched at once: one system call serves 512 ids. */
const poolWords = 1024;

/** From the device, because loading `node:crypto` takes 5 ms, and a short command needs nothing else of it. */
function fillWithChance(words: Uint32Array): void {
  try {
    const device = openSync("/dev/urandom", "r");
    try {
      if (readSync(device, words) === words.byteLength) return;
    } finally {
      closeSync(device);
    }
  } catch (error) {
    ignore(error, "no such device here, or no descriptor left");
  }
  randomFillSync(words);
}

/**
 * UUIDv7 (RFC 9562 §5.7, method 1 of §6.2): milliseconds, then a 12-bit counter, then 62 random bits. Ids of one generator
 * are strictly increasing; if the counter overflows or the clock goes back, the time part runs ahead.
 */
export function createIds(clock: Pick<Clock, "now"> = systemClock): Ids {
  const pool = new Uint32Array(poolWords);
  let used = poolWords;
  let lastMs = 0;
  let counter = 0;
  // Written in place and copied out once: joining short strings costs three times as much once the id is a map key.
  const text = Buffer.from("00000000-0000-7000-8000-000000000000", "latin1");
  const put16 = (at: number, value: number): void => {
    text[at] = hexDigits[(value >>> 12) & 15] ?? 0;
    text[at + 1] = hexDigits[(value >>> 8) & 15] ?? 0;
    text[at + 2] = hexDigits[(value >>> 4) & 15] ?? 0;
    text[at + 3] = hexDigits[value & 15] ?? 0;
  };
  const startMs = (ms: number): void => {
    lastMs = ms;
    counter = 0;
    const high = Math.floor(ms / 2 ** 16);
    put16(0, high >>> 16);
    put16(4, high);
    put16(9, ms % 2 ** 16);
  };
  return {
    next() {
      const now = clock.now();
      if (now > lastMs) startMs(now);
      else if (counter === 0xfff) startMs(lastMs + 1);
      else counter += 1;
      if (used === poolWords) {
        fillWithChance(pool);
        used = 0;
      }
      const high = pool[used] ?? 0;
      const low = pool[used + 1] ?? 0;
      used += 2;
      put16(14, 0x7000 | counter);
      put16(19, 0x8000 | (high & 0x3fff));
      put16(24, high >>> 16);
      put16(28, low >>> 16);
      put16(32, low);
      return text.toString("latin1");
    },
  };
}

export const systemIds: Ids = createIds();

const nothing = (): void => {};
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
