/**
 * Keeps a runtime process alive: starts it, watches it, and restarts it when it dies, hangs or sends invalid messages, up
 * to the restart limit. While the scheduler is closing, a death leads to `closed` instead of a restart.
 *
 * | state       | meaning                              | leaves by                                     |
 * | ----------- | ------------------------------------ | --------------------------------------------- |
 * | `starting`  | a process runs, no handshake yet     | handshake → `ready`; death → `waiting`        |
 * | `ready`     | the process can be used              | death → `waiting`; close → `closed`           |
 * | `waiting`   | the process died, a restart is due   | its delay has passed → `starting`             |
 * | `escalated` | it died once more than is allowed    | never                                         |
 * | `closed`    | the end was asked for                | never                                         |
 */
import {
  AgentCoreError,
  errorText,
  type Clock,
  type Escalation,
  type LoadReport,
  type Log,
  type Timer,
} from "@agentcore/contract";
import { decideRestart, type RestartIntensity } from "./restart-intensity.ts";
import type { RuntimeProcess, StartRuntimeProcess } from "./runtime-process.ts";
import { WireRuntime } from "./wire-runtime.ts";

/** One process, from its start to its end. */
export interface SupervisedProcess {
  readonly process: RuntimeProcess;
  readonly wire: WireRuntime;
  /** Why it can no longer be used; null while it can. */
  failure: string | null;
}

export type SupervisorState =
  | { readonly kind: "starting" | "ready"; readonly supervised: SupervisedProcess }
  | { readonly kind: "waiting"; readonly untilMs: number }
  | { readonly kind: "escalated"; readonly message: string }
  | { readonly kind: "closed" };

export interface RuntimeStatus {
  readonly state: SupervisorState["kind"];
  readonly pid: number | null;
  /** Restarts so far. */
  readonly restarts: number;
  /** Why the runtime last died; null if it never did. */
  readonly lastDeath: string | null;
}

export interface RuntimeSupervisorOptions {
  readonly start: StartRuntimeProcess;
  readonly intensity: RestartIntensity;
  readonly answerMs: number;
  readonly closeMs: number;
  readonly client: { readonly name: string; readonly version: string };
  readonly clock: Clock;
  readonly log: Log;
  readonly onEscalation: (escalation: Escalation) => void;
}

export class RuntimeSupervisor {
  readonly #ports: RuntimeSupervisorOptions;
  readonly #listeners = new Set<() => void>();
  #state: SupervisorState = { kind: "waiting", untilMs: 0 };
  #restarts: readonly number[] = [];
  #restartCount = 0;
  #lastDeath: string | null = null;
  #lastLoad: LoadReport | null = null;
  #timer: Timer | undefined;
  #isRetired = false;

  constructor(ports: RuntimeSupervisorOptions) {
    this.#ports = ports;
  }

  get state(): SupervisorState {
    return this.#state;
  }

  /** The process that can be used now, or null. */
  get ready(): SupervisedProcess | null {
    return this.#state.kind === "ready" ? this.#state.supervised : null;
  }

  /** The last load report of the latest process. */
  get lastLoad(): LoadReport | null {
    const state = this.#state;
    const load = state.kind === "starting" || state.kind === "ready" ? state.supervised.wire.lastLoad : null;
    return load ?? this.#lastLoad;
  }

  status(): RuntimeStatus {
    const state = this.#state;
    const pid = state.kind === "starting" || state.kind === "ready" ? state.supervised.process.pid : null;
    return { state: state.kind, pid, restarts: this.#restartCount, lastDeath: this.#lastDeath };
  }

  /** Calls `listener` after each change of state. Returns a function that unsubscribes. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Starts a process. Never throws: a process that cannot be started counts as dead. */
  launch(): void {
    const { start, clock, log, client, answerMs, onEscalation } = this.#ports;
    let process: RuntimeProcess;
    try {
      process = start();
    } catch (error) {
      return this.#onDeath(messageOf(error));
    }
    const { input, output } = process;
    const onFailed = (why: string): void => this.#fail(supervised, why);
    const wire = new WireRuntime({ input, output, clock, log, client, answerMs, onEscalation, onFailed });
    const supervised: SupervisedProcess = { process, wire, failure: null };
    this.#enter({ kind: "starting", supervised });
    void process.exited.then((how) => this.#onExit(supervised, how));
    wire.handshake().then(
      () => this.#onHandshake(supervised),
      (error: unknown) => this.#fail(supervised, messageOf(error)),
    );
  }

  /** From now on a process that dies is not started again, because its scheduler is ending. */
  retire(): void {
    this.#isRetired = true;
    if (this.#state.kind !== "waiting") return;
    this.#timer?.cancel();
    this.#enter({ kind: "closed" });
  }

  /** Asks the process to end, and kills it if it does not. Resolves when it is gone. */
  async close(): Promise<void> {
    const { clock, closeMs } = this.#ports;
    const state = this.#state;
    this.#timer?.cancel();
    this.#enter({ kind: "closed" });
    if (state.kind !== "starting" && state.kind !== "ready") return;
    const { process, wire } = state.supervised;
    const kill = clock.setTimer(closeMs, () => process.kill());
    if (state.kind === "ready") await unlessLost(wire.shutdown());
    process.input.end();
    await process.exited;
    kill.cancel();
    wire.end("the runtime was closed");
  }

  #onHandshake(supervised: SupervisedProcess): void {
    if (this.#state.kind === "starting" && supervised.failure === null)
      this.#enter({ kind: "ready", supervised });
  }

  /** The process lives but cannot be used: kills it; its exit is handled as usual. */
  #fail(supervised: SupervisedProcess, why: string): void {
    if (supervised.failure !== null) return;
    this.#ports.log.error({ why, pid: supervised.process.pid }, "the runtime is of no use and is killed");
    supervised.failure = why;
    supervised.process.kill();
  }

  #onExit(supervised: SupervisedProcess, how: string): void {
    supervised.failure ??= how;
    this.#lastLoad = supervised.wire.lastLoad ?? this.#lastLoad;
    supervised.wire.end(`the runtime died: ${supervised.failure}`);
    if (this.#state.kind !== "closed") this.#onDeath(supervised.failure);
  }

  #onDeath(how: string): void {
    const { clock, log, intensity } = this.#ports;
    this.#lastDeath = how;
    if (this.#isRetired) {
      log.info({ how }, "the runtime died while its scheduler was ending");
      return this.#enter({ kind: "closed" });
    }
    const nowMs = clock.monotonicMs();
    const decision = decideRestart(this.#restarts, nowMs, intensity);
    if (decision.kind === "escalate") return this.#escalate(how);
    this.#restarts = decision.restarts;
    this.#restartCount += 1;
    log.warn({ how, delayMs: decision.delayMs }, "the runtime died; restarting it");
    this.#enter({ kind: "waiting", untilMs: nowMs + decision.delayMs });
    this.#timer = clock.setTimer(decision.delayMs, () => this.launch());
  }

  #escalate(how: string): void {
    const { clock, onEscalation } = this.#ports;
    const { max, windowMs } = this.#ports.intensity;
    const message = `the runtime died again after ${max} restarts in ${windowMs} ms and is not restarted any more: ${how}`;
    this.#enter({ kind: "escalated", message });
    const evidence = { restarts: max, windowMs, lastDeath: how };
    const at = clock.now();
    onEscalation({
      stage: "global_stop",
      code: "AC_RESTART_INTENSITY",
      target: "runtime",
      message,
      evidence,
      at,
    });
  }

  #enter(state: SupervisorState): void {
    this.#state = state;
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (error) {
        this.#ports.log.error({ error }, "a listener of the runtime's state failed");
      }
    }
  }
}

/** If the runtime died, the request is already satisfied. Rejects with any other error. */
export async function unlessLost(asked: Promise<void>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!isLost(error)) throw error;
  }
}

export function isLost(error: unknown): error is AgentCoreError {
  return error instanceof AgentCoreError && error.code === "AC_RUNTIME_LOST";
}

function messageOf(error: unknown): string {
  return errorText(error);
}
