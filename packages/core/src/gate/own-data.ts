/**
 * Copies data that a caller passes in or receives. Otherwise, a policy in the same process could change it after it was
 * checked: with a getter that returns different values, a proxy, a reference that it keeps, or a property of
 * `Object.prototype`. Each property is read once, nothing is inherited, and the copy is frozen.
 */
import { AgentCoreError } from "@agentcore/contract";

/** Deeper than any request or task; the copy of a value that contains itself stops here. */
const depthMax = 64;

/** A prototype without members. V8 reads objects with this prototype several times faster than objects with none. */
const nothing: object = Object.freeze(Object.create(null));

/** A frozen copy of plain data. Throws `AC_JOB_INVALID` for a function, a symbol, or a value that is nested too deeply. */
export function ownData<T>(value: T): T {
  return copyOf(value, nothing, 0);
}

/** The same, for callers: ordinary objects. */
export function frozenData<T>(value: T): T {
  return copyOf(value, Object.prototype, 0);
}

function copyOf<T>(value: T, prototype: object, depth: number): T {
  if (typeof value === "function" || typeof value === "symbol" || depth > depthMax) {
    throw new AgentCoreError("AC_JOB_INVALID", "only plain data is accepted, nested at most 64 levels deep");
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value))
    return Object.freeze(value.map((item: unknown) => copyOf(item, prototype, depth + 1))) as T;
  const copy = Object.create(prototype) as Record<string, unknown>;
  for (const key of Object.keys(value)) {
    copy[key] = copyOf((value as Record<string, unknown>)[key], prototype, depth + 1);
  }
  return Object.freeze(copy) as T;
}
