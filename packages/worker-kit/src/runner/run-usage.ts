/**
 * Tracks the usage of a run: from the worker's output, and from the files that its adapter names. Both are emitted as usage
 * events while it runs, so that a ceiling takes effect.
 */
import { ignore, unknownUsage, type Usage, type WorkerEvent } from "@agentcore/contract";
import { mostUsage } from "../usage-sum.ts";
import { UsageTail } from "../usage-tail.ts";
import type { Run } from "./prepare.ts";

export interface RunUsage {
  /** Call before the worker is released. Never rejects. */
  prepare(): Promise<void>;
  start(): void;
  /** Reads the rest after the worker is gone. Never rejects. */
  end(): Promise<void>;
  /** Records an event of the worker's output; returns null for an event that must not be passed on. */
  seen(event: WorkerEvent): WorkerEvent | null;
  /** Usage of the whole run; `printed` is the worker's own report. */
  total(printed: Usage | undefined): Usage;
  /** The model that the files name; null if none. */
  model(): string | null;
}

export function followUsage(run: Run, emit: (event: WorkerEvent) => void): RunUsage {
  const { adapter, task } = run.request;
  let session = task.session ?? null;
  let known = unknownUsage;
  const tail =
    adapter.usageFiles === undefined
      ? null
      : new UsageTail({
          files: adapter.usageFiles,
          env: run.env,
          home: run.home,
          session: () => session,
          onLines(reader) {
            const usage = reader.usage();
            if (usage === null || sameUsage(usage, known)) return;
            known = usage;
            emit({ type: "usage", usage, costUsd: null });
          },
        });
  /** A resumed session may print totals that include earlier runs; its files distinguish them. */
  const isPartOf = (): boolean => task.session !== undefined && known !== unknownUsage;
  return {
    prepare: async () => tail?.skipWhatIsThere(),
    start: () => tail?.start(run.parts.clock),
    async end() {
      try {
        await tail?.end();
      } catch (error) {
        ignore(error, "what was read until then counts");
      }
    },
    seen(event) {
      if (event.type === "started") session = event.session ?? session;
      return event.type === "usage" && event.costUsd === null && isPartOf() ? null : event;
    },
    total: (printed = unknownUsage) => (isPartOf() ? known : mostUsage(printed, known)),
    model: () => tail?.reader.model() ?? null,
  };
}

function sameUsage(a: Usage, b: Usage): boolean {
  return (
    a.inputTokens === b.inputTokens &&
    a.cachedInputTokens === b.cachedInputTokens &&
    a.outputTokens === b.outputTokens
  );
}
