/** What a runtime in process is made from, and what only its own process can ask of it. */
import type {
  Clock,
  Evidence,
  Ids,
  Log,
  PermitDecision,
  PermitRequest,
  Runtime,
  SpendGateMode,
  WorkerAdapter,
  WorkerRunner,
} from "@agentcore/contract";
import type { RuntimeConfig } from "../config/runtime-config.ts";
import type { Ledger, LedgerOwner } from "../ledger/ledger.ts";
import type { MachineSignals } from "../pressure/machine-signals.ts";
import type { SpendGate } from "../spend/spend-gate.ts";
import type { LeaseGuard } from "./run-lease.ts";

export interface RuntimeOptions {
  readonly config: RuntimeConfig;
  readonly adapters: readonly WorkerAdapter[];
  readonly runner: WorkerRunner;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Default: in memory, so that budgets end with the process. */
  readonly ledger?: Ledger;
  /** The owner of holds in the ledger. Required if the ledger is shared or outlives the process. Default: this process. */
  readonly owner?: LedgerOwner;
  /** How to read the state of the machine. Default: not at all, so that only the queue and the runs in flight cause pressure. */
  readonly signals?: MachineSignals;
  /** Default: nothing is logged. */
  readonly log?: Log;
  /** Settings of each worker, by its name. Default: none. */
  readonly settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Meters the requests of workers to their providers. The runtime closes it. Default: workers are metered from their events. */
  readonly spendGate?: SpendGate;
  /** Whether a worker uses the gate, by its name. Default: `spend_gate` of the configuration. */
  readonly spendGateModes?: Readonly<Record<string, SpendGateMode>>;
  /** Default: nothing ends the runs of a stopped process. */
  readonly leaseGuard?: LeaseGuard;
  /**
   * Resolves symbolic links of a workspace, so that two names of one directory share one lock. Rejects if the directory does not
   * exist. Default: returns the path unchanged.
   */
  readonly realPath?: (path: string) => Promise<string>;
}

export interface QuarantineReason {
  readonly message: string;
  readonly evidence?: Evidence;
}

/** A runtime in this process, with operations that only its own process can use. */
export interface InProcessRuntime extends Runtime {
  /** The gate's decision alone: synchronous, without validation of the request and without the ledger. */
  tryPermit(request: PermitRequest): PermitDecision;
  /** Gives back a permit that was not executed, at once. Returns whether there was one. */
  giveBack(permitId: string): boolean;
  /** Refuses runs in a directory, above it and below it until lifted: an earlier process left a run there uncontained. */
  quarantine(workspace: string, why: QuarantineReason): void;
  /** Returns whether there was a quarantine to lift. */
  liftQuarantine(workspace: string): boolean;
}
