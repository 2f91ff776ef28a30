/** Reads the payload of an event: whether it matches a filter, and the key that it gives. */
import type { FilterRule, TriggerDefinition } from "../definition.ts";
import type { Json, TriggerEvent } from "../trigger-event.ts";

const textMax = 10_000;

const valueAt = (payload: Json, path: readonly string[]): Json | undefined =>
  path.reduce<Json | undefined>(
    (value, name) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, name)
        ? (value as Readonly<Record<string, Json>>)[name]
        : undefined,
    payload,
  );

export const matchesFilter = (rules: readonly FilterRule[], payload: Json): boolean =>
  rules.every((rule) => {
    const value = valueAt(payload, rule.path);
    if ("equals" in rule) return value === rule.equals;
    if ("oneOf" in rule) return rule.oneOf.some((one) => one === value);
    return typeof value === "string" && value.length <= textMax && new RegExp(rule.pattern).test(value);
  });

/** The rendered idempotency key; null: the trigger has none. */
export function keyOf({ id, key }: TriggerDefinition, { payload }: TriggerEvent): string | null {
  if (key === null) return null;
  return key.replaceAll(/\{\{\s*([^{}]*?)\s*\}\}/g, (written, name: string) => {
    if (name === "trigger_id") return id;
    const [first, ...path] = name.split(".");
    const value = first === "event" ? valueAt(payload, path) : undefined;
    if (value === undefined) return written;
    return typeof value === "string" ? value : JSON.stringify(value);
  });
}
