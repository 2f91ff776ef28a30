/** The end of a run: the firing ends with it, or is tried again. */
import { backOffMs, type BackOff } from "@agentcore/contract";
import type { TriggerDefinition } from "../definition.ts";
import type { Firing, FiringState } from "../firing.ts";
import type { Pause } from "../trigger-state.ts";
import { charged } from "./budget.ts";
import type { Draft } from "./draft.ts";
import type { MachineInput } from "./machine.ts";
import { isRetrying } from "./waiting.ts";

type RunEnded = Extract<MachineInput, { type: "run_ended" }>;
type Running = Extract<FiringState, { kind: "running" }>;

/** Before a failed run is tried again: 5 s, doubled with each further attempt, at most 5 minutes. */
export const retryDelay: BackOff = { minMs: 5_000, maxMs: 300_000 };
/** Of the message of a failed run, this much is in the note of a pause. */
const noteMax = 500;

export function onRunEnded(draft: Draft, end: RunEnded): void {
  const firing = draft.state.open.get(end.firing);
  if (firing?.state.kind !== "running") return;
  const { state } = firing;
  const isFailure = end.outcome === "FAILED" && state.cancel === null;
  const trigger = draft.definitionOf(firing);
  record(draft, firing, state, end, isFailure);
  if (isFailure && trigger?.onFailure === "pause_trigger") pauseAfterFailures(draft, trigger, end);
  const notBefore = draft.facts.now + backOffMs(state.attempt, retryDelay);
  if (isFailure && trigger !== undefined && mayRetry(draft, trigger, state.attempt, notBefore)) {
    draft.put({ ...firing, state: { kind: "waiting", notBefore, attempt: state.attempt + 1 } });
    return;
  }
  finish(draft, firing, state, end, trigger);
}

function record(draft: Draft, firing: Firing, state: Running, end: RunEnded, isFailure: boolean): void {
  const { now } = draft.facts;
  const { failuresInARow, spent } = draft.triggerState(firing.trigger);
  const { outcome, costUsd, tokens } = end;
  draft.changeTrigger(firing.trigger, {
    failuresInARow: outcome === "SUCCEEDED" ? 0 : failuresInARow + (isFailure ? 1 : 0),
    spent: charged(spent, { costUsd: costUsd ?? 0, tokens: tokens ?? 0 }, now),
    lastResult: {
      run: state.run,
      event: firing.event,
      status: outcome,
      startedAt: state.startedAt,
      endedAt: now,
      costUsd,
    },
  });
}

function pauseAfterFailures(
  draft: Draft,
  { id, maxRetries }: TriggerDefinition,
  { message }: RunEnded,
): void {
  const { failuresInARow, pause } = draft.triggerState(id);
  if (pause !== null || failuresInARow < Math.max(1, maxRetries)) return;
  const last = message === null ? "" : `; the last: ${message.slice(0, noteMax)}`;
  const note = `runs failed in a row: ${failuresInARow}${last}`;
  const paused: Pause = { at: draft.facts.now, by: "failures", note };
  draft.changeTrigger(id, { pause: paused });
}

/** Runs that wait to be tried again are bounded as events that wait are. */
function mayRetry(
  draft: Draft,
  { id, onFailure, maxRetries, maxQueue, enabled, endAt }: TriggerDefinition,
  attempt: number,
  notBefore: number,
): boolean {
  if (onFailure !== "retry" || !enabled || attempt > maxRetries) return false;
  if (notBefore >= (endAt ?? Infinity)) return false;
  return draft.openOf(id).filter(isRetrying).length < Math.max(1, maxQueue);
}

function finish(
  draft: Draft,
  firing: Firing,
  { run, startedAt, attempt }: Running,
  { outcome, message, costUsd, tokens }: RunEnded,
  trigger: TriggerDefinition | undefined,
): void {
  const endedAt = draft.facts.now;
  const facts = { run, message, startedAt, attempt, costUsd, tokens };
  if (trigger !== undefined) draft.changeTrigger(trigger.id, { cooldownUntil: endedAt + trigger.cooldownMs });
  if (outcome !== "SUCCEEDED" || (trigger?.analyze ?? null) === null) {
    draft.put({ ...firing, state: { kind: "ended", ...facts, outcome, endedAt } });
    return;
  }
  const analyzing: Firing = { ...firing, state: { kind: "analyzing", ...facts } };
  draft.put(analyzing);
  draft.effect({ type: "analyze", firing: analyzing });
}

export function onAnalyzed(draft: Draft, id: string): void {
  const firing = draft.state.open.get(id);
  if (firing?.state.kind !== "analyzing") return;
  const endedAt = draft.facts.now;
  draft.put({ ...firing, state: { ...firing.state, kind: "ended", outcome: "SUCCEEDED", endedAt } });
}
