/**
 * Several hosts on one store: ours on PostgreSQL beside pg-boss and graphile-worker on the same server and BullMQ on Redis, each
 * with what it does for durability. Every host is a process; its worker does nothing, so that only the queue is measured.
 */
import { loadavg } from "node:os";
import { Unavailable } from "./queue/contender.ts";
import { quantile, type Report } from "./report.ts";
import { contenders } from "./scale/contenders.ts";
import type { ScaleContender } from "./scale/contender.ts";
import { drain, fill, type Filled } from "./scale/drain.ts";
import { holdsRate } from "./scale/holds.ts";
import { Host } from "./scale/host.ts";
import { idleLatencies } from "./scale/idle.ts";
import { type Servers, startServers } from "./scale/servers.ts";
import { takeoverLimitMs, takeoverMs } from "./scale/takeover.ts";
import { whole } from "./store-rate.ts";
import { syncsPerSecond } from "./sync-floor.ts";

export interface ScaleBenchOptions {
  /** Lengths of the queue. Default 10,000 and 1,000,000. */
  readonly lengths?: readonly number[];
  /** Jobs of one round. Default 2,000. */
  readonly jobs?: number;
  /** Warm ones, after a cold one. Default 3. */
  readonly rounds?: number;
}

const hostCounts = [1, 2, 4];
const takeovers = 3;
const aimOverLeaseMs = 2000;

export async function benchScale(report: Report, options: ScaleBenchOptions = {}): Promise<void> {
  const { lengths = [10_000, 1_000_000], jobs = 2000, rounds = 3 } = options;
  // The load is the same in each run: no seed.
  report({ name: "load average at the start", value: loadavg()[0] ?? Number.NaN, unit: "" });
  const servers = await startServers();
  try {
    for (const { name, value } of servers.versions)
      report({ name, value: Number.NaN, unit: "", note: value });
    const taking: ScaleContender[] = [];
    for (const contender of contenders) {
      const why = servers.missing.get(contender.server) ?? (await whyNot(contender, servers));
      const note = why === null ? contender.durability : `not measured: ${why}`;
      report({ name: contender.name, value: Number.NaN, unit: "", note });
      if (why === null) taking.push(contender);
    }
    report({
      name: "floor: 4 KiB written and synced, one after another",
      value: syncsPerSecond(),
      unit: "syncs/s",
    });
    await reportHolds(report, servers);
    await reportIdle(report, servers, taking);
    await reportTakeovers(report, servers, taking);
    const filled = new Map<string, Filled>();
    for (const length of lengths)
      await reportDrains(report, { servers, taking, filled, length, jobs, rounds });
  } finally {
    await servers.stop();
  }
}

/** Why the contender cannot take part, such as packages that cannot be installed; null if it can. */
async function whyNot(contender: ScaleContender, servers: Servers): Promise<string | null> {
  try {
    const host = await Host.open(contender, await servers.newPlace(contender));
    await host.close();
    return null;
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}

interface Drains {
  readonly servers: Servers;
  readonly taking: readonly ScaleContender[];
  /** By place. */
  readonly filled: Map<string, Filled>;
  readonly length: number;
  readonly jobs: number;
  readonly rounds: number;
}

async function reportDrains(report: Report, drains: Drains): Promise<void> {
  const { servers, taking, filled, length, jobs, rounds } = drains;
  await Promise.all(
    [...new Map(taking.map((contender) => [contender.place, contender])).values()].map(async (contender) => {
      const place = filled.get(contender.place) ?? {
        at: await servers.newPlace(contender),
        length: 0,
        next: 0,
      };
      filled.set(contender.place, place);
      await fill(contender, place, length);
      await servers.tidy(place.at, contender);
    }),
  );
  for (const hosts of hostCounts) {
    for (const contender of taking) {
      const { cold, warm } = await drain(contender, filled.get(contender.place)!, {
        hosts,
        length,
        jobs,
        rounds,
      });
      report({
        name: `${contender.name}: ${hosts} host${hosts === 1 ? "" : "s"}, ${whole(length)} queued`,
        value: warm,
        unit: "jobs/s",
        note: `cold ${whole(cold)}`,
      });
    }
  }
}

async function reportIdle(
  report: Report,
  servers: Servers,
  taking: readonly ScaleContender[],
): Promise<void> {
  for (const contender of taking.filter(({ lease }) => lease !== null)) {
    const latencies = await idleLatencies(contender, await servers.newPlace(contender));
    const note = `p99 ${quantile(latencies, 0.99).toFixed(1)}; ${latencies.length} jobs`;
    const value = quantile(latencies, 0.5);
    report({ name: `${contender.name}: idle, submit to start, p50`, value, unit: "ms", note });
  }
}

/** All at once: they wait. */
async function reportTakeovers(
  report: Report,
  servers: Servers,
  taking: readonly ScaleContender[],
): Promise<void> {
  const measured = await Promise.all(
    taking
      .filter(({ lease }) => lease !== null)
      .map(async (contender) => {
        const times: (number | null)[] = [];
        for (let trial = 0; trial < takeovers && !times.includes(null); trial += 1)
          times.push(await takeoverMs(contender, await servers.newPlace(contender)));
        return { contender, times };
      }),
  );
  for (const { contender, times } of measured) {
    const known = times.filter((time) => time !== null).toSorted((a, b) => a - b);
    const aim =
      contender.place === "AgentCore"
        ? `; aim: under the lease + ${aimOverLeaseMs / 1000} s, of which up to 1 s is the jitter of the retry`
        : "";
    const missed = times.length - known.length;
    const late = missed === 0 ? "" : `; ${missed} not within ${takeoverLimitMs / 1000} s`;
    report({
      name: `${contender.name}: kill -9 of a host to the start elsewhere, max`,
      value: known.at(-1) ?? Number.NaN,
      unit: "ms",
      note: `with ${contender.lease}; ${times.length} kills${late}${aim}`,
    });
  }
}

/** Clients of the ledger, and the calls in flight on each. */
const holders = [
  { clients: 1, callers: 1 },
  { clients: 8, callers: 1 },
  { clients: 32, callers: 1 },
  // Four hosts, each with 50 permits that come and go.
  { clients: 4, callers: 50 },
];

async function reportHolds(report: Report, servers: Servers): Promise<void> {
  if (servers.missing.has("postgres")) return;
  for (const { clients, callers } of holders) {
    const { server } = await servers.newPlace(contenders[0]!);
    const { pairsPerSecond, holdMs } = await holdsRate(server, clients, callers);
    const each = callers === 1 ? "" : `, ${callers} calls at once on each`;
    report({
      name: `ledger: holds with their settles, ${clients} client${clients === 1 ? "" : "s"}${each}`,
      value: pairsPerSecond,
      unit: "pairs/s",
      note: `a hold takes ${holdMs.toFixed(1)} ms (p50); counters of three levels, one of them everybody's`,
    });
  }
}
