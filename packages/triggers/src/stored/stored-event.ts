/** Rows of `trigger_events` as events, and events as values of a row. A damaged row is an event that was skipped as such. */
import { jsonOr } from "@agentcore/contract";
import type { ChainLink, SkipReason, TriggerEvent } from "../trigger-event.ts";
import type { StoredEvent } from "../trigger-store.ts";
import { hasFields, isText, numberOrNull, textOrNull, type Row } from "./shape.ts";

/** In this order: `valuesOfEvent`. */
export const eventColumns =
  "id, source, at, key, only_trigger, replay_of, payload_json, chain_json, skipped_json";

export function valuesOfEvent(event: TriggerEvent): readonly (string | number | null)[] {
  const { id, source, at, key, onlyTrigger, replayOf, payload, chain, skipped } = event;
  const texts = [payload, chain, skipped].map((part) => (part === null ? null : JSON.stringify(part)));
  const [payloadJson = null, chainJson = null, skippedJson = null] = texts;
  return [id, source, at, key, onlyTrigger, replayOf, payloadJson ?? "null", chainJson, skippedJson];
}

export const unreadable: SkipReason = {
  code: "unreadable",
  text: "what was stored about it cannot be read any more",
};

export function eventOf(row: Row): TriggerEvent {
  const known = {
    id: String(row["id"]),
    source: String(row["source"]),
    at: numberOrNull(row["at"]) ?? 0,
    key: textOrNull(row["key"]),
    onlyTrigger: textOrNull(row["only_trigger"]),
    replayOf: textOrNull(row["replay_of"]),
  };
  const payload = jsonOr(row["payload_json"], undefined) as TriggerEvent["payload"] | undefined;
  const chain = jsonOr(row["chain_json"], null);
  const skipped = row["skipped_json"] === null ? null : jsonOr(row["skipped_json"], undefined);
  if (payload === undefined || !isChain(chain) || !isReasonOrNull(skipped))
    return { ...known, payload: null, chain: [], skipped: unreadable };
  return { ...known, payload, chain, skipped };
}

export const storedEventOf = (row: Row): StoredEvent => ({
  sequence: Number(row["number"]),
  event: eventOf(row),
  isRouted: row["routed"] !== 0 && row["routed"] !== false,
});

const isChain = (value: unknown): value is readonly ChainLink[] =>
  Array.isArray(value) &&
  value.every((link) => hasFields(link, { daemon: isText, trigger: isText, run: isText }));

export const isReason = (value: unknown): value is SkipReason =>
  hasFields(value, { code: isText, text: isText });

const isReasonOrNull = (value: unknown): value is SkipReason | null => value === null || isReason(value);
