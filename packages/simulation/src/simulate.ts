/** One run from a seed: lets the plan happen, heals everything, demands that all comes to an end, and judges. */
import { createHash } from "node:crypto";
import { checkWorld, EndsWatch } from "./checks.ts";
import { planOf, type Plan, type PlannedFault } from "./plan.ts";
import { Submitter } from "./submitter.ts";
import { memoryStores, type Stores } from "./stores.ts";
import { World, type WorldOptions } from "./world.ts";

export interface SimulationReport {
  readonly seed: number;
  readonly jobs: number;
  readonly attempts: number;
  readonly kills: number;
  /** Time that passed on the virtual clock until everything had ended. */
  readonly virtualMs: number;
  /** Of everything that happened, in order: the same seed gives the same. */
  readonly digest: string;
  /** Empty where the run was as it must be. */
  readonly faults: readonly string[];
}

/** Longest time that everything may take to end once nothing fails any more; clocks of machines may be two hours apart. */
const convergenceMs = 3 * 3_600_000;

/** `trace` hears of every event and every fault as it happens. */
export type Trace = (atMs: number, who: string, what: object) => void;

export async function simulate(
  seed: number,
  trace: Trace = () => {},
  { plan = planOf(seed), stores = memoryStores(), ...options }: { readonly plan?: Plan } & WorldOptions = {},
): Promise<SimulationReport> {
  const world = new World(plan, trace, { ...options, stores });
  const submitter = new Submitter(world);
  const watch = new EndsWatch();
  const unhandled: string[] = [];
  const onUnhandled = (reason: unknown): void =>
    void unhandled.push(`unhandled rejection: ${describe(reason)}`);
  process.on("unhandledRejection", onUnhandled);
  try {
    schedule(plan, world, submitter);
    const converged = await run(world, submitter, watch, stores);
    const faults = [...unhandled, ...watch.faults, ...(await checkWorld(world, submitter))];
    if (!converged) faults.unshift(`did not come to an end within ${convergenceMs} ms after the last fault`);
    return {
      seed,
      jobs: submitter.acknowledged.length,
      attempts: world.truth.lines.length,
      kills: plan.faults.filter(({ kind }) => kind === "kill").length,
      virtualMs: world.clock.monotonicMs(),
      digest: digestOf(world),
      faults,
    };
  } finally {
    process.off("unhandledRejection", onUnhandled);
    for (const { severable } of world.alive.values()) severable.sever();
  }
}

function schedule(plan: Plan, world: World, submitter: Submitter): void {
  const { clock } = world;
  for (let slot = 0; slot < plan.processes; slot += 1) world.boot(slot);
  for (const planned of plan.jobs) {
    clock.setTimer(planned.atMs, () => submitter.submit(planned));
    if (planned.cancelAtMs !== null)
      clock.setTimer(planned.cancelAtMs, () => submitter.cancel(planned.job.id));
  }
  for (const fault of plan.faults) clock.setTimer(fault.atMs, () => inject(fault, world));
  clock.setTimer(plan.healMs, () => heal(world));
}

function inject(fault: PlannedFault, world: World): void {
  world.trace(world.clock.monotonicMs(), "fault", fault);
  switch (fault.kind) {
    case "kill":
      return world.kill(fault.process, fault.downMs);
    case "stop":
      return world.stop(fault.process, fault.stoppedMs);
    case "store":
      world.failing = { share: fault.share, effect: fault.effect };
      world.clock.setTimer(fault.forMs, () => (world.failing = null));
      return undefined;
    case "partition":
      return world.cutOff(fault.process, fault.how, fault.forMs);
    case "clock":
      return world.clock.setWall(world.clock.now() + fault.byMs);
  }
}

function heal(world: World): void {
  world.failing = null;
  world.heal();
  for (const { severable } of world.alive.values()) severable.resume();
}

/** Whether everything came to an end in time. */
async function run(world: World, submitter: Submitter, watch: EndsWatch, stores: Stores): Promise<boolean> {
  const { plan, clock, store } = world;
  let changed = true;
  stores.onChange(() => (changed = true));
  for (;;) {
    if (changed) {
      changed = false;
      for (const { job } of plan.jobs) {
        const record = await store.get(job.id);
        if (record !== undefined) watch.see(record);
      }
    }
    const nowMs = clock.monotonicMs();
    if (nowMs >= plan.healMs && (await isAtRest(world, submitter))) return true;
    if (nowMs > plan.healMs + convergenceMs) return false;
    if (!(await clock.next())) return false;
  }
}

async function isAtRest(world: World, submitter: Submitter): Promise<boolean> {
  if (!submitter.isDone || world.spooled.length > 0) return false;
  if (world.truth.lines.some(({ endedAtMs }) => endedAtMs === null)) return false;
  const { ready, delayed, running } = await world.store.stats(world.clock.now());
  return ready + delayed + running === 0;
}

function digestOf(world: World): string {
  const hash = createHash("sha256");
  for (const { atMs, process, event } of world.events)
    hash.update(`${atMs} ${process} ${JSON.stringify(event)}\n`);
  for (const line of world.truth.lines) hash.update(`${JSON.stringify(line)}\n`);
  return hash.digest("hex");
}

function describe(reason: unknown): string {
  return reason instanceof Error ? `${reason.message}\n${reason.stack ?? ""}` : String(reason);
}
