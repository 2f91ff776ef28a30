/**
 * Estimates the spending of a lost attempt from its worker's output and usage files, read back through its adapter. If the
 * worker reported the cost of the whole run, that is the result. Otherwise it is the reported spending plus the cost of the
 * most expensive response, for the response in progress. Before the first response it is the bound of one response. If
 * responses came but their cost is unknown, the attempt's ceiling is charged. An attempt that could spend only through the
 * spend gate has no calls there if its output is read: without a response in it, it spent nothing.
 */
import {
  type OutputReader,
  unknownUsage,
  type Usage,
  type UsageFiles,
  type UsageReader,
  type WorkerAdapter,
  type WorkerEvent,
  type OwnPrices,
} from "@agentcore/contract";
import { isAnswer, type RuntimeConfig } from "@agentcore/core";
import type { LostSpending, SpendingOfLost } from "@agentcore/scheduler";
import {
  createLineFramer,
  findAttemptDirectory,
  freeIfUnpriced,
  hasPrice,
  loadPriceList,
  openRegularFile,
  type PriceList,
  type Unpriced,
  UsageTail,
  withOwnPrices,
} from "@agentcore/worker-kit";
import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface TranscriptOptions {
  /** Directory of the attempts' directories. */
  readonly attemptsDir: string;
  /** Adapters of the workers that may have printed; output of other workers cannot be read. */
  readonly adapters: readonly WorkerAdapter[];
  readonly prices?: OwnPrices;
  /** Default: `charge_ceiling`. */
  readonly unpriced?: Unpriced;
  readonly limits: Pick<RuntimeConfig["limits"]["attempt"], "response_cost_usd">;
}

export function createTranscriptSpending({
  attemptsDir,
  adapters,
  limits,
  prices: own = {},
  unpriced,
}: TranscriptOptions): SpendingOfLost {
  return async ({ jobId, attempt, permitId, task, maxCostUsd, spendsOnlyByGate }) => {
    const adapter = adapters.find(({ name }) => name === task.worker);
    if (adapter === undefined) return null;
    const directory = await findAttemptDirectory(attemptsDir, { jobId, attempt, permitId });
    const known = withOwnPrices(await loadPriceList(), own);
    const prices = unpriced === "zero" ? freeIfUnpriced(known) : known;
    const meter = new TranscriptMeter(adapter.provider, task.model ?? null, prices);
    const reader = adapter.createReader({ task, model: task.model ?? null });
    const take = (event: WorkerEvent): void => meter.take(event);
    if (!(await readTranscript(join(directory, "stdout.log"), reader, take)))
      return spendsOnlyByGate ? meteredNothing : null;
    // A resumed session's files include its earlier runs, which can no longer be told apart.
    if (adapter.usageFiles !== undefined && task.session === undefined) {
      await readUsageFiles(adapter.usageFiles, join(directory, "home"), take);
    }
    const { costUsd, usage } = reader.end();
    if (costUsd !== null) return { costUsd, usage };
    if (unpriced === "zero" && meter.lacksPrice(known)) return meter.total;
    if (meter.isAnswered || adapter.provider === null) return meter.estimate();
    if (spendsOnlyByGate) return meteredNothing;
    return maxCostUsd === null
      ? null
      : { costUsd: Math.min(maxCostUsd, limits.response_cost_usd), usage: unknownUsage };
  };
}

const nothing: LostSpending = { costUsd: 0, usage: unknownUsage };

const meteredNothing: LostSpending = {
  costUsd: 0,
  usage: { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 },
  costBasis: "metered",
};

/** Adds up the totals that a worker reports. */
class TranscriptMeter {
  readonly #provider: string | null;
  readonly #prices: PriceList;
  #model: string | null;
  #total = nothing;
  /** The most for one answer. */
  #most = nothing;
  #isKnown = true;
  /** There was an event that only a model's answer causes. */
  isAnswered = false;

  constructor(provider: string | null, model: string | null, prices: PriceList) {
    this.#provider = provider;
    this.#model = model;
    this.#prices = prices;
  }

  take(event: WorkerEvent): void {
    if (event.type === "started") this.#model = event.model ?? this.#model;
    if (isAnswer(event)) this.isAnswered = true;
    if (event.type !== "usage") return;
    const { usage } = event;
    const costUsd = event.costUsd ?? this.#prices.estimateCostUsd(this.#provider, this.#model, usage);
    if (costUsd === null) this.#isKnown = false;
    const before = this.#total;
    this.#total = combine(Math.max, before, { costUsd: costUsd ?? 0, usage });
    this.#most = combine(Math.max, this.#most, combine(minus, this.#total, before));
  }

  get total(): LostSpending {
    return this.#total;
  }

  lacksPrice(list: PriceList): boolean {
    return this.#model !== null && !hasPrice(list, this.#provider, this.#model);
  }

  /** Null if a part has no price, or nothing was reported. */
  estimate(): LostSpending | null {
    if (!this.#isKnown || this.#total.costUsd === 0) return null;
    return combine(plus, this.#total, this.#most);
  }
}

type Operation = (a: number, b: number) => number;
const plus: Operation = (a, b) => a + b;
const minus: Operation = (a, b) => a - b;

/** Field by field; a value that both lack stays unknown. */
function combine(operation: Operation, a: LostSpending, b: LostSpending): LostSpending {
  const field = (name: keyof Usage): number | null => {
    const [first, second] = [a.usage[name], b.usage[name]];
    return first === null && second === null ? null : operation(first ?? 0, second ?? 0);
  };
  return {
    costUsd: operation(a.costUsd, b.costUsd),
    usage: {
      inputTokens: field("inputTokens"),
      cachedInputTokens: field("cachedInputTokens"),
      outputTokens: field("outputTokens"),
    },
  };
}

/** For a worker that records its usage in files of its HOME, one answer at a time. */
async function readUsageFiles(
  files: UsageFiles,
  home: string,
  take: (event: WorkerEvent) => void,
): Promise<void> {
  const createReader = (): UsageReader => {
    const reader = files.createReader();
    return {
      usage: () => reader.usage(),
      model: () => reader.model(),
      line(file, text) {
        reader.line(file, text);
        const [usage, model] = [reader.usage(), reader.model()];
        if (model !== null) take({ type: "started", session: null, model });
        if (usage !== null) take({ type: "usage", usage, costUsd: null });
      },
    };
  };
  const env = { HOME: home };
  const tail = new UsageTail({
    files: { ...files, createReader },
    env,
    home: "own",
    session: () => null,
    onLines: () => {},
  });
  await tail.end();
}

/** Returns false if no transcript may be read: its worker could write to its place. */
async function readTranscript(
  path: string,
  reader: OutputReader,
  take: (event: WorkerEvent) => void,
): Promise<boolean> {
  const lines = createLineFramer((line, oversized) => reader.stdout(line, oversized).forEach(take));
  const file = await openRegularFile(path, await realpath(dirname(path)).catch(() => dirname(path)));
  if (file === null) return false;
  for await (const chunk of file.createReadStream() as AsyncIterable<Uint8Array>) lines.write(chunk);
  lines.end();
  return true;
}
