/**
 * Bounds the JSON size of a payload without creating the text, because nearly every job is far from the limit. Refuses
 * unbounded data (depth, cycles, an object shared so often that its text would be huge) before any other check.
 */
import { AgentCoreError } from "@agentcore/contract";

export interface PayloadSize {
  /** Bounds on the UTF-8 bytes of its JSON text. */
  readonly bytesMin: number;
  readonly bytesMax: number;
}

const depthMax = 32;

/** UTF-8 bytes for one UTF-16 unit: at least 1, and at most 6 for an escape such as \u001f. */
const unitBytesMax = 6;
/** Of a number or a literal. */
const atomBytesMax = 25;

/** Throws `AC_JOB_INVALID` for a value that is nested too deep. Stops counting above `bytesLimit`. */
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
  // JSON omits undefined values.
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
