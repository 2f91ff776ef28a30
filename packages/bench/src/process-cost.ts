/**
 * What a program costs, seen from outside: wall clock, the processor time of it and of everything that it started and waited
 * for, and the most memory that it held itself.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { once } from "node:events";

export interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** Of the process alone, without its children; 0 where it was not a process of its own. */
  readonly peakBytes: number;
}

/** Prints the peak at the end, on a descriptor of its own. */
const reportPeak =
  'data:text/javascript,import{writeSync}from"node:fs";' +
  'process.on("exit",()=>writeSync(3,String(process.resourceUsage().maxRSS)))';

/** A Node program to its end. Throws where it fails. */
export async function costOfNode(args: readonly string[]): Promise<Cost> {
  let said = "";
  let peakKib = "";
  const { wallMs, cpuMs } = await costOf(async () => {
    const child = spawn(process.execPath, ["--import", reportPeak, ...args], {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk) => {
        said = (said + String(chunk)).slice(-2000);
      });
    child.stdio[3]?.on("data", (chunk) => {
      peakKib += String(chunk);
    });
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(`node ${args.join(" ")} ended with ${code}: ${said}`);
  });
  return { wallMs, cpuMs, peakBytes: Number(peakKib) * 1024 };
}

/** Something done in this process, with the children that it waits for. */
export async function costOf(work: () => Promise<void>): Promise<Cost> {
  const cpuBefore = cpuMsSoFar();
  const startedMs = performance.now();
  await work();
  return { wallMs: performance.now() - startedMs, cpuMs: cpuMsSoFar() - cpuBefore, peakBytes: 0 };
}

const ticksPerSecond = 100;

/** Of this process and of its children that have ended; the children's to 10 ms. */
function cpuMsSoFar(): number {
  const { user, system } = process.cpuUsage();
  const fields = readFileSync("/proc/self/stat", "latin1").split(") ")[1]?.split(" ") ?? [];
  const childTicks = Number(fields[13]) + Number(fields[14]);
  return (user + system) / 1000 + (childTicks * 1000) / ticksPerSecond;
}
