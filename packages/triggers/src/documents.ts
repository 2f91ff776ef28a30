/** Triggers, events and firings as documents. Public interface; the schemas are in the contract. */
import type {
  FiringDocument,
  TriggerDetailsDocument,
  TriggerDocument,
  TriggerEventDocument,
} from "@agentcore/contract";
import { spentAt } from "./decide/budget.ts";
import type { WaitReason } from "./decide/waiting.ts";
import type { EventSource, TriggerDefinition } from "./definition.ts";
import { waitingKinds, type FiringState } from "./firing.ts";
import type { TriggerState } from "./trigger-state.ts";
import type { FiringCount, StoredEvent, StoredFiring } from "./trigger-store.ts";

export interface TriggerView {
  readonly definition: TriggerDefinition;
  readonly source: EventSource["type"];
  readonly state: TriggerState;
  /** Next slot of a schedule. */
  readonly nextFireAt: number | null;
  /** That one and those after it. */
  readonly nextFires: readonly number[];
  /** In ms since the epoch. */
  readonly now: number;
  /** Of this trigger. */
  readonly counts: readonly FiringCount[];
}

export const triggerDocument = (view: TriggerView): TriggerDocument => ({
  type: "trigger",
  ...triggerFields(view),
});

export function triggerDetailsDocument(view: TriggerView): TriggerDetailsDocument {
  const { definition, counts } = view;
  const { overlap, debounceMs, cooldownMs, jitterMs, maxQueue, onFailure, maxRetries } = definition;
  const { maxRuns, maxChainDepth, startAt, endAt } = definition;
  const skipped = counts.flatMap(({ reason, count }) => (reason === null ? [] : [[reason, count] as const]));
  return {
    type: "trigger_details",
    ...triggerFields(view),
    overlap,
    debounceMs,
    cooldownMs,
    jitterMs,
    maxQueue,
    onFailure,
    maxRetries,
    maxRuns,
    maxChainDepth,
    startAt,
    endAt,
    nextFires: view.nextFires.map((at) => ({ at })),
    skipped: Object.fromEntries(skipped),
  };
}

function triggerFields(view: TriggerView): Omit<TriggerDocument, "type"> {
  const { definition, source, state, nextFireAt, counts } = view;
  const { pause, lastResult } = state;
  const spent = state.spent === null ? null : spentAt(definition.budget?.per ?? "day", state.spent, view.now);
  const countOf = (...kinds: readonly FiringCount["kind"][]): number =>
    counts.filter(({ kind }) => kinds.includes(kind)).reduce((sum, { count }) => sum + count, 0);
  return {
    id: definition.id,
    on: definition.on,
    source,
    workflow: definition.workflow,
    state: definition.enabled ? (pause === null ? "active" : "paused") : "disabled",
    pausedAt: pause?.at ?? null,
    pausedBy: pause?.by ?? null,
    pauseNote: pause?.note ?? null,
    nextFireAt,
    cooldownEndsAt: state.cooldownUntil === 0 ? null : state.cooldownUntil,
    waiting: countOf(...waitingKinds),
    running: countOf("running"),
    runs: state.runs,
    failuresInARow: state.failuresInARow,
    lastRun: lastResult?.run ?? null,
    lastOutcome: lastResult?.status ?? null,
    lastEndedAt: lastResult?.endedAt ?? null,
    lastCostUsd: lastResult?.costUsd ?? null,
    spentUsd: spent?.costUsd ?? null,
    spentTokens: spent?.tokens ?? null,
    budget: definition.budget,
  };
}

export function triggerEventDocument({ sequence, event, isRouted }: StoredEvent): TriggerEventDocument {
  const { id, source, at, key, payload, chain, onlyTrigger, replayOf, skipped } = event;
  return {
    type: "trigger_event",
    id,
    sequence,
    source,
    at,
    key,
    payload,
    chain: chain.map(({ daemon, trigger, run }) => ({ daemon, trigger, run })),
    onlyTrigger,
    replayOf,
    code: skipped?.code ?? null,
    reason: skipped?.text ?? null,
    routed: isRouted,
  };
}

/** `wait`: why it waits, if it does. */
export function firingDocument({ sequence, firing }: StoredFiring, wait: WaitReason | null): FiringDocument {
  const { id, trigger, event, at, key, state } = firing;
  const fields = { type: "firing" as const, id, sequence, trigger, event, at, key };
  return { ...fields, state: state.kind, ...unknown, ...stateFields(state, wait) };
}

type StateFields = Omit<
  FiringDocument,
  "type" | "id" | "sequence" | "trigger" | "event" | "at" | "key" | "state"
>;

const unknown: StateFields = {
  attempt: null,
  notBefore: null,
  run: null,
  startedAt: null,
  endedAt: null,
  outcome: null,
  code: null,
  reason: null,
  costUsd: null,
  tokens: null,
};

function stateFields(state: FiringState, wait: WaitReason | null): Partial<StateFields> {
  switch (state.kind) {
    case "waiting":
      return {
        attempt: state.attempt,
        notBefore: wait?.until ?? state.notBefore,
        code: wait?.code ?? null,
        reason: wait?.text ?? null,
      };
    case "evaluating":
      return { attempt: state.attempt, startedAt: state.startedAt };
    case "running": {
      const { attempt, run, startedAt, cancel } = state;
      return { attempt, run, startedAt, reason: cancel };
    }
    case "analyzing": {
      const { attempt, run, startedAt, message, costUsd, tokens } = state;
      return { attempt, run, startedAt, outcome: "SUCCEEDED", reason: message, costUsd, tokens };
    }
    case "ended": {
      const { attempt, run, startedAt, endedAt, outcome, message, costUsd, tokens } = state;
      return { attempt, run, startedAt, endedAt, outcome, reason: message, costUsd, tokens };
    }
    case "skipped":
      return { endedAt: state.endedAt, code: state.reason.code, reason: state.reason.text };
  }
}
