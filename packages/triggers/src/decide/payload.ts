/** The idempotency key that an event has at a trigger. */
import type { TriggerDefinition } from "../definition.ts";
import { renderKey } from "../template/render.ts";
import type { TriggerEvent } from "../trigger-event.ts";

/** Null: the trigger has no key, or refers in it to a field that the event does not have. */
export const keyOf = ({ id, key }: TriggerDefinition, { payload }: TriggerEvent): string | null =>
  key === null ? null : renderKey(key, { event: payload, trigger_id: id });
