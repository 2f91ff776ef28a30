/** The findings of `doctor` as data: printed for people, or as one JSON object with `--json`. */
import type { Capability } from "@agentcore/contract";

export interface Check {
  readonly id: string;
  readonly title: string;
  /** `warn`: works, with less than it could. `bad`: runs will fail until it is cured. */
  readonly status: "ok" | "warn" | "bad";
  readonly detail: string;
  /** What to do; null where nothing need be done. */
  readonly cure: string | null;
}

export interface WorkerReport {
  readonly name: string;
  readonly title: string;
  /** `ready`: found, new enough, with a credential or without need of one. */
  readonly status: "ready" | "no_credential" | "missing" | "too_old" | "unusable" | "adapter_invalid";
  readonly path: string | null;
  readonly version: string | null;
  /** Where the credential comes from, such as `ANTHROPIC_API_KEY` or `~/.codex/auth.json`; never the credential itself. */
  readonly credential: string | null;
  readonly capabilities: readonly Capability[];
  /** False where nothing keeps the worker to them. */
  readonly enforcesCapabilities: boolean;
  readonly detail: string;
  readonly cure: string | null;
}

export interface DoctorReport {
  readonly version: string;
  /** No check is bad, and no worker that is installed or configured is unusable. One that is not installed is no fault. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly workers: readonly WorkerReport[];
}
