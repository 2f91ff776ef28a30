/** Serves the API over memory stores, on a free port and a Unix socket. */
import {
  AgentCoreError,
  systemClock,
  systemIds,
  type Log,
  type RunDetailsDocument,
  type RunDocument,
} from "@agentcore/contract";
import { createMemoryStore, QueueClient, type JobStore } from "@agentcore/scheduler";
import {
  createMemoryTokenStore,
  createMemoryTriggerStore,
  type TokenStore,
  type Json,
  type TriggerEvent,
  type TriggerStore,
} from "@agentcore/triggers";
import { testEvent, testTrigger, triggerState } from "@agentcore/triggers/testing";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createToken } from "../http/tokens.ts";
import type { ApiEvent, ApiPorts, TriggersPort, WorkflowsPort } from "../ports.ts";
import { queueJobs } from "../queue-jobs.ts";
import { testOverview } from "./test-overview.ts";
import { serveApi, type ServeApiOptions, type ServedApi } from "../serve-api.ts";

export interface TestApi {
  readonly served: ServedApi;
  readonly url: string;
  readonly socket: string;
  readonly store: JobStore;
  readonly client: QueueClient;
  readonly triggerStore: TriggerStore;
  readonly tokens: TokenStore;
  /** Texts of tokens. */
  readonly read: string;
  readonly operate: string;
  readonly log: TestLog;
  publish(event: ApiEvent): void;
  /** With a token that may operate, unless `init` has another. */
  fetch(path: string, init?: TestRequest): Promise<Response>;
  close(): Promise<void>;
}

export interface TestRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface TestApiOptions {
  readonly ports?: Partial<ApiPorts>;
  readonly limits?: ServeApiOptions["limits"];
  readonly hosts?: readonly string[];
  readonly page?: ServeApiOptions["page"];
}

export interface TestLog extends Log {
  readonly lines: readonly string[];
}

/** Keeps warnings and errors. */
export function testLog(): TestLog {
  const lines: string[] = [];
  const keep = (fields: object, message: string): void =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  return { lines, debug: () => {}, info: () => {}, warn: keep, error: keep };
}

const memoryClient = (store: JobStore, log: Log): QueueClient =>
  new QueueClient({ store, clock: systemClock, ids: systemIds, log });

export async function serveTestApi({ ports, limits, hosts, page }: TestApiOptions = {}): Promise<TestApi> {
  const directory = mkdtempSync(join(tmpdir(), "agentcore-api-"));
  const log = testLog();
  const store = createMemoryStore();
  const client = memoryClient(store, log);
  const triggerStore = createMemoryTriggerStore();
  const tokens = createMemoryTokenStore();
  const listeners = new Set<(event: ApiEvent) => void>();
  const made = { store: tokens, clock: systemClock, ids: systemIds };
  const [read, operate] = await Promise.all(
    (["read", "operate"] as const).map(async (scope) => {
      const { text } = await createToken({ name: scope, scope, expiresAt: null }, made);
      return text;
    }),
  );
  const served = await serveApi({
    ports: {
      ...memoryPorts({ client, triggerStore }),
      events: {
        subscribe: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      ...ports,
    },
    tokens,
    listen: { socket: join(directory, "api.sock"), port: 0, ...(hosts === undefined ? {} : { hosts }) },
    clock: systemClock,
    log,
    limits,
    page,
  });
  const url = served.url ?? "";
  return {
    served,
    url,
    socket: served.socket ?? "",
    store,
    client,
    triggerStore,
    tokens,
    read: read ?? "",
    operate: operate ?? "",
    log,
    publish: (event) => {
      for (const listener of listeners) listener(event);
    },
    fetch: (path, init = {}) => {
      const headers = { authorization: `Bearer ${operate}`, ...init.headers };
      return fetch(`${url}${path}`, { ...init, headers });
    },
    close: async () => {
      await served.close();
      client.closeClient();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export interface MemoryPortsOptions {
  readonly client?: QueueClient;
  readonly triggerStore?: TriggerStore;
}

/** Ports over memory. Nothing runs the jobs. */
export function memoryPorts({
  client = memoryClient(createMemoryStore(), testLog()),
  triggerStore = createMemoryTriggerStore(),
}: MemoryPortsOptions = {}): ApiPorts {
  return {
    events: { subscribe: () => () => {} },
    ...queueJobs({
      client,
      prepare: async (job) => job,
      callsOf: async () => ({ latest: [], attempts: [] }),
      attemptCallsOf: async () => [],
      factsOf: async () => ({ placeOf: () => null, left: [] }),
      logs: async ({ jobId, attempt, stream, encoding, offset, limit }) => {
        const text = "line 1\nline 2\n".slice(offset).slice(0, limit);
        const place = { offset, nextOffset: offset + text.length, sizeBytes: 14, ended: true };
        const encoded = Buffer.from(text).toString(encoding);
        return { type: "log", jobId, attempt: attempt ?? 1, stream, ...place, encoding, text: encoded };
      },
      artifact: async ({ jobId, attempt, name, kind, offset, limit }) => {
        if (name !== "changes") throw new AgentCoreError("AC_ARTIFACT_NOT_FOUND", `no artifact ${name}`);
        const text = "+line 1\n-line 2\n".slice(offset).slice(0, limit);
        const place = { offset, nextOffset: offset + text.length, sizeBytes: 16 };
        return {
          type: "artifact",
          jobId,
          attempt: attempt ?? 1,
          name,
          kind: kind ?? "patch",
          ...place,
          text,
        };
      },
    }),
    workflows: memoryWorkflows(),
    triggers: memoryTriggers(triggerStore),
    daemon: {
      version: () => ({ version: "0.1.0", name: "test", startedAt: 0 }),
      readiness: async () => ({ ready: true, state: "ready", checks: [] }),
      budgets: async () => [
        { scope: "global", kind: "cost_usd", window: "day", limit: 5, held: 1, spent: 2, left: 2 },
      ],
      holds: async () => [
        {
          type: "hold",
          permitId: "permit-1",
          jobId: "job-1",
          attempt: 1,
          worker: "codex",
          tenant: null,
          provider: "openai",
          costUsd: 1,
          tokens: 0,
          heldAt: 0,
          owner: { pid: 7, state: "dead" },
          job: [],
        },
      ],
      overview: async () => testOverview,
      spend: async ({ since, bucketMs }) => [
        { at: since + bucketMs, scope: "global", costUsd: 3, tokens: 30 },
        { at: since + bucketMs, scope: "worker:shell", costUsd: 2, tokens: 20 },
      ],
      callSpend: async ({ since, until }) => ({
        sinceAt: since,
        untilAt: until,
        workers: [],
        models: [{ name: "anthropic/claude-opus-5", calls: 2, costUsd: 2, tokens: 20, heldUsd: 1 }],
        tenants: [],
      }),
      pricing: () => ({ unpriced: "zero" }),
      drain: async () => ({ jobs: 0, runs: 0, deadline: null }),
      stopAll: async (reason) => ({
        at: 0,
        reason,
        durationMs: 1,
        triggers: ["nightly"],
        runs: [],
        queued: 0,
        jobs: [],
        survivors: [],
        isEmpty: true,
      }),
    },
    metrics: async () => "agentcore_build_info 1\n",
  };
}

function memoryWorkflows(): WorkflowsPort {
  const runs = new Map<string, RunDocument>();
  const find = (id: string): RunDocument => {
    const run = runs.get(id);
    if (run === undefined) throw new AgentCoreError("AC_WORKFLOW_RUN_NOT_FOUND", `no run has the id ${id}`);
    return run;
  };
  const details = ({ type: _type, ...run }: RunDocument): RunDetailsDocument => ({
    type: "run_details",
    ...run,
    inputs: {},
    approvals: [],
    steps: null,
    failedNotifications: [],
  });
  return {
    run: async ({ file, workspace }) => {
      const id = systemIds.next();
      runs.set(id, {
        type: "run",
        id,
        name: "test",
        state: "RUNNING",
        file,
        workspace,
        steps: 1,
        stepsEnded: 0,
        startedAt: 0,
        lastAt: 0,
        endedAt: null,
        downtimeMs: 0,
        message: null,
        code: null,
        costUsd: null,
        tokens: null,
        waitsFor: [],
        waitsForGroup: null,
      });
      return { id };
    },
    list: async ({ limit, states, name }) => ({
      runs: [...runs.values()]
        .toReversed()
        .filter((run) => states?.includes(run.state) !== false && (name === undefined || run.name === name))
        .slice(0, limit),
      next: null,
    }),
    show: async (id) => details(find(id)),
    steps: async (id) => {
      find(id);
      return [];
    },
    graph: async (id) => ({
      type: "run_graph",
      run: find(id).id,
      nodes: [],
      drawing: null,
    }),
    resume: async (id) => ({ id: find(id).id }),
    retry: async (id) => ({ id: find(id).id }),
    cancel: async (id) => {
      runs.set(id, { ...find(id), state: "CANCELLED" });
      return "cancelled";
    },
    answer: async (id, { decision, step, by, message }) => ({
      type: "approval",
      run: find(id).id,
      step: step ?? "only",
      decision,
      by: by ?? "somebody",
      message,
      isApplied: true,
    }),
    jobs: async (id) => {
      find(id);
      return [];
    },
  };
}

function memoryTriggers(store: TriggerStore): TriggersPort {
  const definition = testTrigger({ id: "nightly", on: "night", workflow: "/w/nightly.yaml" });
  let state = triggerState("nightly");
  const add = async (source: string, payload: unknown, change: Partial<TriggerEvent> = {}) => {
    const id = systemIds.next();
    const at = systemClock.now();
    const event = testEvent({ id, source, at, payload: payload as Json, ...change });
    const [outcome] = await store.accept({ events: [event] });
    return outcome === "accepted" ? { events: [id], duplicates: 0 } : { events: [], duplicates: 1 };
  };
  return {
    list: async () => [
      {
        definition,
        source: "cron",
        state,
        nextFireAt: 60_000,
        nextFires: [60_000],
        counts: [],
        now: systemClock.now(),
      },
    ],
    pause: async (_trigger, note) => {
      state = { ...state, pause: { at: systemClock.now(), by: "person", note } };
    },
    resume: async () => {
      state = { ...state, pause: null };
    },
    fire: async (trigger, payload) => (await add("night", payload, { onlyTrigger: trigger })).events[0] ?? "",
    backfill: async (_trigger, { from, to }) => {
      const slots = Array.from({ length: Math.ceil((to - from) / 86_400_000) }, (_, day) =>
        new Date(from + day * 86_400_000).toISOString(),
      );
      const accepted = await Promise.all(slots.map((key) => add("night", {}, { key })));
      return {
        events: accepted.flatMap(({ events }) => events),
        duplicates: accepted.reduce((sum, { duplicates }) => sum + duplicates, 0),
      };
    },
    replay: async (event, trigger) => {
      const found = await store.event(event);
      const change = { replayOf: event, onlyTrigger: trigger };
      return (await add("night", found?.event.payload, change)).events[0] ?? "";
    },
    emit: async ({ topic, payload, key, chain }) => {
      if (topic === "work") return add("work", payload, { key, chain });
      throw new AgentCoreError("AC_TOPIC_UNKNOWN", `no source has the topic ${topic}`);
    },
    event: (id) => store.event(id),
    events: (query) => store.events(query),
    firing: (id) => store.firing(id),
    firings: (query) => store.firings(query),
    whyWaits: ({ state: { kind } }) =>
      kind === "waiting" ? { code: "delay", text: "debounce or jitter", until: 5000 } : null,
    cancelFiring: async (id) => {
      throw new AgentCoreError("AC_FIRING_NOT_FOUND", `no firing with the id ${id} waits or runs`);
    },
  };
}
