/** The daemon as a whole, for the API: whether it is ready, what it may spend, and how it is stopped. */
import type { DaemonPort } from "@agentcore/api";
import { sleep, systemClock, type ContainmentReceipt } from "@agentcore/contract";
import { budgetLevels } from "../queue/budget-levels.ts";
import { openHolds } from "../queue/open-holds.ts";
import type { Ledger } from "@agentcore/core";
import type { Config } from "../config/schema.ts";
import { leftProcesses } from "../state/quarantine.ts";
import { openRuns } from "@agentcore/workflow";
import { packageVersion } from "../version.ts";
import { runStateOf } from "../workflow/run-owner.ts";
import type { DaemonParts } from "./open-daemon.ts";
import type { Overview } from "./overview.ts";
import { readinessOf } from "./readiness.ts";

export interface DaemonPortOptions {
  readonly parts: DaemonParts;
  readonly config: Config;
  readonly ledger: Pick<Ledger, "levels" | "levelsBelow" | "openHolds">;
  readonly overview: Pick<Overview, "read">;
  readonly startedAt: number;
  /** Begins the end of the daemon, as SIGTERM does. */
  readonly onEndAsked: () => void;
  readonly graceMs: number;
}

const stopMsMax = 60_000;
const pollMs = 100;
const pageSize = 500;

export function daemonPort(options: DaemonPortOptions): DaemonPort {
  const { parts, config, ledger, overview, startedAt, onEndAsked, graceMs } = options;
  const { engine, scheduler, composition, workflows, journal } = parts;

  const runningRuns = async (): Promise<readonly string[]> =>
    (await openRuns(journal)).filter(({ header }) => runStateOf(header) === "RUNNING").map(({ id }) => id);

  return {
    version: () => ({ version: packageVersion(), name: engine.state.definition.name, startedAt }),
    readiness: () => readinessOf(engine, { stats: scheduler.stats(), load: composition.runtime.load() }),
    overview: () => overview.read(),
    spend: ({ bucket, since, until }) => composition.stores.readSpend({ window: bucket, since, until }),
    callSpend: (range) => composition.stores.readCallSpend(range),
    budgets: () => budgetLevels(config, ledger, systemClock.now()),
    holds: () => openHolds(config, ledger),
    pricing: () => ({ unpriced: config.unpriced }),
    drain: async () => {
      const [{ running: jobs }, runs] = await Promise.all([scheduler.stats(), runningRuns()]);
      onEndAsked();
      return { jobs, runs: runs.length, deadline: systemClock.now() + graceMs };
    },
    stopAll: async (reason) => {
      const at = systemClock.now();
      const stopped = new Set<string>();
      for await (const { job } of jobsIn(parts, ["running"])) stopped.add(job.id);
      const triggers = [...engine.state.triggers.values()].filter(({ pause }) => pause === null);
      for (const { id } of triggers)
        if (engine.state.definition.triggers.has(id)) await engine.pause(id, reason);
      for (const { id } of engine.state.open.values()) await engine.cancel(id, reason).catch(() => {});
      const runs = await runningRuns();
      await Promise.allSettled(runs.map((run) => workflows.cancel(run, reason)));
      // The jobs of a run may have ended with it by now; each was stopped all the same.
      const { queued, running } = await cancelJobs(parts, reason);
      for (const id of running) stopped.add(id);
      const deadline = systemClock.now() + stopMsMax;
      while (systemClock.now() < deadline && (await scheduler.stats()).running > 0)
        await sleep(systemClock, pollMs);
      const jobs = await Promise.all([...stopped].map((id) => endOf(parts, id)));
      const survivors = leftProcesses(composition.state.containment);
      const stillRunning = (await scheduler.stats()).running;
      return {
        at,
        reason,
        durationMs: systemClock.now() - at,
        triggers: triggers.map(({ id }) => id),
        runs: [...runs],
        queued,
        jobs,
        survivors: [...survivors],
        isEmpty: stillRunning === 0 && survivors.length === 0,
      };
    },
  };
}

/** Cancels every job that waits or runs. */
async function cancelJobs(parts: DaemonParts, reason: string) {
  const running: string[] = [];
  let queued = 0;
  for await (const { job, state } of jobsIn(parts, ["queued", "running"])) {
    await (await parts.scheduler.attach(job.id)).cancel({ reason });
    if (state.kind === "running") running.push(job.id);
    else queued += 1;
  }
  return { running, queued };
}

async function* jobsIn({ composition }: DaemonParts, states: readonly ("queued" | "running")[]) {
  for (let before: string | undefined; ;) {
    const query = { states, limit: pageSize, ...(before === undefined ? {} : { before }) };
    const { jobs } = await composition.store.list(query);
    yield* jobs;
    if (jobs.length < pageSize) return;
    before = jobs.at(-1)?.job.id;
  }
}

async function endOf({ composition }: DaemonParts, id: string) {
  const result = (await composition.store.get(id))?.result ?? null;
  const containment: ContainmentReceipt | null = result?.containment ?? null;
  return { id, outcome: result?.outcome ?? null, containment };
}
