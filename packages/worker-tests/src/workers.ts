/** How each worker is set up for the matrix: its adapter, where its program is, and how it is pointed at the model server. */
import type { WorkerAdapter, WorkerRunner } from "@agentcore/contract";
import type { WorkerName } from "./cases.ts";

export interface RunnerOptions {
  /** Base URL of the model server, without `/v1`. */
  readonly modelUrl: string;
  readonly key: string;
  readonly stateFolder: string;
}

export interface WorkerSetup {
  readonly name: WorkerName;
  readonly adapter: WorkerAdapter;
  readonly model: string;
  readonly settings: Readonly<Record<string, unknown>>;
  createRunner(options: RunnerOptions): WorkerRunner;
}

export function workerSetup(name: WorkerName): WorkerSetup {
  throw new Error(`no adapter ${name} yet`);
}
