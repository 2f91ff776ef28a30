/**
 * The crash test of a fleet: several hosts work on one PostgreSQL while power cuts, kills, stopped processes, cut cables, wrong
 * clocks and crashes of the database happen to them. At the end the queue is drained, and what became of every job is checked from
 * outside, as in the headline crash test.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ignore, isAgentCoreError } from "@agentcore/contract";
import { usdOf, type CounterLevel, type Ledger } from "@agentcore/core";
import { patienceMs } from "@agentcore/contract/testing";
import type { JobStore } from "@agentcore/scheduler";
import { createPostgresJobStore, createPostgresLedger, openPostgresStore } from "@agentcore/store-postgres";
import { startPostgres, type TestPostgres } from "@agentcore/store-postgres/testing";
import { createDraws, type Draws } from "../draws.ts";
import { gather } from "../gather.ts";
import { planJob, type PlannedJob } from "../job-plan.ts";
import { makeRig, type Rig } from "../rig.ts";
import { Submitter } from "../submitter.ts";
import { isClean, judge, type Verdict } from "../verdict.ts";
import { type FaultKind, FaultyHost } from "./faults.ts";
import { FleetHost } from "./fleet-host.ts";
import { makeNetwork, type Network } from "./network.ts";

export interface FleetOptions {
  readonly hosts: number;
  readonly jobs: number;
  /** Of all hosts and the database together. */
  readonly faults: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

export interface FleetReport extends Verdict {
  readonly jobs: number;
  readonly hosts: number;
  readonly faults: ReadonlyMap<FaultKind | "database", number>;
  readonly attempts: number;
  readonly estimated: number;
  /** Of the tenant with a cap, in dollars: the most that was ever spent and held together, and what was spent in the end. */
  readonly capped: { readonly capUsd: number; readonly mostUsd: number; readonly spentUsd: number };
  readonly elapsedMs: number;
  readonly root: string;
}

/** One crash of the database for this many faults of hosts. */
const databaseShare = 20;
const drainMs = 600_000;
/** A tenth of the jobs belong to a tenant whose cap is reached, so that its last ones are refused. */
const cappedTenant = { name: "capped", share: 0.1, capUsd: 1 };

export async function fleet(options: FleetOptions): Promise<FleetReport> {
  const startedAt = performance.now();
  const rig = await makeRig({
    tenants: { [cappedTenant.name]: { cost_usd: { total: cappedTenant.capUsd } } },
    attemptsMax: 100,
    concurrency: 4,
    ignoresDisk: true,
  });
  const network = makeNetwork(options.hosts);
  const server = await startPostgres(reachableFrom(network));
  const url = await server.newDatabase();
  const database = await openPostgresStore({ url });
  const [store, ledger] = [createPostgresJobStore(database), createPostgresLedger(database)];
  const submitter = new Submitter(rig, store, createDraws(options.seed + 1));
  const hosts = network.links.map(
    (link, index) =>
      new FleetHost({ rig, name: `host${index}`, link, storeUrl: url.replace("127.0.0.1", link.hub) }),
  );
  const run = new FaultyFleet({ ...options, rig, hosts, server, store, ledger, submitter });
  try {
    await run.begin();
    await run.faultAll();
    await run.drain();
    // A host whose end of an attempt came too late says how the job ended elsewhere.
    const announcedEnds = hosts.flatMap(({ announced, name }) => announced.map((id) => `${id} by ${name}`));
    const { planned } = run;
    const { gathered, attempts, estimated } = await gather({
      rig,
      store,
      ledger,
      submitter,
      planned,
      announcedEnds,
    });
    const judged = judge(gathered);
    const verdict = { ...judged, unaccounted: [...judged.unaccounted, ...run.problems] };
    if (isClean(verdict)) await rig.remove();
    const { mostUsd, spentUsd } = run;
    return {
      ...verdict,
      jobs: options.jobs,
      hosts: options.hosts,
      faults: run.faults,
      attempts,
      estimated,
      capped: { capUsd: cappedTenant.capUsd, mostUsd, spentUsd },
      elapsedMs: Math.round(performance.now() - startedAt),
      root: rig.root,
    };
  } finally {
    submitter.close();
    await Promise.all(hosts.map((host) => host.powerOff()));
    await database.close();
    await server.stop();
    network.remove();
  }
}

/** Settings of a server that hosts may reach, too. */
function reachableFrom({ links }: Network): Readonly<Record<string, string>> {
  // Not in the rig's directory: a process that names that one counts as left behind.
  const directory = mkdtempSync(join(tmpdir(), "agentcore-fleet-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  const access = join(directory, "pg_hba.conf");
  writeFileSync(access, "host all all samenet scram-sha-256\n");
  // The server is another user's process.
  chmodSync(directory, 0o755);
  return { listen_addresses: ["127.0.0.1", ...links.map(({ hub }) => hub)].join(","), hba_file: access };
}

interface FaultyFleetOptions extends Omit<FleetOptions, "hosts"> {
  readonly rig: Rig;
  readonly hosts: readonly FleetHost[];
  readonly server: TestPostgres;
  readonly store: JobStore;
  readonly ledger: Ledger;
  readonly submitter: Submitter;
}

class FaultyFleet {
  readonly planned: PlannedJob[] = [];
  readonly problems: string[] = [];
  readonly faults = new Map<FaultKind | "database", number>();
  mostUsd = 0;
  spentUsd = 0;
  readonly #options: FaultyFleetOptions;
  readonly #draws: Draws;
  readonly #hosts: readonly FaultyHost[];
  /** Faults that are over, and one after the other: jobs are handed in by their number. */
  #over = 0;
  #submitting: Promise<void> = Promise.resolve();

  constructor(options: FaultyFleetOptions) {
    this.#options = options;
    this.#draws = createDraws(options.seed);
    const { hosts, seed } = options;
    this.#hosts = hosts.map((host, index) => new FaultyHost(host, createDraws(seed + 2 + index)));
  }

  async begin(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.powerOn()));
  }

  /** Each host has its faults one after the other, beside those of the others. */
  async faultAll(): Promise<void> {
    const { faults, hosts } = this.#options;
    const ofDatabase = Math.floor(faults / databaseShare);
    const ofHosts = faults - ofDatabase;
    this.#handIn();
    const share = (index: number): number =>
      Math.floor(ofHosts / hosts.length) + (index < ofHosts % hosts.length ? 1 : 0);
    await Promise.all([
      ...this.#hosts.map(async (host, index) => {
        for (let fault = 0; fault < share(index); fault += 1) this.#count(await host.suffer());
      }),
      this.#crashDatabase(ofDatabase, ofHosts),
    ]);
    await this.#submitting;
  }

  /** Until every job has ended, with no more faults. */
  async drain(): Promise<void> {
    const deadline = performance.now() + patienceMs(drainMs);
    for (;;) {
      const { ready, delayed, running } = await untilThere(async () => {
        await this.#readCapped();
        return this.#options.store.stats(Date.now());
      });
      if (ready + delayed + running === 0) break;
      if (performance.now() > deadline) {
        this.problems.push(
          `not drained in ${drainMs} ms: ${ready} ready, ${delayed} delayed, ${running} running`,
        );
        break;
      }
      for (const { host } of this.#hosts) if (host.isSchedulerOver) host.startScheduler();
      await pause(500);
    }
    for (const host of this.#options.hosts) {
      if (host.isSchedulerOver) continue;
      // Null: it was started a moment ago, and did not listen to signals yet.
      const code = await host.shutDown();
      if (code !== 0 && code !== null) this.problems.push(`${host.name} ended with ${code}: ${host.log}`);
    }
  }

  async #crashDatabase(crashes: number, ofHosts: number): Promise<void> {
    const { server, seed } = this.#options;
    const draws = createDraws(seed + 2 + this.#hosts.length);
    for (let crash = 1; crash <= crashes; crash += 1) {
      // Spread over the faults of the hosts.
      while (this.#over < Math.floor((ofHosts * crash) / (crashes + 1))) await pause(200);
      await server.kill();
      await pause(draws.whole(0, 5000));
      await server.start();
      this.#count("database");
    }
  }

  #count(kind: FaultKind | "database"): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
    if (kind !== "database") this.#over += 1;
    const total = [...this.faults.values()].reduce((sum, count) => sum + count, 0);
    if (total % 20 === 0) this.#options.print(`${total} faults, ${this.planned.length} jobs handed in`);
    this.#handIn();
  }

  /** Jobs for the faults so far; the last ones for the last tenth of them. */
  #handIn(): void {
    const { jobs, faults, rig, submitter } = this.#options;
    const upTo = Math.min(jobs, Math.ceil((jobs * (this.#over + 1)) / (faults * 0.9)));
    const chunk: PlannedJob[] = [];
    while (this.planned.length < upTo) {
      const id = `job-${String(this.planned.length).padStart(4, "0")}`;
      const job = planJob(rig, id, this.#draws);
      const isCapped = this.#draws.chance(cappedTenant.share);
      const planned = isCapped ? { ...job, context: { tenant: cappedTenant.name } } : job;
      this.planned.push(planned);
      chunk.push(planned);
    }
    if (chunk.length === 0) return;
    this.#submitting = this.#submitting.then(() =>
      untilThere(async () => {
        await this.#readCapped();
        await submitter.submit(chunk);
      }),
    );
    this.#submitting.catch((error: unknown) => ignore(error, "told at the end of all faults"));
  }

  async #readCapped(): Promise<void> {
    const key = { scope: `tenant:${cappedTenant.name}`, window: "total", windowStart: 0 } as const;
    const [level] = (await this.#options.ledger.levels([key])) as [CounterLevel];
    this.spentUsd = usdOf(level.costSpentMicroUsd);
    const usd = usdOf(level.costSpentMicroUsd + level.costHeldMicroUsd);
    this.mostUsd = Math.max(this.mostUsd, usd);
    if (usd > cappedTenant.capUsd) this.problems.push(`$${usd} spent and held of $${cappedTenant.capUsd}`);
  }
}

/** Again until the database answers: to repeat a call of a store is safe. */
async function untilThere<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs(60_000);
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const isAway = isAgentCoreError(error) && error.code === "AC_STORE_UNAVAILABLE";
      if (!isAway || performance.now() > deadline) throw error;
      await pause(200);
    }
  }
}
