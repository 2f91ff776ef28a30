/** Holds and settles a second on the ledger that all hosts share: counters of three levels, of which the first is everybody's. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "../report.ts";
import type { HoldsAsked, HoldsDone } from "./holds-main.ts";

const program = fileURLToPath(new URL(`holds-main${extname(import.meta.url)}`, import.meta.url));

const processesMax = 4;
const rounds = 4;
const roundMs = 2000;

export interface HoldsRate {
  /** Pairs of a hold and its settle. */
  readonly pairsPerSecond: number;
  /** Median time of a hold, in ms. */
  readonly holdMs: number;
}

/** `callers`: calls in flight on each client, as a host has them whose jobs share one handle. Default 1. */
export async function holdsRate(url: string, clients: number, callers = 1): Promise<HoldsRate> {
  const processes = Array.from({ length: Math.min(processesMax, clients) }, () => fork(program));
  try {
    const measured: HoldsRate[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const answers = await Promise.all(
        processes.map(async (child) => {
          const asked: HoldsAsked = { url, clients: clients / processes.length, callers, forMs: roundMs };
          const answered = once(child, "message");
          child.send(asked);
          return (await answered)[0] as HoldsDone;
        }),
      );
      const pairs = answers.reduce((sum, { pairsPerSecond }) => sum + pairsPerSecond, 0);
      measured.push({ pairsPerSecond: pairs, holdMs: median(answers.map(({ holdMs }) => holdMs)) });
    }
    // The first one is cold.
    const warm = measured.slice(1);
    return {
      pairsPerSecond: median(warm.map(({ pairsPerSecond }) => pairsPerSecond)),
      holdMs: median(warm.map(({ holdMs }) => holdMs)),
    };
  } finally {
    for (const child of processes) child.kill("SIGKILL");
  }
}
