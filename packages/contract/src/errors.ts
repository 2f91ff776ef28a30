/** The one error class of AgentCore: a code of the catalogue, a message that names the place and the cure, evidence. */
import { errorCodes, type ErrorCode } from "./error-codes.ts";
import type { Evidence } from "./permit.ts";

export class AgentCoreError extends Error {
  /** Brand that survives duplicate installs of this package; see {@link isAgentCoreError}. */
  readonly isAgentCoreError = true as const;
  readonly code: ErrorCode;
  readonly evidence: Evidence;

  constructor(code: ErrorCode, message: string, options: { evidence?: Evidence; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AgentCoreError";
    this.code = code;
    this.evidence = options.evidence ?? {};
  }

  /** What to do about it, from the catalogue. */
  get cure(): string {
    return errorCodes[this.code].cure;
  }
}

export function isAgentCoreError(value: unknown): value is AgentCoreError {
  return value instanceof Error && (value as { isAgentCoreError?: unknown }).isAgentCoreError === true;
}

/** For an error that is deliberately not acted upon: says why, at the place where it is dropped. */
export function ignore(_error: unknown, _why: string): void {
  // Nothing to do: the call documents the decision.
}

/** An invariant of our own code; a failure is a bug, and the process that holds it must not go on guessing. */
export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new AgentCoreError("AC_INTERNAL", `internal error: ${why}`);
}
