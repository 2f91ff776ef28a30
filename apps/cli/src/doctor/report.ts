/** The findings of `doctor` as data: printed for people, or as one JSON object with `--json`. */
import type { Capability } from "@agentcore/contract";

export interface Check {
  readonly id: string;
  readonly title: string;
  /** `warn`: works, with reduced function. `bad`: runs will fail until it is fixed. */
  readonly status: "ok" | "warn" | "bad";
  readonly detail: string;
  /** How it was found out, for `-v` and `--json`. */
  readonly proof?: string;
  /** What to do; null if nothing is necessary. */
  readonly cure: string | null;
}

export interface WorkerReport {
  readonly name: string;
  readonly title: string;
  /** `ready`: found, new enough, and has a credential or needs none. */
  readonly status: "ready" | "no_credential" | "missing" | "too_old" | "unusable" | "adapter_invalid";
  readonly path: string | null;
  readonly version: string | null;
  /** The source of the credential, such as `ANTHROPIC_API_KEY` or `~/.codex/auth.json`; never the credential itself. */
  readonly credential: string | null;
  readonly capabilities: readonly Capability[];
  /** False if nothing enforces the worker's capabilities. */
  readonly enforcesCapabilities: boolean;
  /**
   * What counts the cost of its runs: the spend gate, its own events, or nothing, because it calls no provider. Null if its
   * adapter cannot be loaded.
   */
  readonly metering: "spend_gate" | "events" | "none" | null;
  readonly detail: string;
  readonly cure: string | null;
}

export interface DoctorReport {
  readonly version: string;
  /** No check is bad, and no installed or configured worker is unusable. A worker that is not installed is not an error. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly workers: readonly WorkerReport[];
}
