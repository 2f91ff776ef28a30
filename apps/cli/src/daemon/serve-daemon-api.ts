/** The API of a daemon: its ports, made of the parts of the daemon, on its socket and, if the file asks for it, a port. */
import {
  createMetrics,
  queueJobs,
  serveApi,
  withConfiguredToken,
  type ApiEvent,
  type EventsPort,
  type MetricsSample,
  type ServedApi,
} from "@agentcore/api";
import {
  noRefusedKeys,
  systemClock,
  systemIds,
  type Log,
  type RunEvent,
  type WorkerAdapter,
} from "@agentcore/contract";
import { QueueClient } from "@agentcore/scheduler";
import { firingDocument, type DaemonDefinition, type Decision } from "@agentcore/triggers";
import type { WorkflowEvent } from "@agentcore/workflow";
import type { Environment } from "@agentcore/yaml-file";
import { isIPv6 } from "node:net";
import { createSettingPlaces } from "../config/setting-place.ts";
import type { LoadedConfig } from "../config/load.ts";
import { workflowEventJson, runResultJson } from "../json/workflow-documents.ts";
import { prepareJob } from "../library/prepare-job.ts";
import { callsOfJob } from "../queue/job-calls.ts";
import { leftProcesses } from "../state/quarantine.ts";
import { sharedPlaceOf } from "../state/state-dir.ts";
import { packageVersion } from "../version.ts";
import type { DaemonParts } from "./open-daemon.ts";
import { daemonPort, type DaemonPortOptions } from "./daemon-port.ts";
import { readArtifactChunk, readLogChunk } from "./attempt-files.ts";
import { Overview } from "./overview.ts";
import { pageFiles } from "./page-files.ts";
import { triggersPort } from "./triggers-port.ts";
import { workflowsPort } from "./workflows-port.ts";

/** What happens in the daemon, for those who follow it. */
export class DaemonEvents implements EventsPort {
  readonly #listeners = new Set<(event: ApiEvent) => void>();

  subscribe(listener: (event: ApiEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  job(event: RunEvent): void {
    this.#publish({
      topic: event.type === "worker_event" ? "output" : "jobs",
      document: event,
      job: event.jobId,
    });
  }

  workflow(event: WorkflowEvent): void {
    if (event.type === "job_event") return;
    const document =
      event.type === "run_ended"
        ? { ...runResultJson(event.result), type: "run_ended", run: event.run, at: event.at }
        : workflowEventJson(event);
    this.#publish({ topic: "workflows", document: document as ApiEvent["document"], run: event.run });
  }

  triggers({ firings, triggers }: Decision["changes"]): void {
    for (const firing of firings) {
      const document = firingDocument({ sequence: 0, firing }, null);
      this.#publish({ topic: "triggers", document, trigger: firing.trigger });
    }
    const told = new Set(firings.map(({ trigger }) => trigger));
    for (const { id, pause } of triggers) {
      if (told.has(id)) continue;
      const document = { type: "trigger_changed", trigger: id, paused: pause !== null };
      this.#publish({ topic: "triggers", document, trigger: id });
    }
  }

  #publish(event: ApiEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

export interface DaemonApiOptions {
  readonly parts: DaemonParts;
  readonly events: DaemonEvents;
  readonly definition: DaemonDefinition;
  readonly loaded: LoadedConfig;
  readonly adapters: readonly WorkerAdapter[];
  readonly env: Environment;
  readonly log: Log;
  readonly onEndAsked: DaemonPortOptions["onEndAsked"];
  readonly graceMs: number;
}

/** Rejects with `AC_ADDRESS_UNAVAILABLE`. */
export async function serveDaemonApi(options: DaemonApiOptions): Promise<ServedApi> {
  const { parts, events, definition, loaded, adapters, env, log, onEndAsked, graceMs } = options;
  const { composition, scheduler, journal, workflows, engine, sources } = parts;
  const { config } = loaded;
  const { store, state, stores } = composition;
  const client = new QueueClient({ store, clock: systemClock, ids: systemIds, log });
  const places = { store, attemptsDir: state.attempts, ...sharedPlaceOf(state) };
  const { ledger, calls } = stores;
  const startedAt = systemClock.now();
  const overview = new Overview({ parts, config, ledger, startedAt, attemptsDir: state.attempts });
  const daemon = daemonPort({ parts, config, ledger, overview, startedAt, onEndAsked, graceMs });
  let served: ServedApi | null = null;
  const metrics = createMetrics({ sample: () => sampleOf(options, daemon, served), clock: systemClock });
  const unsubscribe = scheduler.subscribe((event) => {
    metrics.note(event);
    overview.note(event);
    events.job(event);
  });
  served = await serveApi({
    ports: {
      ...queueJobs({
        client,
        logs: (request) => readLogChunk(request, places),
        artifact: (request) => readArtifactChunk(request, places),
        attemptCallsOf: (id) => calls.attemptsOfJob(id),
        callsOf: (id) => callsOfJob(calls, id),
        prepare: (job) => prepareJob(job, { adapters, config }),
        factsOf: async ({ job }) => ({
          placeOf: await createSettingPlaces(loaded),
          left: leftProcesses(state.containment, job),
        }),
      }),
      workflows: workflowsPort({ workflows, journal, store, env }),
      triggers: triggersPort({ engine, store: parts.store, sources }),
      daemon,
      events,
      metrics: () => metrics.text(),
    },
    tokens: withConfiguredToken(stores.tokens, definition.server.token),
    listen: {
      socket: definition.server.socket,
      ...(definition.server.http === null ? {} : listenOf(definition.server.http)),
    },
    clock: systemClock,
    log,
    page: pageFiles(),
  });
  const opened = served;
  return {
    socket: opened.socket,
    url: opened.url,
    stats: () => opened.stats(),
    close: async (waitMs) => {
      unsubscribe();
      await opened.close(waitMs);
      client.closeClient();
    },
  };
}

/** Clients call it by its address, unless that stands for all addresses. */
const listenOf = ({ host, port, names }: NonNullable<DaemonDefinition["server"]["http"]>) => ({
  host,
  port,
  hosts: [isIPv6(host) ? `[${host}]` : host, ...names],
});

async function sampleOf(
  { parts }: DaemonApiOptions,
  daemon: ReturnType<typeof daemonPort>,
  served: ServedApi | null,
): Promise<MetricsSample> {
  const { scheduler, composition, engine, store, sources } = parts;
  const [queue, budgets, firings, load] = await Promise.all([
    scheduler.stats(),
    daemon.budgets(),
    store.countFirings(),
    composition.runtime.load().catch(() => null),
  ]);
  const { definition, triggers, open } = engine.state;
  const states = [...definition.triggers.values()].map(({ id, enabled }) =>
    !enabled ? "disabled" : triggers.get(id)?.pause === null ? "active" : "paused",
  );
  const countOf = (state: (typeof states)[number]): number => states.filter((one) => one === state).length;
  return {
    version: packageVersion(),
    queue,
    budgets,
    breakers: load?.breakers ?? [],
    pressure: load?.pressure ?? null,
    runtimeUp: load !== null,
    runtimeRestarts: composition.restarts(),
    refusedKeys: load?.refusedKeys ?? noRefusedKeys,
    firings,
    sources: sources.counts(),
    triggers: { active: countOf("active"), paused: countOf("paused"), disabled: countOf("disabled") },
    workflowRuns: [...open.values()].filter(({ state }) => state.kind === "running").length,
    api: served?.stats() ?? null,
  };
}
