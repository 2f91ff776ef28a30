/** Reads values inside JSON by path. Pure. */
import type { Json } from "./trigger-event.ts";

/** Undefined if there is none. Entries of lists have their index as name. */
export function valueAt(value: Json, path: readonly string[]): Json | undefined {
  let at: Json | undefined = value;
  for (const name of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Readonly<Record<string, Json>>)[name];
  }
  return at;
}
