/**
 * The real ports: the process's clock, chance, and ids. The one place of this package that touches what is ambient; the
 * applications compose a runtime from it, and everything else takes these as parameters.
 */
import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Clock, type Ids, ignore, type Random, type Timer } from "@agentcore/contract";
import type { LedgerOwner } from "./ledger.ts";

/** `setTimeout` fires at once for anything longer. */
const timeoutMsMax = 2 ** 31 - 1;

/** Wall and monotonic clock of this process. Timers keep the process alive until they fire or are cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, fire) => startTimer(Math.max(0, delayMs), fire),
};

function startTimer(delayMs: number, fire: () => void): Timer {
  let left = delayMs;
  let handle: NodeJS.Timeout;
  const arm = (): void => {
    const step = Math.min(left, timeoutMsMax);
    left -= step;
    handle = setTimeout(left > 0 ? arm : fire, step);
  };
  arm();
  return { cancel: () => clearTimeout(handle) };
}

export const systemRandom: Random = { next: () => Math.random() };

const hexDigits = Buffer.from("0123456789abcdef", "latin1");

/** Random words fetched at once: one system call serves 512 ids. */
const poolWords = 1024;

/**
 * UUIDv7 (RFC 9562 §5.7, method 1 of §6.2): milliseconds, then a 12-bit counter, then 62 bits of chance. Ids of one
 * generator are strictly increasing; where the counter overflows or the clock goes back, the time part runs ahead.
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
        randomFillSync(pool);
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

/** This process as the owner of its holds. On a system without `/proc`, its pid alone. */
export function processOwner(): LedgerOwner {
  return { pid: process.pid, startTicks: ticksOf(statOf(process.pid)), bootId: bootId() };
}

/**
 * Whether the owner of a hold is gone: another boot, no such process, one that is dead and waits to be reaped (by an init
 * that may take its time), or a process that got its pid later. Where the system does not tell start times, a process with
 * that pid counts as the owner.
 */
export function ownerIsDead(owner: LedgerOwner): boolean {
  const boot = bootId();
  if (owner.bootId !== null && boot !== null && owner.bootId !== boot) return true;
  const fields = statOf(owner.pid);
  if (fields?.[0] === "Z" || fields?.[0] === "X") return true;
  const startTicks = ticksOf(fields);
  if (startTicks !== null && owner.startTicks !== null) return startTicks !== owner.startTicks;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function bootId(): string | null {
  return readProc("/proc/sys/kernel/random/boot_id")?.trim() ?? null;
}

/** The fields of `/proc/<pid>/stat` after the command's name, which may hold anything: the first is the state. */
function statOf(pid: number): string[] | null {
  const stat = readProc(`/proc/${pid}/stat`);
  return stat === null ? null : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Start time in clock ticks since boot: field 22 of all. */
function ticksOf(fields: readonly string[] | null): number | null {
  const ticks = Number(fields?.[19]);
  return Number.isNaN(ticks) ? null : ticks;
}

function readProc(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    ignore(error, "no such process, or a system without /proc: not known");
    return null;
  }
}
