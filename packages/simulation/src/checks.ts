/**
 * What must hold, judged from outside: by the submitter's log, the workers' own ledger, and the final answers about jobs.
 * Nothing here uses the code under test to decide whether it is right.
 */
import type { JobRecord } from "@agentcore/scheduler";
import type { Plan } from "./plan.ts";
import type { Submitter } from "./submitter.ts";
import type { TruthLine } from "./truth.ts";
import type { World } from "./world.ts";

const ended = new Set(["succeeded", "dead", "cancelled"]);
/** Rounding of sums of dollars. */
const epsilonUsd = 1e-6;

/** Watches every commit: an end is never followed by anything else. */
export class EndsWatch {
  readonly faults: string[] = [];
  readonly #ends = new Map<string, string>();

  see(record: JobRecord): void {
    const { id } = record.job;
    const state = record.state.kind;
    const before = this.#ends.get(id);
    if (before !== undefined && before !== state) this.faults.push(`${id} was ${before} and became ${state}`);
    if (ended.has(state)) this.#ends.set(id, state);
  }
}

/** Empty where everything is as it must be. */
export async function checkWorld(world: World, submitter: Submitter): Promise<string[]> {
  const faults: string[] = [];
  const jobIds = new Set(submitter.acknowledged.map(({ jobId }) => jobId));
  for (const jobId of jobIds) {
    const record = await world.store.get(jobId);
    if (record === undefined) faults.push(`${jobId} was acknowledged and is gone`);
    else faults.push(...checkJob(record, world.truth.of(jobId), submitter, world.plan));
  }
  for (const line of world.truth.lines) {
    if (line.endedAtMs === null) faults.push(`attempt ${line.attempt} of ${line.jobId} still runs`);
    if ((await world.store.get(line.jobId)) === undefined)
      faults.push(`${line.jobId} ran and was never submitted`);
  }
  faults.push(...overlaps(world.truth.lines, (line) => line.jobId, "job"));
  faults.push(...overlaps(world.truth.lines, (line) => line.workspace, "workspace"));
  faults.push(...(await checkKeys(world)));
  faults.push(...(await checkRest(world)));
  return faults;
}

function checkJob(
  record: JobRecord,
  lines: readonly TruthLine[],
  submitter: Submitter,
  { machines }: Plan,
): string[] {
  const { id, limits } = record.job;
  const faults: string[] = [];
  if (!ended.has(record.state.kind)) faults.push(`${id} has not ended, it is ${record.state.kind}`);
  if (lines.length > limits.maxAttempts)
    faults.push(`${id} ran ${lines.length} of ${limits.maxAttempts} times`);
  if (new Set(lines.map(({ attempt }) => attempt)).size < lines.length)
    faults.push(`an attempt of ${id} ran twice`);
  if (record.state.kind === "succeeded" && !lines.some(({ succeeded }) => succeeded)) {
    faults.push(`${id} is said to have succeeded, and no attempt did`);
  }
  faults.push(...checkCost(record, lines));
  // A result in the spool of a machine that is gone is there only when that machine comes back.
  if (machines === null) faults.push(...checkPaidOnce(record, lines));
  for (const end of submitter.answers.get(id) ?? []) {
    if (end.state !== record.state.kind)
      faults.push(`somebody was told that ${id} is ${end.state}; it is ${record.state.kind}`);
    if (end.attempts !== record.attempt)
      faults.push(`somebody was told of ${end.attempts} attempts of ${id}`);
  }
  return faults;
}

/** Where a job has a ceiling, at least what was spent is on record, and no more than the ceiling was spent. */
function checkCost(record: JobRecord, lines: readonly TruthLine[]): string[] {
  const { id, limits } = record.job;
  if (limits.maxCostUsd === undefined) return [];
  const trueUsd = lines.reduce((sum, { costUsd }) => sum + costUsd, 0);
  const faults: string[] = [];
  if (trueUsd > limits.maxCostUsd + epsilonUsd)
    faults.push(`${id} spent ${trueUsd} of ${limits.maxCostUsd} dollars`);
  if (record.spent.costUsd + epsilonUsd < trueUsd) {
    faults.push(`${id} spent ${trueUsd} dollars, and ${record.spent.costUsd} are on record`);
  }
  return faults;
}

/** Work that finished, and whose result was kept for the next scheduler, is not done again. */
function checkPaidOnce(record: JobRecord, lines: readonly TruthLine[]): string[] {
  const spooled = lines.find((line) => line.spooled);
  const after =
    spooled && lines.find((line) => line.startedAtMs >= (spooled.endedAtMs ?? Infinity) && line !== spooled);
  if (spooled === undefined || after === undefined) return [];
  // It came too late where its attempt had been given up before it finished.
  const givenUpBefore = record.attempt > spooled.attempt && after.startedAtMs - (spooled.endedAtMs ?? 0) < 1;
  return givenUpBefore
    ? []
    : [`attempt ${spooled.attempt} of ${record.job.id} had finished, and ${after.attempt} ran`];
}

/** No two lines of one group at the same time. */
function overlaps(lines: readonly TruthLine[], groupOf: (line: TruthLine) => string, what: string): string[] {
  const faults: string[] = [];
  const last = new Map<string, TruthLine>();
  for (const line of [...lines].sort((a, b) => a.startedAtMs - b.startedAtMs)) {
    const group = groupOf(line);
    const before = last.get(group);
    if (before !== undefined && (before.endedAtMs ?? Infinity) > line.startedAtMs) {
      faults.push(
        `${what} ${group}: attempt ${line.attempt} of ${line.jobId} (${line.process}) began at ${line.startedAtMs} while ` +
          `attempt ${before.attempt} of ${before.jobId} (${before.process}) ran until ${before.endedAtMs}`,
      );
    }
    last.set(group, line);
  }
  return faults;
}

/** At most one job of a key runs at a time. */
async function checkKeys(world: World): Promise<string[]> {
  const keys = new Map<string, string>();
  for (const { jobId } of world.truth.lines) {
    const key = (await world.store.get(jobId))?.job.key;
    if (key !== undefined) keys.set(jobId, key);
  }
  const keyed = world.truth.lines.filter(({ jobId }) => keys.has(jobId));
  return overlaps(keyed, ({ jobId }) => keys.get(jobId)!, "key");
}

/** Nothing is held when nothing runs. */
async function checkRest(world: World): Promise<string[]> {
  const { ready, delayed, running } = await world.store.stats(world.clock.now());
  const faults: string[] = [];
  if (ready + delayed + running > 0)
    faults.push(`${ready} ready, ${delayed} delayed, ${running} running at the end`);
  const holds = await world.ledger.openHolds();
  const alive = holds.filter((hold) => world.isAlive(hold.owner.pid));
  if (alive.length > 0) faults.push(`${alive.length} holds of live owners at the end`);
  for (const { name, scheduler } of world.alive.values()) {
    if (scheduler !== null && scheduler.unrecovered > 0)
      faults.push(`${name} has attempts that are not proved gone`);
  }
  if (world.spooled.length > 0) faults.push(`${world.spooled.length} results are still in the spool`);
  return faults;
}
