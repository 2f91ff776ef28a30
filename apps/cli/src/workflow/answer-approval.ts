/** Answers the approval that a step of a run waits for: for the command line and for the library. */
import { AgentCoreError, systemClock } from "@agentcore/contract";
import type { Journal } from "@agentcore/scheduler";
import {
  noSuchStep,
  readStepsWithin,
  requestAnswer,
  waitingApprovals,
  type AnswerRequest,
  type StoredRun,
  type WaitingApproval,
} from "@agentcore/workflow";
import { userInfo } from "node:os";
import { liveOwner } from "./run-owner.ts";
import { findStored, outcomeOf, sameWorkflow } from "./stored-run.ts";

type Place = Parameters<typeof sameWorkflow>[1];

export interface Answer {
  readonly decision: "approved" | "rejected";
  /** An id, or the beginning of one. */
  readonly run: string;
  /** Path of the step. Default: the only one that waits. */
  readonly step: string | undefined;
  /** Default: the operating-system user. */
  readonly by?: string | undefined;
  readonly message: string;
}

export interface GivenAnswer {
  readonly id: string;
  readonly step: string;
  readonly by: string;
  /** False if no process works on the run; the answer then counts once the run is resumed. */
  readonly isApplied: boolean;
}

/** Resolves once the answer is durable. */
export async function answerWait(journal: Journal, answer: Answer, place: Place): Promise<GivenAnswer> {
  const { decision, run, step, message } = answer;
  const found = await findStored(journal, run);
  const { id, stored } = found;
  const outcome = outcomeOf(found);
  if (outcome !== null) {
    const problem = `run ${id} has already ended (${outcome}); nothing of it waits for an approval`;
    throw new AgentCoreError("AC_WORKFLOW_ENDED", problem, { evidence: { run: id } });
  }
  const wait = await chosenWait(journal, { id, stored, step }, place);
  const by = answer.by ?? userName();
  const at = systemClock.now();
  requireAllowed(wait, by);
  await requestAnswer(journal, id, { waitId: wait.waitId, decision, by, message, at }, (before) =>
    requireOpen(before, id, wait, at),
  );
  return { id, step: wait.step, by, isApplied: liveOwner(stored.header["owner"] ?? null) !== null };
}

interface Choice {
  readonly id: string;
  readonly stored: StoredRun;
  readonly step: string | undefined;
}

async function chosenWait(
  journal: Journal,
  { id, stored, step }: Choice,
  place: Place,
): Promise<WaitingApproval> {
  const waiting = await waitingApprovals(journal, stored);
  const evidence = { run: id, ...(step === undefined ? {} : { step }) };
  const names = waiting.map((wait) => wait.step).join(", ");
  if (step === undefined) {
    const [only, ...others] = waiting;
    if (only === undefined) {
      const message = `no step of run ${id} waits for an approval`;
      throw new AgentCoreError("AC_WORKFLOW_NOT_WAITING", message, { evidence });
    }
    if (others.length === 0) return only;
    const message = `${waiting.length} steps of run ${id} wait for an approval; name one of ${names}`;
    throw new AgentCoreError("AC_USAGE", message, { evidence });
  }
  const found = waiting.find((wait) => wait.step === step);
  if (found !== undefined) return found;
  const statuses = await statusesOf(journal, stored, place);
  const status = statuses?.get(step);
  const waits = names === "" ? "no step does" : `these do: ${names}`;
  if (statuses !== null && status === undefined) {
    throw noSuchStep(`run ${id}`, step, statuses.keys(), { run: id });
  }
  const is = status === undefined ? "" : ` (it is ${status})`;
  const message = `step "${step}" of run ${id} does not wait for an approval${is}; ${waits}`;
  throw new AgentCoreError("AC_WORKFLOW_NOT_WAITING", message, { evidence });
}

/** By the path of each step; null if the file has changed since the run started. */
async function statusesOf(
  journal: Journal,
  stored: StoredRun,
  place: Place,
): Promise<ReadonlyMap<string, string> | null> {
  const workflow = await sameWorkflow(stored, place);
  if (workflow === null) return null;
  const within = await readStepsWithin(journal, stored, workflow);
  return new Map(within.map(({ key, report }) => [key, report.status]));
}

function requireAllowed({ step, who }: WaitingApproval, by: string): void {
  if (who.length === 0 || who.includes(by)) return;
  const message = `user ${by} may not answer for step "${step}"; it asks ${who.join(", ")}`;
  throw new AgentCoreError("AC_WORKFLOW_NOT_ALLOWED", message, { evidence: { step, by } });
}

/** Throws if somebody was faster, or if the time has passed. */
function requireOpen(given: readonly AnswerRequest[], run: string, wait: WaitingApproval, at: number): void {
  const { step, waitId, who, expiresAt } = wait;
  const evidence = { run, step };
  const before = given.find(
    (answer) => answer.waitId === waitId && (who.length === 0 || who.includes(answer.by)),
  );
  if (before !== undefined) {
    const message = `step "${step}" was already ${before.decision} by ${before.by}`;
    throw new AgentCoreError("AC_WORKFLOW_NOT_WAITING", message, { evidence });
  }
  if (expiresAt === null || at <= expiresAt) return;
  const message = `the time to answer for step "${step}" ended at ${new Date(expiresAt).toISOString()}`;
  throw new AgentCoreError("AC_WORKFLOW_NOT_WAITING", message, { evidence });
}

/** A user without a name, as in some containers, is known by the number. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown");
  }
}
