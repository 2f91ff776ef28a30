/** Random inputs against rules that hold whatever comes. */
import { seededRandom, testSeed } from "@agentcore/contract/testing";
import { expect, it } from "vitest";
import type { DaemonDefinition, TriggerDefinition } from "../definition.ts";
import { isOpen } from "../firing.ts";
import { testDefinition } from "../testing/index.ts";
import { MachineRig } from "../testing/machine-rig.ts";
import { initialState } from "./initial-state.ts";
import type { Decision } from "./machine.ts";
import { nextWakeAt } from "./next-wake.ts";

const sources = ["x", "y"];
const ids = ["one", "two", "three", "four"];
const gate = { worker: "shell", agent: null, instructions: "exit 0", capabilities: [], timeoutMs: 30_000 };

class Chance {
  readonly next: () => number;

  constructor(seed: number) {
    const random = seededRandom(seed);
    this.next = () => random.next();
  }

  of<T>(...values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)]!;
  }

  trigger(id: string): Partial<TriggerDefinition> {
    return {
      id,
      on: this.of(...sources),
      enabled: this.next() < 0.95,
      filter: this.of([], [], [{ path: ["n"], oneOf: [1, 2] }]),
      debounceMs: this.of(0, 0, 3_000),
      cooldownMs: this.of(0, 0, 4_000),
      jitterMs: this.of(0, 0, 2_000),
      maxQueue: this.of(0, 1, 2, 10),
      onFailure: this.of("ignore", "retry", "pause_trigger"),
      maxRetries: this.of(0, 1, 2),
      evaluate: this.of(null, null, gate),
      key: this.of(null, null, "k", "{{event.n}}"),
      dedup: this.of("coalesce", "latest-wins", "reject"),
      overlap: this.of("skip", "buffer_one", "buffer_all", "cancel_other", "allow_all"),
      maxRuns: this.of(null, null, 3),
      budget: this.of(null, null, { costUsd: 3, tokens: null, per: "hour" }),
      endAt: this.of(null, null, null, Date.UTC(2026, 0, 1, 12, 1)),
    };
  }

  definition(): DaemonDefinition {
    return testDefinition({
      maxConcurrentWorkflows: this.of(1, 2, 3),
      budget: this.of(null, null, { costUsd: 6, tokens: null, per: "hour" }),
      triggers: ids.filter(() => this.next() < 0.8).map((id) => this.trigger(id)),
    });
  }
}

function step(rig: MachineRig, chance: Chance, number: number): void {
  const open = [...rig.state.open.values()];
  const busy = open.filter(({ state }) => state.kind !== "waiting");
  const some = chance.of(...open);
  const roll = chance.next();
  rig.random = chance.next();
  if (roll < 0.4) {
    const onlyTrigger = chance.next() < 0.1 ? chance.of(...ids) : null;
    rig.event(`e${number}`, {
      source: chance.of(...sources),
      onlyTrigger,
      payload: { n: chance.of(1, 2, 3) },
    });
  } else if (roll < 0.7 && busy.length > 0) answer(rig, chance, chance.of(...busy).id);
  else if (roll < 0.86) rig.pass(chance.of(100, 1_000, 5_000, 60_000, 3_600_000));
  else if (roll < 0.9) rig.give({ type: "pause", trigger: chance.of(...ids), note: "" });
  else if (roll < 0.94) rig.give({ type: "resume", trigger: chance.of(...ids) });
  else if (roll < 0.97 && some !== undefined) rig.give({ type: "cancel", firing: some.id, reason: "" });
  else if (roll < 0.98) rig.give({ type: "reload", definition: chance.definition() });
  else if (roll < 0.99) rig.pass(-chance.of(1_000, 60_000, 40 * 24 * 3_600_000));
  else if (chance.next() < 0.1) rig.give({ type: "drain" });
}

function answer(rig: MachineRig, chance: Chance, id: string): void {
  const firing = rig.state.open.get(id)!;
  if (firing.state.kind === "evaluating") {
    const evaluation = { answer: chance.of("run", "run", "skip", "error"), text: "" } as const;
    rig.give({ type: "evaluated", firing: id, evaluation });
    return;
  }
  const outcome = chance.of("SUCCEEDED", "FAILED", "FAILED", "CANCELLED");
  rig.give({
    type: "run_ended",
    firing: id,
    outcome,
    message: null,
    costUsd: chance.of(null, 1),
    tokens: null,
  });
}

interface Seen {
  readonly runs: Set<string>;
  readonly over: Set<string>;
}

function check(rig: MachineRig, { changes, effects }: Decision, seen: Seen): void {
  const { state, now } = rig;
  const open = [...state.open.values()];
  const started = effects.filter(({ type }) => type === "run" || type === "evaluate");
  // A limit that a reload made smaller holds for what begins.
  if (started.length > 0)
    expect(open.filter((firing) => firing.state.kind !== "waiting").length).toBeLessThanOrEqual(
      state.definition.maxConcurrentWorkflows,
    );
  for (const { firing, type } of started) {
    const trigger = state.definition.triggers.get(firing.trigger);
    expect(trigger?.enabled).toBe(true);
    expect(state.triggers.get(firing.trigger)?.pause).toBeNull();
    expect(state.isDraining).toBe(false);
    expect(state.open.get(firing.id)).toBe(firing);
    if (trigger?.overlap !== "allow_all")
      expect(
        open.filter((other) => other.trigger === firing.trigger && other.state.kind !== "waiting"),
      ).toEqual([firing]);
    if (
      typeof trigger?.maxRuns === "number" &&
      type === "run" &&
      firing.state.kind === "running" &&
      firing.state.attempt === 1
    )
      expect(state.triggers.get(firing.trigger)!.runs).toBeLessThanOrEqual(trigger.maxRuns);
    if (firing.state.kind === "running") {
      expect(seen.runs.has(firing.state.run)).toBe(false);
      seen.runs.add(firing.state.run);
    }
  }
  for (const firing of changes.firings) {
    expect(seen.over.has(firing.id)).toBe(false);
    if (!isOpen(firing)) seen.over.add(firing.id);
  }
  // Nothing that could begin waits, so the engine does not spin.
  expect(nextWakeAt(state) ?? Infinity).toBeGreaterThan(now);
}

/** What the store would hold gives the same state again. */
function checkReload(rig: MachineRig, triggers: Map<string, Decision["changes"]["triggers"][number]>): void {
  const open = [...rig.firings.values()]
    .filter(isOpen)
    .map((firing) => ({ firing, event: rig.events.get(firing.event)! }));
  const again = initialState(rig.state.definition, { triggers: [...triggers.values()], open, sources: {} });
  expect([...again.open]).toEqual([...rig.state.open]);
  for (const [id, state] of again.triggers) expect(rig.state.triggers.get(id)).toEqual(state);
}

it("under any inputs limits hold, each event has one firing for each trigger of its source, and none is lost", () => {
  const seed = testSeed("trigger machine");
  for (let round = 0; round < 200; round += 1) {
    const chance = new Chance(seed + round);
    const rig = new MachineRig(chance.definition());
    const seen: Seen = { runs: new Set(), over: new Set() };
    const stored = new Map<string, Decision["changes"]["triggers"][number]>();
    const expected: string[] = [];
    for (let number = 0; number < 80; number += 1) {
      const before = rig.last;
      step(rig, chance, number);
      if (rig.last === null || rig.last === before) continue;
      check(rig, rig.last, seen);
      for (const trigger of rig.last.changes.triggers) stored.set(trigger.id, trigger);
      const event = rig.events.get(`e${number}`);
      if (event !== undefined)
        for (const trigger of rig.state.definition.triggers.values())
          if (event.onlyTrigger === null ? trigger.on === event.source : trigger.id === event.onlyTrigger)
            expected.push(`${event.id} ${trigger.id}`);
    }
    expect([...rig.firings.values()].map(({ event, trigger }) => `${event} ${trigger}`)).toEqual(expected);
    checkReload(rig, stored);
    if (!rig.state.isDraining) finish(rig, seen);
  }
});

/** With every answer given, every pause lifted and enough time, everything ends. */
function finish(rig: MachineRig, seen: Seen): void {
  for (let turn = 0; rig.state.open.size > 0; turn += 1) {
    expect(turn).toBeLessThan(1_000);
    for (const id of ids) rig.give({ type: "resume", trigger: id });
    for (const firing of rig.state.open.values()) {
      if (firing.state.kind === "evaluating")
        rig.give({ type: "evaluated", firing: firing.id, evaluation: { answer: "run", text: "" } });
      if (firing.state.kind === "running")
        rig.give({
          type: "run_ended",
          firing: firing.id,
          outcome: "SUCCEEDED",
          message: null,
          costUsd: 1,
          tokens: 1,
        });
    }
    const at = nextWakeAt(rig.state);
    if (at !== null) rig.pass(at - rig.now);
    check(rig, rig.last!, seen);
  }
}
