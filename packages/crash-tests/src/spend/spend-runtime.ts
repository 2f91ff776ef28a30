/**
 * A runtime with a spend gate, a ledger and a journal of calls on SQLite, whose workers are planned runs in this process: they
 * send their requests to the gate over loopback, with the key of their permit.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  errorText,
  type RunRequest,
  type SpendGateAccess,
  systemClock,
  systemIds,
  type WorkerResult,
  type WorkerRunner,
  workerTaskSchema,
} from "@agentcore/contract";
import { createRuntime, endingOf, type InProcessRuntime, runtimeConfigSchema } from "@agentcore/core";
import { fakeAdapter, fakeResult } from "@agentcore/core/testing";
import { createSpendGate, providersSchema } from "@agentcore/spend-gate";
import { createSqliteCallJournal, createSqliteLedger, type StateDatabase } from "@agentcore/store-sqlite";
import { type PlannedRun, sendCalls } from "./planned-run.ts";
import { scriptedPrices } from "./scripted-provider.ts";

export interface SpendRuntimeOptions {
  readonly database: StateDatabase;
  /** Of the gate's socket and the workspaces. */
  readonly directory: string;
  readonly providerUrl: string;
  /** Of each tenant. */
  readonly capUsd: number;
  readonly outputBound: number;
}

/** How a planned run ended. `refused`: its permit was not granted, because the cap was used up. */
export interface RunEnding {
  readonly run: PlannedRun;
  readonly result: WorkerResult | "refused";
}

export class SpendRuntime {
  readonly #options: SpendRuntimeOptions;
  readonly #runtime: InProcessRuntime;
  readonly #planned = new Map<string, PlannedRun>();
  /** Runs that have a permit or are asking for one. */
  #busy = 0;
  /** How many runs have ended. */
  #ends = 0;
  #nextEnd = Promise.withResolvers<void>();
  #isFull = false;

  constructor(options: SpendRuntimeOptions) {
    const { database, directory, providerUrl, capUsd, outputBound } = options;
    this.#options = options;
    const spendGate = createSpendGate({
      providers: providersSchema.parse({ anthropic: { base_url: providerUrl, output_bound: outputBound } }),
      prices: scriptedPrices,
      journal: createSqliteCallJournal(database),
      directory: join(directory, "gate"),
      env: {},
      clock: systemClock,
      ids: systemIds,
    });
    this.#runtime = createRuntime({
      config: runtimeConfigSchema.parse({
        pacing: { provider_interval: "0ms" },
        limits: {
          global: { concurrency: 1000 },
          tenants: { default: { cost_usd: { total: capUsd } } },
        },
      }),
      adapters: [fakeAdapter({ name: "planned", provider: "anthropic" })],
      runner: this.#runner(),
      clock: systemClock,
      ids: systemIds,
      ledger: createSqliteLedger(database),
      spendGate,
    });
  }

  /** Runs it once the cap has room. It never will if nothing is running and the run still does not fit. */
  async run(run: PlannedRun): Promise<RunEnding> {
    const workspace = join(this.#options.directory, "work", run.id);
    mkdirSync(workspace, { recursive: true });
    this.#planned.set(run.id, run);
    while (!this.#isFull) {
      const [nextEnd, ends] = [this.#nextEnd.promise, this.#ends];
      this.#busy += 1;
      const result = await this.#attempt(run, workspace);
      this.#busy -= 1;
      if (result !== null) {
        this.#ends += 1;
        this.#wake();
        return { run, result };
      }
      if (this.#busy > 0 || ends !== this.#ends) {
        await nextEnd;
        continue;
      }
      this.#isFull = true;
      this.#wake();
    }
    return { run, result: "refused" };
  }

  close(): Promise<void> {
    return this.#runtime.close();
  }

  /** Null: the cap has no room now. */
  async #attempt({ id, tenant, ceilingUsd }: PlannedRun, workspace: string): Promise<WorkerResult | null> {
    const decision = await this.#runtime.requestPermit({
      jobId: id,
      attempt: 1,
      maxAttempts: 1,
      worker: "planned",
      tenant,
      workspace,
      capabilities: ["read"],
      timeoutMs: 600_000,
      maxCostUsd: ceilingUsd,
      priorityClass: "batch",
    });
    if (decision.kind === "granted") {
      const task = workerTaskSchema.parse({ worker: "planned", workspace, instructions: "as planned" });
      return this.#runtime.execute(decision.permit.id, task);
    }
    if (decision.code !== "AC_BUDGET_COST") throw new TypeError(`${decision.code}: ${decision.message}`);
    return null;
  }

  #wake(): void {
    this.#nextEnd.resolve();
    this.#nextEnd = Promise.withResolvers<void>();
  }

  #runner(): WorkerRunner {
    return {
      containmentLevel: "sealed",
      start: (request) => ({ result: this.#work(request) }),
    };
  }

  async #work(request: RunRequest): Promise<WorkerResult> {
    const { permit, openSpendGate } = request;
    const run = this.#planned.get(permit.jobId);
    try {
      if (run === undefined || openSpendGate === undefined) throw new TypeError("no plan, or no spend gate");
      const access: SpendGateAccess = await openSpendGate({
        provider: "anthropic",
        protocol: "anthropic-messages",
        baseUrl: this.#options.providerUrl,
        credential: { kind: "none" },
      });
      await sendCalls(run, access, permit.signal);
      const cause = permit.signal.reason;
      return cause === null ? fakeResult() : fakeResult({ ...endingOf(cause), code: cause.code });
    } catch (error) {
      return fakeResult({ outcome: "failed", errorClass: "worker_crashed", summary: errorText(error) });
    }
  }
}
