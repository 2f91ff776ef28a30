/** Plain data for tests. */
import { systemIds } from "@agentcore/contract";
import type { TriggerEvent } from "../trigger-event.ts";

/** An accepted event of the source `source`, with what `change` says. */
export function testEvent(change: Partial<TriggerEvent> = {}): TriggerEvent {
  return {
    id: systemIds.next(),
    source: "source",
    at: 1_000,
    key: null,
    payload: {},
    chain: [],
    onlyTrigger: null,
    replayOf: null,
    skipped: null,
    ...change,
  };
}
