/** The runs of workflows that this process works on. Nothing is opened before the first of them. */
import { AgentCoreError, settledWithin, systemClock } from "@agentcore/contract";
import type { RunHandle, RunOptions } from "@agentcore/workflow";
import type { OpenedEngine } from "../workflow/open-engine.ts";
import { holdRun } from "../workflow/run-owner.ts";

/** Longest wait for runs that were interrupted. The next process on the state directory accounts for the others. */
const closeMsMax = 60_000;

/** Opens the engine at the first run, and closes it with all runs. */
export class WorkflowEngine {
  readonly #open: () => Promise<OpenedEngine>;
  #opened: Promise<OpenedEngine> | null = null;
  readonly #running = new Map<string, RunHandle>();
  #isClosed = false;

  constructor(open: () => Promise<OpenedEngine>) {
    this.#open = open;
  }

  /** Throws `AC_DRAINING` after `close`. */
  requireOpen(): void {
    if (this.#isClosed) throw new AgentCoreError("AC_DRAINING", "AgentCore was closed; nothing was done");
  }

  /** The ports of runs; opened at the first call. Rejects with `AC_DRAINING` after `close`. */
  async ports(): Promise<RunOptions> {
    this.requireOpen();
    this.#opened ??= this.#open();
    return (await this.#opened).ports;
  }

  /** Of a run that this process works on. */
  handle(id: string): RunHandle | undefined {
    return this.#running.get(id);
  }

  /** Keeps the handle until the run has ended. Rejects with `AC_WORKFLOW_TAKEN` if this process works on the run already. */
  async follow(id: string, begin: () => Promise<RunHandle>): Promise<RunHandle> {
    const release = holdRun(id);
    let handle: RunHandle;
    try {
      handle = await begin();
    } catch (error) {
      release();
      throw error;
    }
    this.#running.set(id, handle);
    const forget = (): void => {
      this.#running.delete(id);
      release();
    };
    handle.result().then(forget, forget);
    return handle;
  }

  /** Interrupts what runs; it can be resumed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = await this.#opened?.catch(() => null);
    if (opened === undefined || opened === null) return;
    const handles = [...this.#running.values()];
    for (const handle of handles) handle.interrupt({ reason: "the library was closed" });
    const ends = Promise.allSettled(handles.map((handle) => handle.result()));
    await settledWithin(systemClock, ends, closeMsMax);
    await opened.close();
  }
}
