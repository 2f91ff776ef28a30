/**
 * How much live memory an action holds at its height. The collector is run before each look, so that what counts is what
 * cannot be freed: resident memory also has whatever garbage the engine was in no hurry to collect, which on a busy
 * machine says more about the machine than about the code.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const lookEveryMs = 100;
/** Rest after a look, in times of what it took: on a busy machine, in a process with a large heap, it would else take it all. */
const restPerLook = 9;

/** Bytes that are held, with what could be freed, on the heap and in buffers outside it. */
function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Bytes that are still reachable. */
function liveBytes(collect: () => void): number {
  // Twice: buffers are counted until the sweep that the first collection began has ended, and the second waits for it.
  collect();
  collect();
  return usedBytes();
}

/** Runs the action and answers its value with the growth of live memory at its height, in MiB. */
export async function withLiveGrowth<T>(action: () => Promise<T>): Promise<{ value: T; growthMb: number }> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const before = liveBytes(collect);
  let peak = before;
  const look = (): void => {
    // What is live is no more than what is used.
    if (usedBytes() > peak) peak = Math.max(peak, liveBytes(collect));
  };
  let timer: NodeJS.Timeout | undefined;
  const lookLater = (delayMs: number): void => {
    timer = setTimeout(() => {
      const startedMs = performance.now();
      look();
      lookLater(Math.max(lookEveryMs, restPerLook * (performance.now() - startedMs)));
    }, delayMs);
  };
  lookLater(lookEveryMs);
  try {
    const value = await action();
    look();
    return { value, growthMb: (peak - before) / 1024 ** 2 };
  } finally {
    clearTimeout(timer);
  }
}
