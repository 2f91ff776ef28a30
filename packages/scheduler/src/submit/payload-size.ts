/**
 * Bounds the JSON size of a payload without creating the text, because nearly every job is far from the limit. Refuses
 * unbounded data (depth, cycles, an object shared so often that its text would be huge) before any other check.
 */
import { AgentCoreError } from "@agentcore/contract";

export interface PayloadSize {
  /** UTF-8 bytes of its JSON text are between these. */
  readonly bytesMin: number;
  readonly bytesMax: number;
}

const depthMax = 32;

/** Bytes of UTF-8 for one UTF-16 unit: at least 1, and at most 6, which is an escaped one such as \u001f. */
const unitBytesMax = 6;
/** Of a number or a literal. */
const atomBytesMax = 25;

/** Throws `AC_JOB_INVALID` for what is nested too deep; stops counting above `bytesLimit`. */
export function payloadSize(value: unknown, bytesLimit: number): PayloadSize {
  const size = { bytesMin: 0, bytesMax: 0 };
  addSize(value, depthMax, size, bytesLimit);
  return size;
}

function addSize(
  value: unknown,
  depthLeft: number,
  size: { -readonly [K in keyof PayloadSize]: number },
  bytesLimit: number,
): void {
  // What is undefined is left out of the text.
  if (value === undefined || size.bytesMin > bytesLimit) return;
  if (typeof value === "string") {
    size.bytesMin += value.length;
    size.bytesMax += value.length * unitBytesMax + 3;
    return;
  }
  size.bytesMin += 1;
  size.bytesMax += atomBytesMax;
  if (typeof value !== "object" || value === null) return;
  if (depthLeft === 0) {
    const message = `the job is nested deeper than ${depthMax} levels, or contains itself`;
    throw new AgentCoreError("AC_JOB_INVALID", message);
  }
  if (Array.isArray(value)) {
    for (const part of value) addSize(part, depthLeft - 1, size, bytesLimit);
    return;
  }
  for (const [name, part] of Object.entries(value)) {
    size.bytesMax += name.length * unitBytesMax + 4;
    addSize(part, depthLeft - 1, size, bytesLimit);
  }
}
