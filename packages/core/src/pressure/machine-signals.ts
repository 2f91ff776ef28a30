/**
 * Reads the real signals of the machine. The delay of the event loop comes from Node's histogram (99th percentile over the
 * last two samples); memory, pressure-stall information and disk come from Linux's `/proc` and `statfs`. If the system does
 * not provide a signal (no `/proc/pressure`, another operating system), it is null, and its thresholds are ignored.
 */
import { readFile, statfs } from "node:fs/promises";
import { freemem } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { ignore } from "@agentcore/contract";

export interface MachineSample {
  readonly eventLoopDelayMs: number;
  readonly memoryAvailableBytes: number | null;
  readonly memoryPressurePercent: number | null;
  readonly diskFreeBytes: number | null;
}

/** Port: how the runtime measures the machine. */
export interface MachineSignals {
  /** Never rejects. */
  sample(): Promise<MachineSample>;
  /**
   * Samples are taken regularly from now on, or are not. Unless they are, nothing is measured between two samples, because
   * that costs a timer of 10 ms. Default: they are not.
   */
  watch(isRegular: boolean): void;
  /** Stops everything that it keeps running. */
  close(): void;
}

/** Time between two measurements of the event loop. Shorter delays are not seen. */
const resolutionMs = 10;

export interface MachineSignalsOptions {
  /** Directory whose file system is checked for free space. */
  readonly stateDir?: string;
  /** Root of the proc file system; for tests. */
  readonly procDir?: string;
}

export function createMachineSignals(options: MachineSignalsOptions = {}): MachineSignals {
  const { stateDir, procDir = "/proc" } = options;
  const eventLoop = watchEventLoop();
  return {
    async sample() {
      const eventLoopDelayMs = eventLoop.delayMs();
      const [memory, pressure, diskFreeBytes] = await Promise.all([
        readText(`${procDir}/meminfo`),
        readText(`${procDir}/pressure/memory`),
        stateDir === undefined ? null : diskFree(stateDir),
      ]);
      return {
        eventLoopDelayMs,
        memoryAvailableBytes: memory === null ? freemem() : memoryAvailable(memory),
        memoryPressurePercent: pressure === null ? null : someAvg10(pressure),
        diskFreeBytes,
      };
    },
    watch: (isRegular) => eventLoop.watch(isRegular),
    close: () => eventLoop.watch(false),
  };
}

/**
 * Delay over the last two samples. Resetting a histogram loses the measurement in progress, and with it a block that lasts over
 * the reset. So there are two, and each is reset while the other measures.
 */
function watchEventLoop(): { delayMs(): number; watch(isOn: boolean): void } {
  const histograms = [0, 1].map(() => monitorEventLoopDelay({ resolution: resolutionMs }));
  let isWatching = false;
  let samples = 0;
  return {
    delayMs() {
      const histogram = histograms[samples % 2];
      samples += 1;
      if (histogram === undefined || histogram.count === 0) return 0;
      const delayMs = histogram.percentile(99) / 1e6 - resolutionMs;
      histogram.reset();
      return Math.max(0, delayMs);
    },
    watch(isOn) {
      if (isOn === isWatching) return;
      isWatching = isOn;
      for (const histogram of histograms) {
        histogram.reset();
        if (isOn) histogram.enable();
        else histogram.disable();
      }
    },
  };
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    ignore(error, "a kernel without this file does not tell; the signal is null");
    return null;
  }
}

async function diskFree(directory: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch (error) {
    ignore(error, "the state directory may not exist yet; the store says so where it matters");
    return null;
  }
}

/** `MemAvailable` of `/proc/meminfo`, which counts what the kernel can reclaim; in bytes. */
export function memoryAvailable(meminfo: string): number | null {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo);
  return match === null ? null : Number(match[1]) * 1024;
}

/** `some avg10` of `/proc/pressure/memory`, percent. */
export function someAvg10(pressure: string): number | null {
  const match = /^some avg10=(\d+(?:\.\d+)?)/m.exec(pressure);
  return match === null ? null : Number(match[1]);
}
