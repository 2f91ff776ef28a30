/** The open sources of a daemon. After a reload only those whose settings changed are opened again. */
import type { OpenedContainment } from "@agentcore/containment";
import { AgentCoreError, systemClock, systemIds, type Log } from "@agentcore/contract";
import {
  CommandSources,
  FileWatchSources,
  QueueTopics,
  Schedules,
  WebhookServers,
  type CommandRequest,
  type CommandResult,
  type DaemonDefinition,
  type EventSource,
  type Source,
  type SourceCount,
  type SourceHost,
} from "@agentcore/triggers";
import { findProgram, programEnvironment, runContainedProgram } from "@agentcore/worker-kit";
import type { Environment } from "@agentcore/yaml-file";
import { isDeepStrictEqual } from "node:util";

export interface OpenSourcesOptions {
  readonly host: SourceHost;
  readonly containment: OpenedContainment;
  /** Absolute paths. */
  readonly workspace: string;
  readonly stateDir: string;
  readonly env: Environment;
  readonly log: Log;
}

type Sources = DaemonDefinition["sources"];

const groups = ["schedules", "webhooks", "watches", "commands", "topics"] as const;
type Group = (typeof groups)[number];

const groupOf: Readonly<Record<EventSource["type"], Group>> = {
  interval: "schedules",
  cron: "schedules",
  webhook: "webhooks",
  fswatch: "watches",
  command: "commands",
  queue: "topics",
};

interface OpenGroup {
  /** What it was opened for. */
  readonly of: Sources;
  readonly source: Source;
}

export class OpenSources {
  readonly #options: OpenSourcesOptions;
  readonly #open = new Map<Group, OpenGroup>();
  /** By sources that are closed. */
  #counted: readonly SourceCount[] = [];
  /** The last `replace`; never rejects. */
  #working: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: OpenSourcesOptions) {
    this.#options = options;
  }

  /**
   * Opens what the definition needs, and closes what it does not; one call after another. Rejects with the error of a source that
   * cannot start; then the ones before are open again, as far as that is possible. Rejects with `AC_DRAINING` after `close`.
   */
  replace({ sources }: Pick<DaemonDefinition, "sources">): Promise<void> {
    const replaced = this.#working.then(() => this.#replace(sources));
    this.#working = replaced.catch(() => {});
    return replaced;
  }

  async #replace(sources: Sources): Promise<void> {
    if (this.#isClosed) throw shuttingDown();
    const before = new Map(this.#open);
    try {
      for (const group of groups) {
        const of = new Map([...sources].filter(([, { type }]) => groupOf[type] === group));
        if (!isDeepStrictEqual(this.#open.get(group)?.of, of)) await this.#reopen(group, of);
      }
    } catch (error) {
      await this.#restore(before);
      throw error;
    }
  }

  async #restore(before: ReadonlyMap<Group, OpenGroup>): Promise<void> {
    for (const [group, { of }] of before) {
      if (this.#open.get(group)?.of === of) continue;
      await this.#reopen(group, of).catch((error: unknown) => {
        const events = [...of.keys()];
        this.#options.log.error(
          { events, error },
          "events could not be opened again; reload the daemon file to try it",
        );
      });
    }
  }

  /** Throws `AC_DRAINING` once they are closed. */
  topics(): QueueTopics {
    const topics = this.#open.get("topics");
    if (topics === undefined) throw shuttingDown();
    return topics.source as QueueTopics;
  }

  webhookPort(source: string): number | undefined {
    return (this.#open.get("webhooks")?.source as WebhookServers | undefined)?.portOf(source);
  }

  /** Since the start of the daemon, over reloads too. */
  counts(): readonly SourceCount[] {
    const open = [...this.#open.values()].flatMap(({ source }) => source.counts?.() ?? []);
    return summed([...this.#counted, ...open]);
  }

  /** After the `replace` that is going. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#working;
    const all = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(all.map(({ source }) => source.close()));
  }

  async #reopen(group: Group, of: Sources): Promise<void> {
    const before = this.#open.get(group)?.source;
    // The old one first: both may need the same port.
    await before?.close();
    const source = this.#make(group, of);
    const started = await source.start().then(
      () => null,
      (error: unknown) => ({ error }),
    );
    this.#counted = summed([...this.#counted, ...(before?.counts?.() ?? [])]);
    if (started === null) this.#open.set(group, { of, source });
    else {
      this.#open.delete(group);
      throw started.error;
    }
  }

  #make(group: Group, sources: Sources): Source {
    const { host, log, workspace, stateDir } = this.#options;
    const common = { host, log, clock: systemClock };
    switch (group) {
      case "schedules":
        return new Schedules({ ...common, sources });
      case "webhooks":
        return new WebhookServers({ ...common, sources: ofType(sources, "webhook") });
      case "watches":
        return new FileWatchSources({ ...common, sources: ofType(sources, "fswatch"), workspace, stateDir });
      case "commands":
        return new CommandSources({
          ...common,
          sources: ofType(sources, "command"),
          runCommand: (request) => this.#run(request),
        });
      case "topics":
        return new QueueTopics({ ...common, sources, ids: systemIds });
    }
  }

  async #run({ source, command, stdoutBytesMax, signal }: CommandRequest): Promise<CommandResult> {
    const { containment, workspace, env } = this.#options;
    const { exit, timedOut, stdout, overflowed } = await runContainedProgram(
      { containment, clock: systemClock, ids: systemIds },
      {
        ...shellOf(env, command),
        cwd: workspace,
        env: programEnvironment(env),
        label: `command:${source}`,
        timeoutMs: commandMsMax,
        stdoutBytesMax,
        stderrBytesMax: 0,
        signal,
      },
    );
    const failed = (why: string) => new AgentCoreError("AC_WORKER_EXIT", `the command of ${source} ${why}`);
    if (timedOut) throw failed(`took longer than ${commandMsMax / 1000} s and was ended`);
    // What comes after it would be neither compared nor seen.
    if (overflowed)
      throw failed(
        `printed more than ${stdoutBytesMax / 1024} KiB; let it print less, such as a checksum of it`,
      );
    if (exit.code === null) throw failed(`was ended by ${exit.signal}`);
    return { stdout, exitCode: exit.code };
  }
}

const shuttingDown = (): AgentCoreError => new AgentCoreError("AC_DRAINING", "the daemon is shutting down");

/** One count for each source and kind. */
function summed(counts: readonly SourceCount[]): readonly SourceCount[] {
  const sums = new Map<string, SourceCount>();
  for (const one of counts) {
    const key = JSON.stringify([one.source, one.kind]);
    sums.set(key, { ...one, count: one.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()];
}

const commandMsMax = 60_000;

/** As the shell worker: bash, or sh where there is none. */
function shellOf(env: Environment, script: string): { readonly command: string; readonly args: string[] } {
  const bash = findProgram("bash", env["PATH"]);
  return bash === null
    ? { command: "/bin/sh", args: ["-c", script] }
    : { command: bash, args: ["--norc", "-c", script] };
}

function ofType<T extends EventSource["type"]>(
  sources: Sources,
  type: T,
): ReadonlyMap<string, EventSource & { type: T }> {
  return new Map(
    [...sources].filter((entry): entry is [string, EventSource & { type: T }] => entry[1].type === type),
  );
}
