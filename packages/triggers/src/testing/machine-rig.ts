/** Drives the machine in tests: a clock by hand, ids that count, and short texts for what it decides. */
import type { DaemonDefinition } from "../definition.ts";
import type { Firing } from "../firing.ts";
import type { TriggerEvent } from "../trigger-event.ts";
import type { Evaluation } from "../trigger-runner.ts";
import { decide } from "../decide/decide.ts";
import { initialState } from "../decide/initial-state.ts";
import type { Decision, MachineInput, MachineState } from "../decide/machine.ts";
import { testEvent } from "./events.ts";

export interface EndOptions {
  readonly outcome?: "SUCCEEDED" | "FAILED" | "CANCELLED";
  readonly message?: string | null;
  readonly costUsd?: number | null;
  readonly tokens?: number | null;
}

export class MachineRig {
  state: MachineState;
  now = Date.UTC(2026, 0, 1, 12);
  random = 0;
  /** The last state of every firing, in the order of their events. */
  readonly firings = new Map<string, Firing>();
  readonly events = new Map<string, TriggerEvent>();
  last: Decision | null = null;
  #ids = 0;

  constructor(definition: DaemonDefinition) {
    this.state = initialState(definition, { triggers: [], open: [], sources: {} });
  }

  give(input: MachineInput): Decision {
    const decision = decide(this.state, input, {
      now: this.now,
      nextId: () => `id${String((this.#ids += 1))}`,
      random: () => this.random,
      eventOf: (id) => this.events.get(id),
    });
    this.state = decision.state;
    this.last = decision;
    for (const firing of decision.changes.firings) this.firings.set(firing.id, firing);
    return decision;
  }

  /** An event with the name as its id. */
  event(id: string, change: Partial<TriggerEvent> = {}): void {
    const event = testEvent({ id, at: this.now, ...change });
    this.events.set(id, event);
    this.give({ type: "event", event });
  }

  pass(durationMs: number): void {
    this.now += durationMs;
    this.give({ type: "time" });
  }

  end(
    event: string,
    { outcome = "SUCCEEDED", message = null, costUsd = null, tokens = null }: EndOptions = {},
  ): void {
    this.give({ type: "run_ended", firing: this.firing(event).id, outcome, message, costUsd, tokens });
  }

  evaluated(event: string, answer: Evaluation["answer"], text = "because"): void {
    this.give({ type: "evaluated", firing: this.firing(event).id, evaluation: { answer, text } });
  }

  /** The firing of an event, at one trigger if there are several. */
  firing(event: string, trigger?: string): Firing {
    const found = [...this.firings.values()].find(
      (firing) => firing.event === event && (trigger ?? firing.trigger) === firing.trigger,
    );
    if (found === undefined) throw new RangeError(`no firing of ${event}`);
    return found;
  }

  /** Such as `a running, b waiting, c skipped queue_full`. */
  seen(): string {
    return [...this.firings.values()].map((firing) => `${firing.event} ${stateText(firing)}`).join(", ");
  }
}

function stateText({ state }: Firing): string {
  switch (state.kind) {
    case "skipped":
      return `skipped ${state.reason.code}`;
    case "running":
      return state.cancel === null ? "running" : "stopping";
    case "ended":
      return state.outcome;
    default:
      return state.kind;
  }
}
