/** Rows of `trigger_firings` as firings. One that cannot be read, or whose event is gone, counts as skipped. */
import { jsonOr } from "@agentcore/contract";
import type { Firing, FiringState } from "../firing.ts";
import type { StoredFiring } from "../trigger-store.ts";
import {
  type Check,
  hasFields,
  isNumber,
  isText,
  numberOrNull,
  orNull,
  type Row,
  textOrNull,
} from "./shape.ts";
import { isReason, unreadable } from "./stored-event.ts";

/** Of a firing `f` and its event `e`. */
export const firingColumns =
  "f.number, f.id, f.trigger_id, f.at, f.key, f.kind, f.ended_at, f.state_json, e.id AS event_id";

export function firingOf(row: Row): Firing {
  const { id, trigger_id: trigger, event_id: event, at, key } = row;
  return {
    id: String(id),
    trigger: String(trigger),
    event: textOrNull(event) ?? "",
    at: Number(at),
    key: textOrNull(key),
    state: stateOf(row) ?? unreadableState(numberOrNull(row["ended_at"]) ?? Number(at)),
  };
}

export const storedFiringOf = (row: Row): StoredFiring => ({
  sequence: Number(row["number"]),
  firing: firingOf(row),
});

export const unreadableState = (endedAt: number): FiringState => ({
  kind: "skipped",
  reason: unreadable,
  endedAt,
});

/** Null if the row is damaged. */
function stateOf({ kind, state_json: text, event_id: event }: Row): FiringState | null {
  const state = jsonOr(text, null) as FiringState | null;
  const checks = fieldsOf.get(kind);
  const isSound = event !== null && checks !== undefined && hasFields(state, checks) && state?.kind === kind;
  return isSound ? state : null;
}

const fields: Readonly<Record<FiringState["kind"], Readonly<Record<string, Check>>>> = {
  waiting: { notBefore: isNumber, attempt: isNumber },
  evaluating: { startedAt: isNumber, attempt: isNumber },
  running: { run: isText, startedAt: isNumber, attempt: isNumber, cancel: orNull(isText) },
  analyzing: {
    run: isText,
    message: orNull(isText),
    startedAt: isNumber,
    attempt: isNumber,
    costUsd: orNull(isNumber),
    tokens: orNull(isNumber),
  },
  ended: {
    run: isText,
    outcome: isText,
    message: orNull(isText),
    startedAt: isNumber,
    endedAt: isNumber,
    attempt: isNumber,
    costUsd: orNull(isNumber),
    tokens: orNull(isNumber),
  },
  skipped: { reason: isReason, endedAt: isNumber },
};

/** A map, because a damaged kind may be the name of a property that every object has. */
const fieldsOf = new Map<unknown, Readonly<Record<string, Check>>>(Object.entries(fields));
