/** Jobs a second of several hosts that work on one queue, whose length stays about the same. */
import { median } from "../report.ts";
import type { Place, ScaleContender } from "./contender.ts";
import { Host } from "./host.ts";
import { nowMs } from "./now.ts";

export interface Filled {
  readonly at: Place;
  /** Jobs that wait. */
  length: number;
  /** Number of the next job. */
  next: number;
}

export async function fill(contender: ScaleContender, filled: Filled, length: number): Promise<void> {
  const count = length - filled.length;
  if (count <= 0) return;
  const host = await Host.open(contender, filled.at, "filler");
  await host.tell({ do: "fill", from: filled.next, count });
  await host.close();
  filled.next += count;
  filled.length = length;
}

export interface DrainOptions {
  readonly hosts: number;
  /** Queued at the start of each round. */
  readonly length: number;
  /** In each round. */
  readonly jobs: number;
  /** Warm ones, after a cold one. */
  readonly rounds: number;
}

export interface Drained {
  /** Jobs a second: of the cold round, and the median of the others. */
  readonly cold: number;
  readonly warm: number;
}

/** At once on each host. */
const concurrency = 50;

export async function drain(
  contender: ScaleContender,
  filled: Filled,
  { hosts: count, length, jobs, rounds }: DrainOptions,
): Promise<Drained> {
  const names = Array.from({ length: count }, (_, index) => `host-${index + 1}`);
  const hosts = await Promise.all(names.map((name) => Host.open(contender, filled.at, name)));
  const rates: number[] = [];
  try {
    for (let round = 0; round <= rounds; round += 1) {
      await fill(contender, filled, length);
      const { perSecond, done } = await oneRound(hosts, jobs);
      filled.length -= done;
      rates.push(perSecond);
    }
    for (const host of hosts) await host.close();
  } finally {
    for (const host of hosts) host.kill();
  }
  return { cold: rates[0]!, warm: median(rates.slice(1)) };
}

async function oneRound(hosts: readonly Host[], jobs: number): Promise<{ perSecond: number; done: number }> {
  let done = 0;
  const reached = Promise.withResolvers<number>();
  const stops = hosts.map((host) =>
    host.onSaid((said) => {
      if (said.said !== "done") return;
      done += said.count;
      if (done >= jobs) reached.resolve((done * 1000) / (said.at - startedAt));
    }),
  );
  const startedAt = nowMs();
  await Promise.all(hosts.map((host) => host.tell({ do: "work", concurrency, ends: true })));
  const perSecond = await reached.promise;
  await Promise.all(hosts.map((host) => host.tell({ do: "stop" })));
  for (const stop of stops) stop();
  return { perSecond, done };
}
