/** Definitions for tests: one source of the type `queue`, and triggers on it. */
import type { DaemonDefinition, TriggerDefinition } from "../definition.ts";

export function testTrigger(change: Partial<TriggerDefinition> = {}): TriggerDefinition {
  return {
    id: "trigger",
    on: "source",
    workflow: "/workspace/flow.yaml",
    enabled: true,
    filter: [],
    debounceMs: 0,
    cooldownMs: 0,
    maxQueue: 10,
    onFailure: "ignore",
    maxRetries: 3,
    evaluate: null,
    analyze: null,
    context: { env: {}, lastResult: false, eventPayload: false },
    key: null,
    dedup: "coalesce",
    budget: null,
    overlap: "buffer_all",
    jitterMs: 0,
    startAt: null,
    endAt: null,
    maxRuns: null,
    maxChainDepth: 3,
    ...change,
  };
}

type Change = Partial<Omit<DaemonDefinition, "triggers">> & {
  readonly triggers?: readonly Partial<TriggerDefinition>[];
};

/** With one trigger, unless `triggers` says otherwise. */
export function testDefinition({ triggers = [{}], ...change }: Change = {}): DaemonDefinition {
  return {
    name: "test",
    description: null,
    file: "/workspace/daemon.yaml",
    workspace: "/workspace",
    stateDir: "/workspace/.daemon-state",
    store: null,
    logDir: null,
    agentsFile: null,
    maxConcurrentWorkflows: 5,
    budget: null,
    server: { socket: "/workspace/.daemon-state/daemon.sock", http: null, token: null },
    sources: new Map([["source", { type: "queue", topic: "source" }]]),
    triggers: new Map(triggers.map(testTrigger).map((trigger) => [trigger.id, trigger])),
    ...change,
  };
}
