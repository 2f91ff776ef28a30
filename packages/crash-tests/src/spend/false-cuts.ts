/** Runs that cost less than their ceiling, of the kinds that make a meter err: is any of them refused, cut or shortened? */
import { createSqliteCallJournal } from "@agentcore/store-sqlite";
import { createDraws, type Draws } from "../draws.ts";
import type { PlannedCall, PlannedRun } from "./planned-run.ts";
import { costOfScript, startScriptedProvider } from "./scripted-provider.ts";
import { SpendRuntime } from "./spend-runtime.ts";
import { inStateDirectory } from "./state-directory.ts";

const healthyKinds = ["128,000 tokens", "cached", "reasoning", "tool loop", "sub-agents"] as const;
type HealthyKind = (typeof healthyKinds)[number];

export interface FalseCutRow {
  readonly kind: HealthyKind;
  readonly runs: number;
  readonly headroom: number;
  readonly calls: number;
  /** Runs, like the next. */
  readonly refused: number;
  readonly cut: number;
  /** Responses whose limit of output took something away. */
  readonly shortened: number;
  readonly findings: readonly string[];
}

const outputBound = 32_000;

/**
 * `headroom`: the ceiling of a run is what it costs, times this. The input of a first request counts as one token per two bytes,
 * and its output as all that it asks for, so that a ceiling of little more than the cost of one call refuses that call.
 */
export interface FalseCutOptions {
  readonly runs: number;
  readonly headroom: number;
  readonly seed: number;
}

export async function falseCuts({ runs, headroom, seed }: FalseCutOptions): Promise<FalseCutRow[]> {
  return inStateDirectory(async ({ database, directory }) => {
    const provider = await startScriptedProvider();
    const runtime = new SpendRuntime({
      database,
      directory,
      providerUrl: provider.url,
      capUsd: 1e6,
      outputBound,
    });
    const journal = createSqliteCallJournal(database);
    const rows: FalseCutRow[] = [];
    try {
      const draws = createDraws(seed);
      for (const [index, kind] of healthyKinds.entries()) {
        const count = Math.floor((runs + index) / healthyKinds.length);
        const planned = Array.from({ length: count }, (_, n) =>
          healthyRun(draws, kind, `${index}-run-${n}`, headroom),
        );
        // Ten at a time: each request of the first kind has half a megabyte.
        const waiting = [...planned];
        const endings = (
          await Promise.all(
            Array.from({ length: 10 }, async () => {
              const ended = [];
              for (let run = waiting.shift(); run !== undefined; run = waiting.shift())
                ended.push(await runtime.run(run));
              return ended;
            }),
          )
        ).flat();
        const calls = await Promise.all(planned.map(({ id }) => journal.callsOfJob(id)));
        const cut = calls.filter((ofRun) => ofRun.some(({ outcome }) => outcome === "cut")).length;
        const ids = new Set(planned.map(({ id }) => id));
        const shortened = provider.bills.filter(({ run, isShortened }) => ids.has(run) && isShortened).length;
        const unwell = endings.filter(({ result }) => result === "refused" || result.outcome !== "succeeded");
        rows.push({
          kind,
          runs: endings.length,
          headroom,
          calls: calls.flat().length,
          refused: unwell.length - cut,
          cut,
          shortened,
          findings: [
            ...unwell.map(({ run, result }) =>
              result === "refused"
                ? `${kind}: ${run.id} got no permit`
                : `${kind}: ${run.id} with a ceiling of $${run.ceilingUsd} ended with ${result.outcome}: ${result.summary}`,
            ),
            ...(shortened > 0
              ? [`${kind}: ${shortened} responses are shorter than they would have been`]
              : []),
          ],
        });
      }
      return rows;
    } finally {
      await runtime.close();
      await provider.close();
    }
  });
}

interface CallSize {
  readonly inputTokens: number;
  readonly cachedShare: number;
  readonly maxTokens: number;
  readonly hiddenTokens: number;
  readonly textTokens: number;
}

function healthyRun(draws: Draws, kind: HealthyKind, id: string, headroom: number): PlannedRun {
  const bytesPerToken = 2.6 + draws.next() * 1.9;
  let number = 0;
  const lanes = sizesOf(draws, kind).map((sizes) =>
    sizes.map((size) => {
      number += 1;
      return callOf(id, number, bytesPerToken, size);
    }),
  );
  const cost = lanes.flat().reduce((sum, { script }) => sum + costOfScript(script), 0);
  return { id, tenant: "healthy", ceilingUsd: Math.ceil(cost * headroom) / 1e6, lanes };
}

function callOf(run: string, number: number, bytesPerToken: number, size: CallSize): PlannedCall {
  const { inputTokens: all, cachedShare, maxTokens, hiddenTokens, textTokens } = size;
  const cacheReadTokens = Math.floor(all * cachedShare);
  const cacheWriteTokens = cachedShare > 0 ? Math.floor(all * 0.05) : 0;
  const fresh = all - cacheReadTokens - cacheWriteTokens;
  const inputTokens = fresh - (fresh % 1000) + number;
  const chunks = Math.max(2, Math.ceil(textTokens / 200));
  return {
    script: {
      run,
      inputTokens,
      cacheReadTokens,
      cacheWriteTokens,
      hiddenTokens,
      textTokens,
      chunks,
      chunkMs: 0,
    },
    inputBytes: Math.ceil((inputTokens + cacheReadTokens + cacheWriteTokens) * bytesPerToken) + 8,
    maxTokens,
    breaksOff: false,
  };
}

/** The calls of each lane. What is asked for is what agents ask for, and much more than what they get. */
function sizesOf(draws: Draws, kind: HealthyKind): CallSize[][] {
  const answer = { maxTokens: 32_000, hiddenTokens: 0 };
  const several = <T>(low: number, high: number, make: (n: number) => T): T[] =>
    Array.from({ length: draws.whole(low, high) }, (_, n) => make(n));
  switch (kind) {
    case "128,000 tokens":
      return [
        several(2, 4, () => ({
          ...answer,
          inputTokens: 128_000,
          cachedShare: 0,
          textTokens: draws.whole(50, 2000),
        })),
      ];
    case "cached":
      return [
        several(6, 12, (n) => ({
          ...answer,
          inputTokens: 30_000 + n * 4000,
          cachedShare: n === 0 ? 0 : 0.9,
          textTokens: draws.whole(50, 1000),
        })),
      ];
    case "reasoning":
      return [
        several(2, 5, () => ({
          maxTokens: 32_000,
          inputTokens: draws.whole(2000, 20_000),
          cachedShare: 0,
          hiddenTokens: draws.whole(5000, 28_000),
          textTokens: draws.whole(50, 2000),
        })),
      ];
    case "tool loop":
      return [
        several(20, 40, (n) => ({
          ...answer,
          inputTokens: 4000 + n * 600,
          cachedShare: 0.5,
          textTokens: draws.whole(30, 300),
        })),
      ];
    case "sub-agents":
      return several(4, 8, () =>
        several(2, 5, (n) => ({
          ...answer,
          inputTokens: 6000 + n * 2000,
          cachedShare: 0,
          textTokens: draws.whole(100, 1500),
        })),
      );
  }
}
