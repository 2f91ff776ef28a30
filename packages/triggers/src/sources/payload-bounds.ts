/** Bounds on the content of events, so that storing, filtering and showing an event takes bounded time and memory. Pure. */

/** Of the body of a delivery, and of the JSON text of an emitted event. */
export const payloadBytesMax = 1024 * 1024;
const depthMax = 64;
const valuesMax = 100_000;
const keyMax = 200;

/**
 * Says what of a value is not JSON or exceeds the bounds (64 levels, 100,000 values), as the end of a sentence; null: nothing.
 * It walks without recursion, so a deep value cannot exhaust the stack.
 */
export function jsonProblem(value: unknown): string | null {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 1 }];
  let values = 1;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (!isObject(next.value)) {
      if (!isScalar(next.value)) return "has a value that JSON cannot hold";
      continue;
    }
    if (next.depth > depthMax) return `is nested more than ${depthMax} levels deep`;
    if (!isPlain(next.value)) return "has a value that JSON cannot hold";
    const inner: readonly unknown[] = Array.isArray(next.value) ? next.value : Object.values(next.value);
    values += inner.length;
    if (values > valuesMax) return `has more than ${valuesMax} values`;
    for (const one of inner) open.push({ value: one, depth: next.depth + 1 });
  }
  return null;
}

/** Says what is wrong with an idempotency key, as the end of a sentence; null: nothing. */
export function keyProblem(key: string): string | null {
  if (key === "") return "is empty";
  if (key.length > keyMax) return `is longer than ${keyMax} characters`;
  return /[\p{Cc}\p{Cs}]/u.test(key) ? "has control characters" : null;
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

const isScalar = (value: unknown): boolean =>
  value === null ||
  typeof value === "string" ||
  typeof value === "boolean" ||
  (typeof value === "number" && Number.isFinite(value));

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
