/** The open sources of a daemon. After a reload only those whose settings changed are opened again. */
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
import { runContainedProgram } from "@agentcore/worker-kit";
import type { Environment } from "@agentcore/yaml-file";
import { isDeepStrictEqual } from "node:util";
import type { OpenState } from "../compose.ts";

export interface OpenSourcesOptions {
  readonly host: SourceHost;
  readonly composition: Pick<OpenState, "containment">;
  readonly env: Environment;
  readonly log: Log;
}

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
  readonly of: unknown;
  readonly source: Source;
}

export class OpenSources {
  readonly #options: OpenSourcesOptions;
  readonly #open = new Map<Group, OpenGroup>();

  constructor(options: OpenSourcesOptions) {
    this.#options = options;
  }

  /**
   * Opens what the definition needs, and closes what it does not. Rejects with the error of a source that cannot start; then
   * the ones before are open again.
   */
  async replace(definition: DaemonDefinition): Promise<void> {
    const before = new Map(this.#open);
    try {
      for (const group of groups) await this.#replaceGroup(group, definition);
    } catch (error) {
      await this.#restore(before);
      throw error;
    }
  }

  topics(): QueueTopics {
    return this.#open.get("topics")!.source as QueueTopics;
  }

  webhookPort(source: string): number | undefined {
    return (this.#open.get("webhooks")?.source as WebhookServers | undefined)?.portOf(source);
  }

  counts(): readonly SourceCount[] {
    return [...this.#open.values()].flatMap(({ source }) => source.counts?.() ?? []);
  }

  async close(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(all.map(({ source }) => source.close()));
  }

  async #replaceGroup(group: Group, definition: DaemonDefinition): Promise<void> {
    const { workspace, stateDir } = definition;
    const sources = [...definition.sources].filter(([, { type }]) => groupOf[type] === group);
    const of = { sources, workspace, stateDir };
    const now = this.#open.get(group);
    if (now !== undefined && isDeepStrictEqual(now.of, of)) return;
    // The old one first: both may need the same port.
    await now?.source.close();
    const source = this.#make(group, definition);
    this.#open.set(group, { of, source });
    await source.start();
  }

  async #restore(before: ReadonlyMap<Group, OpenGroup>): Promise<void> {
    for (const [group, { of }] of before) {
      const now = this.#open.get(group);
      if (now?.of === of) continue;
      await now?.source.close();
      const { sources, ...place } = of as {
        sources: [string, EventSource][];
        workspace: string;
        stateDir: string;
      };
      const source = this.#make(group, { ...place, sources: new Map(sources) });
      this.#open.set(group, { of, source });
      await source.start();
    }
  }

  #make(
    group: Group,
    { sources, workspace, stateDir }: Pick<DaemonDefinition, "sources" | "workspace" | "stateDir">,
  ): Source {
    const { host, log } = this.#options;
    const common = { host, log, clock: systemClock };
    const ofType = <T extends EventSource["type"]>(type: T): Map<string, EventSource & { type: T }> =>
      new Map(
        [...sources].filter((entry): entry is [string, EventSource & { type: T }] => entry[1].type === type),
      );
    switch (group) {
      case "schedules":
        return new Schedules({ ...common, sources });
      case "webhooks":
        return new WebhookServers({ ...common, sources: ofType("webhook") });
      case "watches":
        return new FileWatchSources({ ...common, sources: ofType("fswatch"), workspace, stateDir });
      case "commands":
        return new CommandSources({
          ...common,
          sources: ofType("command"),
          runCommand: (request) => this.#run(request, workspace),
        });
      case "topics":
        return new QueueTopics({ ...common, sources, ids: systemIds });
    }
  }

  async #run(
    { source, command, stdoutBytesMax, signal }: CommandRequest,
    cwd: string,
  ): Promise<CommandResult> {
    const { composition, env } = this.#options;
    const { exit, timedOut, stdout, overflowed } = await runContainedProgram(
      { containment: composition.containment, clock: systemClock, ids: systemIds },
      {
        command: "/bin/sh",
        args: ["-c", command],
        cwd,
        env: commandEnvironment(env),
        label: `command:${source}`,
        timeoutMs: commandMsMax,
        stdoutBytesMax,
        stderrBytesMax: 0,
        signal,
      },
    );
    const failed = (why: string) => new AgentCoreError("AC_WORKER_EXIT", `the command of ${source} ${why}`);
    if (timedOut) throw failed(`took longer than ${commandMsMax / 1000} s and was ended`);
    if (overflowed) return { stdout, exitCode: 0 };
    if (exit.code === null) throw failed(`was ended by ${exit.signal}`);
    return { stdout, exitCode: exit.code };
  }
}

const commandMsMax = 60_000;

/** What a worker gets: never the whole environment of the daemon. */
function commandEnvironment(env: Environment): Record<string, string> {
  const names = ["PATH", "HOME", "LANG", "LC_ALL", "TZ"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
