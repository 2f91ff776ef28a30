/** States of triggers and sources as stores on tables keep them, and changes with their texts. */
import { jsonOr } from "@agentcore/contract";
import type { BudgetWindow } from "../definition.ts";
import type { Firing, FiringState } from "../firing.ts";
import type { Json } from "../trigger-event.ts";
import type { TriggerState } from "../trigger-state.ts";
import type { TriggerChange } from "../trigger-store.ts";
import { hasFields, isNumber, isText, orNull, type Check, type Row } from "./shape.ts";

/** A change with its texts, which are made before the transaction. */
export interface PreparedChange {
  readonly routed: readonly string[];
  readonly firings: readonly { readonly firing: Firing; readonly text: string }[];
  readonly triggers: readonly { readonly id: string; readonly text: string }[];
}

export const prepareChange = ({
  routed = [],
  firings = [],
  triggers = [],
}: TriggerChange): PreparedChange => ({
  routed: [...routed],
  firings: firings.map((firing) => ({ firing, text: JSON.stringify(firing.state) })),
  triggers: triggers.map((state) => ({ id: state.id, text: JSON.stringify(state) })),
});

/** Why it was skipped. */
export const reasonCodeOf = (state: FiringState): string | null =>
  state.kind === "skipped" ? state.reason.code : null;

/** A source whose state cannot be read begins as a new one. */
export function storedSources(rows: readonly Row[]): Readonly<Record<string, Json>> {
  const states = rows.flatMap((row) => {
    const state = jsonOr(row["state_json"], undefined) as Json | undefined;
    return state === undefined ? [] : [[String(row["source"]), state] as const];
  });
  return Object.fromEntries(states);
}

const pauseFields = { at: isNumber, by: isText, note: isText };
const resultFields = { run: isText, event: isText, status: isText, startedAt: isNumber, endedAt: isNumber };
const isSpent: Check = (value) => hasFields(value, { since: isNumber, costUsd: isNumber, tokens: isNumber });
const spentFields = { hour: isSpent, day: isSpent, month: isSpent } satisfies Record<BudgetWindow, Check>;

// Every field is named, so that a state of another shape does not go out of step with its check.
const triggerFields = {
  id: isText,
  pause: orNull((value) => hasFields(value, pauseFields)),
  failuresInARow: isNumber,
  runs: isNumber,
  cooldownUntil: isNumber,
  lastResult: orNull((value) => hasFields(value, resultFields)),
  spent: orNull((value) => hasFields(value, spentFields)),
} satisfies Record<keyof TriggerState, Check>;

/** A state that cannot be read may have had a pause, or a budget that was spent: the trigger waits for a person. */
export function storedTriggerState(row: Row, now: number): TriggerState {
  const id = String(row["id"]);
  const state = jsonOr(row["state_json"], null) as TriggerState | null;
  if (state !== null && state.id === id && hasFields(state, triggerFields)) return state;
  const note =
    "what was stored about the trigger cannot be read any more; resume it to begin with a new state";
  return {
    id,
    pause: { at: now, by: "damage", note },
    failuresInARow: 0,
    runs: 0,
    cooldownUntil: 0,
    lastResult: null,
    spent: null,
  };
}
