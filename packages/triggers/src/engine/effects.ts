/** Performs the effects of decisions: asks gates, starts and cancels runs, and tells the machine how they ended. */
import { errorText, type Log } from "@agentcore/contract";
import type { MachineEffect, MachineInput, MachineState } from "../decide/machine.ts";
import type { TriggerDefinition } from "../definition.ts";
import type { Firing } from "../firing.ts";
import type { ChainLink, TriggerEvent } from "../trigger-event.ts";
import type { RunRequest, TriggerRunner } from "../trigger-runner.ts";

export interface EffectsOptions {
  readonly runner: TriggerRunner;
  readonly log: Log;
  readonly state: () => MachineState;
  /** Of an open firing, or of one that has just ended. */
  readonly eventOf: (id: string) => TriggerEvent | undefined;
  /** Resolves once the input is decided. Nothing is decided while the daemon shuts down: the next one finds a run by its id. */
  readonly tell: (input: MachineInput) => Promise<void>;
}

export class Effects {
  readonly #options: EffectsOptions;
  /** Those that are not done: runs, evaluations, analyses. */
  readonly #open = new Set<Promise<void>>();

  constructor(options: EffectsOptions) {
    this.#options = options;
  }

  /** Takes what it needs of the state and the events before it returns. */
  perform(effect: MachineEffect): void {
    const open = this.#performed(effect).catch((error: unknown) => {
      this.#options.log.error({ error, firing: effect.firing.id }, `${effect.type} of a trigger failed`);
    });
    this.#open.add(open);
    void open.finally(() => this.#open.delete(open));
  }

  /** Resolves once none is open. */
  async whenQuiet(): Promise<void> {
    while (this.#open.size > 0) await Promise.allSettled(this.#open);
  }

  async #performed(effect: MachineEffect): Promise<void> {
    const { firing } = effect;
    const { definition } = this.#options.state();
    const trigger = definition.triggers.get(firing.trigger) ?? null;
    switch (effect.type) {
      case "cancel_run":
        if ("run" in firing.state) this.#options.runner.cancel(firing.state.run, effect.reason);
        return;
      case "evaluate":
        return this.#evaluate(firing, trigger);
      case "run":
        return this.#run(firing, trigger);
      case "analyze":
        return this.#analyze(firing, trigger);
    }
  }

  async #evaluate(firing: Firing, trigger: TriggerDefinition | null): Promise<void> {
    const request = this.#requestOf(firing, trigger);
    const step = trigger?.evaluate ?? null;
    const evaluation =
      request === null || step === null
        ? ({ answer: "run", text: "the trigger has no evaluation any more" } as const)
        : await this.#options.runner.evaluate(step, { ...request, firing: firing.id });
    if (evaluation === "interrupted") return;
    await this.#options.tell({ type: "evaluated", firing: firing.id, evaluation });
  }

  async #run(firing: Firing, trigger: TriggerDefinition | null): Promise<void> {
    const request = this.#requestOf(firing, trigger);
    if (request === null) throw new TypeError(`the event of firing ${firing.id} is not known`);
    const end = await this.#options.runner.run(request).catch((error: unknown) => ({
      outcome: "FAILED" as const,
      message: errorText(error),
      costUsd: null,
      tokens: null,
    }));
    if (end.outcome === "INTERRUPTED") return;
    await this.#options.tell({ type: "run_ended", firing: firing.id, ...end, outcome: end.outcome });
  }

  async #analyze(firing: Firing, trigger: TriggerDefinition | null): Promise<void> {
    const { state } = firing;
    const request = this.#requestOf(firing, trigger);
    const step = trigger?.analyze ?? null;
    if (state.kind !== "analyzing") return;
    if (request !== null && step !== null) {
      const { message, costUsd, tokens } = state;
      const end = { outcome: "SUCCEEDED", message, costUsd, tokens } as const;
      if ((await this.#options.runner.analyze(step, { ...request, end })) === "interrupted") return;
    }
    await this.#options.tell({ type: "analyzed", firing: firing.id });
  }

  /** Null without its event. */
  #requestOf(firing: Firing, trigger: TriggerDefinition | null): RunRequest | null {
    const event = this.#options.eventOf(firing.event);
    if (event === undefined) return null;
    const { definition, triggers } = this.#options.state();
    const state = triggers.get(firing.trigger);
    const run = "run" in firing.state ? firing.state.run : "";
    const attempt = "attempt" in firing.state ? firing.state.attempt : 1;
    const link: ChainLink = { daemon: definition.name, trigger: firing.trigger, run };
    // The count of a trigger includes this run once it has begun.
    const before = (state?.runs ?? 0) - Number(firing.state.kind !== "evaluating");
    return {
      run,
      trigger,
      event,
      attempt,
      chain: [...event.chain, link],
      lastResult: state?.lastResult ?? null,
      executionCount: Math.max(0, before),
    };
  }
}
