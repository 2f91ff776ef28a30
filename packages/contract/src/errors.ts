/** The one error class of AgentCore: a code of the catalog, a message that names the place and the cure, and evidence. */
import { cureOf } from "./cures.ts";
import type { ErrorCode } from "./error-codes.ts";
import type { Evidence } from "./permit.ts";

export class AgentCoreError extends Error {
  /** Brand that survives duplicate installs of this package; see {@link isAgentCoreError}. */
  readonly isAgentCoreError = true as const;
  readonly code: ErrorCode;
  readonly evidence: Evidence;
  /**
   * What a program that uses the library can do about it; the command line prints its own cure (`cureOf`). A field, so that Node
   * shows it when nobody catches the error.
   */
  readonly cure: string;

  constructor(code: ErrorCode, message: string, options: { evidence?: Evidence; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AgentCoreError";
    this.code = code;
    this.cure = cureOf(code, "library");
    this.evidence = options.evidence ?? {};
  }
}

export function isAgentCoreError(value: unknown): value is AgentCoreError {
  return value instanceof Error && (value as { isAgentCoreError?: unknown }).isAgentCoreError === true;
}

/** Marks an error that is deliberately ignored, and says why at that place. */
export function ignore(_error: unknown, _why: string): void {
  // Nothing to do: the call documents the decision.
}

/** Checks an invariant of this code. A failure is a bug, and the process must not continue. */
export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new AgentCoreError("AC_INTERNAL", `internal error: ${why}`);
}
