/**
 * What a crash test concludes, as a pure function of what was gathered: the submitter's log, the workers' ledger, the
 * recorded costs, and who is still alive. Every finding names its job.
 *
 * The rule for costs: an attempt whose end was reported is recorded at exactly what its worker spent. An attempt that died
 * unseen is recorded at the most it was granted, flagged `estimated`, which is at least what its worker spent.
 */
import type { TrueAttempt, TrueJob } from "./truth-ledger.ts";

export interface RecordedAttempt {
  readonly attempt: number;
  readonly costUsd: number | null;
  readonly costBasis: string;
}

export interface RecordedJob {
  readonly id: string;
  /** `succeeded`, `dead` or `cancelled` where it ended. */
  readonly state: string;
  readonly spentUsd: number;
  readonly attempts: readonly RecordedAttempt[];
}

export interface Gathered {
  /** Jobs that the submitter was promised. */
  readonly acknowledgedIds: readonly string[];
  readonly jobs: ReadonlyMap<string, RecordedJob>;
  readonly truth: ReadonlyMap<string, TrueJob>;
  readonly maxAttempts: ReadonlyMap<string, number>;
  /** What callers that waited were told. */
  readonly answers: readonly { readonly jobId: string; readonly state: string }[];
  /** Ends that schedulers announced, one entry for each time. */
  readonly announcedEnds: readonly string[];
  /** In the durable book of costs: of all jobs together, and what is still held. */
  readonly bookedUsd: number;
  readonly heldUsd: number;
  readonly survivors: readonly string[];
}

export interface Verdict {
  readonly lost: readonly string[];
  readonly duplicated: readonly string[];
  readonly unaccounted: readonly string[];
  readonly unaccountedUsd: number;
  readonly survivors: readonly string[];
}

export function judge(gathered: Gathered): Verdict {
  const costs = [...gathered.truth].flatMap(([id, truth]) => costFindings(gathered.jobs.get(id), id, truth));
  const booked = bookFindings(gathered);
  return {
    lost: lostFindings(gathered),
    duplicated: duplicateFindings(gathered),
    unaccounted: [...costs, ...booked].map(({ what }) => what),
    unaccountedUsd: [...costs, ...booked].reduce((sum, { usd }) => sum + usd, 0),
    survivors: gathered.survivors,
  };
}

export function isClean(verdict: Verdict): boolean {
  const { lost, duplicated, unaccounted, survivors } = verdict;
  return lost.length + duplicated.length + unaccounted.length + survivors.length === 0;
}

const ends: readonly string[] = ["succeeded", "dead", "cancelled"];

function lostFindings({ acknowledgedIds, jobs, answers }: Gathered): string[] {
  const unfinished = [...new Set(acknowledgedIds)].flatMap((id) => {
    const state = jobs.get(id)?.state;
    if (state === undefined) return [`${id} was acknowledged and is not there`];
    return ends.includes(state) ? [] : [`${id} was acknowledged and is ${state}`];
  });
  const told = answers.flatMap(({ jobId, state }) =>
    jobs.get(jobId)?.state === state ? [] : [`a caller was told ${state} of ${jobId}, which is not so`],
  );
  return [...unfinished, ...told];
}

function duplicateFindings(gathered: Gathered): string[] {
  const { truth, maxAttempts, announcedEnds, acknowledgedIds } = gathered;
  const acknowledged = new Set(acknowledgedIds);
  const ran = [...truth].flatMap(([id, { attempts, overlaps }]) => {
    const most = maxAttempts.get(id) ?? 0;
    return [
      ...(overlaps > 0 ? [`${id} was run beside itself ${overlaps} times`] : []),
      ...(attempts.length > most ? [`${id} was run ${attempts.length} times of ${most}`] : []),
      ...(attempts.length > 0 && !acknowledged.has(id) ? [`${id} was run and never acknowledged`] : []),
      ...overlapping(attempts).map(
        (attempt) => `${id} began attempt ${attempt} before the one before was over`,
      ),
      ...repeated(attempts).map((attempt) => `${id} ran attempt ${attempt} twice`),
    ];
  });
  const twice = announcedEnds.filter((id, index) => announcedEnds.indexOf(id) !== index);
  return [...ran, ...twice.map((id) => `the end of ${id} was announced twice`)];
}

function overlapping(attempts: readonly TrueAttempt[]): number[] {
  return attempts
    .filter(({ startedAt }, index) => startedAt < (attempts[index - 1]?.lastSeenAt ?? -Infinity))
    .map(({ attempt }) => attempt);
}

function repeated(attempts: readonly TrueAttempt[]): number[] {
  const numbers = attempts.map(({ attempt }) => attempt);
  return numbers.filter((number, index) => numbers.indexOf(number) !== index);
}

interface CostFinding {
  readonly what: string;
  readonly usd: number;
}

/** Amounts are kept in whole micro-dollars, so half of one is no difference. */
const tolerance = 5e-7;

function costFindings(recorded: RecordedJob | undefined, id: string, truth: TrueJob): CostFinding[] {
  const all = truth.attempts.flatMap(({ attempt, costUsd }): CostFinding[] => {
    const record = recorded?.attempts.find((one) => one.attempt === attempt);
    const known = record?.costUsd ?? 0;
    const exact = record?.costBasis !== "estimated";
    const off = exact ? Math.abs(known - costUsd) : Math.max(0, costUsd - known);
    if (off <= tolerance) return [];
    return [{ what: `${id} attempt ${attempt}: spent ${costUsd}, recorded ${known}`, usd: off }];
  });
  const sum = recorded?.attempts.reduce((total, { costUsd }) => total + (costUsd ?? 0), 0) ?? 0;
  const off = Math.abs(sum - (recorded?.spentUsd ?? 0));
  const ofJob = { what: `${id}: its attempts cost ${sum}, it counts ${recorded?.spentUsd}`, usd: off };
  return off <= tolerance ? all : [...all, ofJob];
}

function bookFindings({ truth, bookedUsd, heldUsd }: Gathered): CostFinding[] {
  const spent = [...truth.values()]
    .flatMap(({ attempts }) => attempts)
    .reduce((sum, { costUsd }) => sum + costUsd, 0);
  const short = Math.max(0, spent - bookedUsd);
  return [
    ...(short > tolerance ? [{ what: `${bookedUsd} are booked, ${spent} were spent`, usd: short }] : []),
    ...(heldUsd > tolerance ? [{ what: `${heldUsd} are still held`, usd: heldUsd }] : []),
  ];
}
