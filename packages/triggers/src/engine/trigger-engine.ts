/**
 * Runs the machine: one loop takes events and other inputs in order, decides, makes the decisions durable, and then
 * performs their effects. A crash between any two of these loses nothing and repeats no run: an event stays unrouted until
 * its decisions are committed, and a run is started under an id that was committed before.
 */
import {
  AgentCoreError,
  backOffMs,
  sleep,
  type Clock,
  type Ids,
  type Log,
  type Random,
  type Timer,
} from "@agentcore/contract";
import { decide } from "../decide/decide.ts";
import { initialState } from "../decide/initial-state.ts";
import type { Decision, MachineInput, MachineState } from "../decide/machine.ts";
import { nextWakeAt } from "../decide/next-wake.ts";
import { isScheduled } from "../decide/slot-times.ts";
import { cursorFrom, nextSlotAt, nextSlots, slotsBetween } from "../decide/slots.ts";
import type { DaemonDefinition, TriggerDefinition } from "../definition.ts";
import type { Firing } from "../firing.ts";
import type { Acceptance, SourceChange, SourceEvent, SourceHost } from "../source.ts";
import type { Json, TriggerEvent } from "../trigger-event.ts";
import type { TriggerRunner } from "../trigger-runner.ts";
import type { TriggerState } from "../trigger-state.ts";
import type { AcceptRequest, TriggerStore } from "../trigger-store.ts";
import { Effects } from "./effects.ts";
import { PendingChange } from "./pending-change.ts";

export interface TriggerEngineOptions {
  readonly definition: DaemonDefinition;
  readonly store: TriggerStore;
  readonly runner: TriggerRunner;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly log: Log;
  /** After each commit, with what it changed. Must not throw. */
  readonly onChange?: (changes: Decision["changes"]) => void;
}

/** Events in one commit: enough to share its cost, few enough to keep the loop of events free. */
const routedAtOnce = 100;
/** Slots of one backfill. */
const backfillMax = 1000;
/** How often events of other processes are looked for. */
const pollMs = 1_000;
/** The longest wait for a wall clock, which can be set back or forward meanwhile. */
const wakeMsMax = 60_000;

interface WaitingInput {
  readonly input: MachineInput;
  readonly done: () => void;
  readonly refuse: (error: AgentCoreError) => void;
}

export class TriggerEngine implements SourceHost {
  readonly #options: TriggerEngineOptions;
  #state: MachineState;
  /** Events of open firings. */
  readonly #events = new Map<string, TriggerEvent>();
  #inputs: WaitingInput[] = [];
  #looksForEvents = true;
  /** Reloads that are going. */
  #holds = 0;
  #wake: Timer | null = null;
  #poll: Timer | null = null;
  #working: Promise<void> | null = null;
  #isClosed = false;
  readonly #closing = new AbortController();
  /** By id of the source: what it keeps between events. */
  readonly #sources: Map<string, Json>;
  readonly #effects: Effects;

  private constructor(options: TriggerEngineOptions, state: MachineState, sources: Map<string, Json>) {
    this.#options = options;
    this.#state = state;
    this.#sources = sources;
    this.#effects = new Effects({
      runner: options.runner,
      log: options.log,
      state: () => this.#state,
      eventOf: (id) => this.#events.get(id),
      tell: (input) => this.#tell(input),
    });
  }

  /** Continues where the last daemon stopped: what ran is resumed, what waited waits on. Rejects with `AC_STORE_…`. */
  static async open(options: TriggerEngineOptions): Promise<TriggerEngine> {
    const loaded = await options.store.load();
    const engine = new TriggerEngine(
      options,
      initialState(options.definition, loaded),
      new Map(Object.entries(loaded.sources)),
    );
    for (const { firing, event } of loaded.open) {
      engine.#events.set(event.id, event);
      if (firing.state.kind === "running") {
        engine.#effects.perform({ type: "run", firing });
        const { cancel: reason } = firing.state;
        if (reason !== null) engine.#effects.perform({ type: "cancel_run", firing, reason });
      }
      if (firing.state.kind === "evaluating") engine.#effects.perform({ type: "evaluate", firing });
      if (firing.state.kind === "analyzing") engine.#effects.perform({ type: "analyze", firing });
    }
    engine.#schedulePoll();
    engine.#input({ type: "time" }).catch(() => {});
    return engine;
  }

  /** As of the last commit. */
  get state(): MachineState {
    return this.#state;
  }

  async accept(event: SourceEvent): Promise<Acceptance> {
    return this.#keep(this.#eventOf(event));
  }

  async acceptAll(events: readonly SourceEvent[]): Promise<readonly Acceptance[]> {
    return this.#keepAll({ events: events.map((event) => this.#eventOf(event)) });
  }

  async acceptWithState({ source, state, events }: SourceChange): Promise<readonly Acceptance[]> {
    const kept = events.map((event) => this.#eventOf(event));
    const answers = await this.#keepAll({ events: kept, sources: { [source]: state } });
    this.#sources.set(source, state);
    return answers;
  }

  stateOf(source: string): Json | undefined {
    return this.#sources.get(source);
  }

  /** Fires one trigger, as an event of its source would. Throws `AC_TRIGGER_NOT_FOUND`. */
  async fire(id: string, payload: Json = { type: "manual" }): Promise<TriggerEvent> {
    const { on } = this.#trigger(id);
    const event = { ...this.#eventOf({ source: on, payload, key: null, chain: [] }), onlyTrigger: id };
    await this.#keep(event);
    return event;
  }

  /** Repeats an event, at one trigger or at all of its source; the original stays. Throws `AC_EVENT_NOT_FOUND`. */
  async replay(id: string, onlyTrigger: string | null = null): Promise<TriggerEvent> {
    const found = await this.#options.store.event(id);
    if (found === null)
      throw new AgentCoreError("AC_EVENT_NOT_FOUND", `there is no event ${id}`, { evidence: { event: id } });
    if (onlyTrigger !== null) this.#trigger(onlyTrigger);
    const { source, payload, chain } = found.event;
    const repeated = this.#eventOf({ source, payload, key: null, chain });
    const event = { ...repeated, onlyTrigger, replayOf: found.event.id };
    await this.#keep(event);
    return event;
  }

  /**
   * Fires a trigger for each slot of its schedule in [`from`, `to`), once however often it is asked. At most 1000; the oldest
   * come first. Throws `AC_TRIGGER_NOT_FOUND`, or `AC_USAGE` if its source has no schedule.
   */
  async backfill(
    id: string,
    { from, to }: { readonly from: number; readonly to: number },
  ): Promise<{ readonly events: readonly string[]; readonly duplicates: number }> {
    const { on } = this.#trigger(id);
    const schedule = this.#scheduleOf(on);
    if (schedule === null)
      throw new AgentCoreError(
        "AC_USAGE",
        `the source of trigger "${id}" is no schedule, so it has no slots`,
      );
    const { source, cursor } = schedule;
    const { slots } = slotsBetween(source, { from, to: to - 1, limit: backfillMax, cursor });
    const events = slots.map(({ key, payload }) => ({
      ...this.#eventOf({ source: on, payload, chain: [], key: `backfill ${id} ${key}` }),
      onlyTrigger: id,
    }));
    const answers = await this.#keepAll({ events });
    const accepted = events.filter((_, index) => answers[index] === "accepted").map((event) => event.id);
    return { events: accepted, duplicates: events.length - accepted.length };
  }

  /** When the next slot of a schedule is; null: never, or the source has none. */
  nextSlotAt(id: string): number | null {
    const schedule = this.#scheduleOf(id);
    return schedule === null ? null : nextSlotAt(schedule.source, schedule.cursor);
  }

  /** When the next slots of a schedule are, at most `count`; none if the source has no schedule. */
  nextSlots(id: string, count: number): readonly number[] {
    const schedule = this.#scheduleOf(id);
    return schedule === null ? [] : nextSlots(schedule.source, schedule.cursor, count);
  }

  /** Resolves once it is durable. Throws `AC_TRIGGER_NOT_FOUND`. */
  async pause(id: string, note: string): Promise<TriggerState> {
    this.#trigger(id);
    await this.#input({ type: "pause", trigger: id, note });
    return this.#stateOf(id);
  }

  /** As `pause`. Does nothing to a trigger that is not paused. */
  async resume(id: string): Promise<TriggerState> {
    this.#trigger(id);
    await this.#input({ type: "resume", trigger: id });
    return this.#stateOf(id);
  }

  /** Cancels a firing that waits or runs. Throws `AC_FIRING_NOT_FOUND` if there is no such open firing. */
  async cancel(firing: string, reason: string): Promise<void> {
    if (!this.#state.open.has(firing))
      throw new AgentCoreError("AC_FIRING_NOT_FOUND", `no firing ${firing} waits or runs`, {
        evidence: { firing },
      });
    await this.#input({ type: "cancel", firing, reason });
  }

  /**
   * The new definition counts from the next decision on. No event is decided while `opening` opens the sources for it: theirs
   * are for the new triggers. Rejects as `opening` does; then the old definition stays.
   */
  async reload(
    definition: DaemonDefinition,
    opening: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    this.#holds += 1;
    try {
      await opening();
      await this.#input({ type: "reload", definition });
    } finally {
      this.#holds -= 1;
      this.look();
    }
  }

  /** From now on no run begins; resolves once that counts. Running ones go on. */
  async drain(): Promise<void> {
    await this.#input({ type: "drain" });
  }

  /** Looks for events that another process added. */
  look(): void {
    this.#looksForEvents = true;
    this.#work();
  }

  /** Resolves once no run, evaluation or analysis is open. */
  whenQuiet(): Promise<void> {
    return this.#effects.whenQuiet();
  }

  /**
   * Stops deciding, also while the store takes no write: what is not stored is decided again by the next daemon. Runs that are
   * open are the runner's: interrupt them before.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.abort();
    this.#wake?.cancel();
    this.#poll?.cancel();
    await this.#working;
    for (const { refuse } of this.#inputs.splice(0)) refuse(shuttingDown());
  }

  async #keep(event: TriggerEvent): Promise<Acceptance> {
    const [answer = "duplicate"] = await this.#keepAll({ events: [event] });
    return answer;
  }

  async #keepAll(request: AcceptRequest): Promise<readonly Acceptance[]> {
    const answers = await this.#options.store.accept(request);
    if (answers.includes("accepted")) this.look();
    return answers;
  }

  #eventOf({ id, source, key, payload, chain, skipped = null }: SourceEvent): TriggerEvent {
    const { ids, clock } = this.#options;
    const more = { onlyTrigger: null, replayOf: null, skipped };
    return { id: id ?? ids.next(), at: clock.now(), source, key, payload, chain, ...more };
  }

  #trigger(id: string): TriggerDefinition {
    const found = this.#state.definition.triggers.get(id);
    if (found !== undefined) return found;
    const known = [...this.#state.definition.triggers.keys()];
    throw new AgentCoreError(
      "AC_TRIGGER_NOT_FOUND",
      `there is no trigger "${id}"; there are ${known.join(", ")}`,
      { evidence: { trigger: id, known } },
    );
  }

  /** Of a source, and where it stands; null: it is no schedule. */
  #scheduleOf(id: string) {
    const source = this.#state.definition.sources.get(id);
    if (source === undefined || !isScheduled(source)) return null;
    return { source, cursor: cursorFrom(source, this.stateOf(id), this.#options.clock.now()) };
  }

  #stateOf(id: string): TriggerState {
    return this.#state.triggers.get(id)!;
  }

  /** Resolves once the decision is durable. */
  #input(input: MachineInput): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(shuttingDown());
        return;
      }
      this.#inputs.push({ input, done: resolve, refuse: reject });
      this.#work();
    });
  }

  #work(): void {
    if (this.#isClosed) return;
    this.#working ??= this.#loop().finally(() => {
      this.#working = null;
      if (this.#inputs.length > 0 || this.#looksForEvents) this.#work();
    });
  }

  async #loop(): Promise<void> {
    while (!this.#isClosed && (this.#inputs.length > 0 || this.#looksForEvents)) await this.#turn();
    this.#scheduleWake();
  }

  /** Decides over everything that is there, in one commit. */
  async #turn(): Promise<void> {
    const inputs = this.#inputs;
    this.#inputs = [];
    const events = await this.#takeEvents();
    const pending = new PendingChange(this.#state);
    for (const { input } of inputs) this.#fold(pending, input);
    for (const event of events) {
      this.#events.set(event.id, event);
      this.#fold(pending, { type: "event", event });
    }
    const changes = pending.changes();
    const routed = events.map(({ id }) => id);
    const isChange = routed.length + changes.firings.length + changes.triggers.length > 0;
    if (isChange && !(await this.#commit({ routed, ...changes }))) {
      for (const { refuse } of inputs) refuse(shuttingDown());
      return;
    }
    this.#state = pending.state;
    for (const effect of pending.effects) this.#effects.perform(effect);
    for (const { done } of inputs) done();
    if (!isChange) return;
    this.#forgetEvents(routed, changes.firings);
    this.#options.onChange?.(changes);
  }

  async #takeEvents(): Promise<readonly TriggerEvent[]> {
    if (!this.#looksForEvents) return [];
    if (this.#holds > 0) {
      // The reload looks again.
      this.#looksForEvents = false;
      return [];
    }
    try {
      const events = await this.#options.store.unrouted(routedAtOnce);
      this.#looksForEvents = events.length === routedAtOnce;
      return events;
    } catch (error) {
      // The poll looks again.
      this.#looksForEvents = false;
      this.#options.log.warn({ error }, "events could not be read; trying again soon");
      return [];
    }
  }

  #fold(pending: PendingChange, input: MachineInput): void {
    const { clock, ids, random } = this.#options;
    pending.add(
      decide(pending.state, input, {
        now: clock.now(),
        nextId: () => ids.next(),
        random: () => random.next(),
        eventOf: (id) => this.#events.get(id),
      }),
    );
  }

  /**
   * Repeats the write until the store takes it: nothing can be decided meanwhile, and nothing is lost. Resolves to whether it
   * was stored; it is not if the engine is closed meanwhile.
   */
  async #commit(change: Parameters<TriggerStore["commit"]>[0]): Promise<boolean> {
    const { store, clock, log } = this.#options;
    for (let failures = 1; ; failures += 1) {
      try {
        await store.commit(change);
        if (failures > 1) log.info({ failures: failures - 1 }, "decisions of triggers can be stored again");
        return true;
      } catch (error) {
        if (failures === 1)
          log.error({ error }, "decisions of triggers could not be stored; it is tried until they can be");
        if (this.#isClosed) return false;
        await sleep(clock, backOffMs(failures, { minMs: 50, maxMs: 5_000 }), this.#closing.signal);
        if (this.#isClosed) return false;
      }
    }
  }

  #forgetEvents(routed: readonly string[], firings: readonly Firing[]): void {
    const needed = new Set([...this.#state.open.values()].map(({ event }) => event));
    for (const id of [...routed, ...firings.map(({ event }) => event)])
      if (!needed.has(id)) this.#events.delete(id);
  }

  /** A daemon that is shutting down decides nothing more; the next one finds the run's end by its id. */
  async #tell(input: MachineInput): Promise<void> {
    try {
      await this.#input(input);
    } catch (error) {
      if (!this.#isClosed) throw error;
    }
  }

  #scheduleWake(): void {
    this.#wake?.cancel();
    this.#wake = null;
    const at = nextWakeAt(this.#state);
    if (at === null || this.#isClosed) return;
    const { clock } = this.#options;
    const delayMs = Math.min(Math.max(at - clock.now(), 0), wakeMsMax);
    this.#wake = clock.setTimer(delayMs, () => void this.#input({ type: "time" }).catch(() => {}));
  }

  #schedulePoll(): void {
    this.#poll = this.#options.clock.setTimer(pollMs, () => {
      if (this.#isClosed) return;
      this.look();
      this.#schedulePoll();
    });
  }
}

const shuttingDown = (): AgentCoreError => new AgentCoreError("AC_DRAINING", "the daemon is shutting down");
