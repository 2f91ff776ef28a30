/** 50 parallel runs under one shared cap, at several sizes of everything: by how much does what the provider bills pass it? */
import { createSqliteLedger } from "@agentcore/store-sqlite";
import { createDraws } from "../draws.ts";
import { drawRun, type RunShape } from "./draw-run.ts";
import { outputMicroUsd, startScriptedProvider, type Bill } from "./scripted-provider.ts";
import { SpendRuntime } from "./spend-runtime.ts";
import { inStateDirectory, tenantLevel } from "./state-directory.ts";

export interface OvershootCase extends Omit<RunShape, "tenant" | "breaksOff"> {
  readonly what: string;
  readonly capUsd: number;
}

export interface OvershootRow {
  readonly what: string;
  readonly capUsd: number;
  readonly ceilingUsd: number;
  readonly permits: number;
  readonly refusedPermits: number;
  readonly stopped: number;
  readonly calls: number;
  readonly shortened: number;
  readonly billedMicroUsd: number;
  readonly ledgerMicroUsd: number;
  /** Of the bills beyond the cap, and of each permit beyond its ceiling, together. */
  readonly beyondCapMicroUsd: number;
  readonly beyondCeilingsMicroUsd: number;
  /** What reasoning beyond what was held adds to the bills. */
  readonly hiddenMicroUsd: number;
  readonly findings: readonly string[];
}

/** Output that is held for a call that asks for more. */
const outputBound = 8000;

const small = [64, 512, 1500] as const;
const large = [8000, 4000, 32_000] as const;

export const overshootCases: readonly OvershootCase[] = [
  {
    what: "small answers",
    capUsd: 1,
    ceilingUsd: 0.1,
    lanes: 1,
    calls: 8,
    maxTokens: small,
    inputTokensMax: 4000,
    hidden: "none",
  },
  {
    what: "large answers",
    capUsd: 5,
    ceilingUsd: 0.5,
    lanes: 1,
    calls: 6,
    maxTokens: large,
    inputTokensMax: 20_000,
    hidden: "none",
  },
  {
    what: "4 calls at once",
    capUsd: 4,
    ceilingUsd: 0.4,
    lanes: 4,
    calls: 3,
    maxTokens: large,
    inputTokensMax: 8000,
    hidden: "none",
  },
  {
    what: "16 calls at once, small cap",
    capUsd: 0.5,
    ceilingUsd: 0.25,
    lanes: 16,
    calls: 3,
    maxTokens: [64, 1500, 8000],
    inputTokensMax: 3000,
    hidden: "none",
  },
  {
    what: "reasoning within the limit",
    capUsd: 3,
    ceilingUsd: 0.3,
    lanes: 3,
    calls: 3,
    maxTokens: [1500, 8000],
    inputTokensMax: 8000,
    hidden: "most",
  },
  {
    what: "ceilings that differ little from one call",
    capUsd: 2,
    ceilingUsd: 0.04,
    lanes: 2,
    calls: 4,
    maxTokens: [1024, 8000],
    inputTokensMax: 3000,
    hidden: "some",
  },
  {
    what: "hidden reasoning beyond what is held",
    capUsd: 4,
    ceilingUsd: 0.4,
    lanes: 2,
    calls: 3,
    maxTokens: [32_000],
    inputTokensMax: 4000,
    hidden: "most",
  },
];

export async function overshoot(
  cases: readonly OvershootCase[],
  permits: number,
  seed: number,
): Promise<OvershootRow[]> {
  const rows: OvershootRow[] = [];
  for (const [index, one] of cases.entries()) rows.push(await rowOf(one, permits, seed + index));
  return rows;
}

async function rowOf(one: OvershootCase, permits: number, seed: number): Promise<OvershootRow> {
  return inStateDirectory(async ({ database, directory }) => {
    const provider = await startScriptedProvider();
    const { capUsd, ceilingUsd } = one;
    const runtime = new SpendRuntime({ database, directory, providerUrl: provider.url, capUsd, outputBound });
    try {
      const draws = createDraws(seed);
      const runs = Array.from({ length: permits }, (_, number) =>
        drawRun(draws, `run-${number}`, { ...one, tenant: "shared", breaksOff: 0.03 }),
      );
      const endings = await Promise.all(runs.map((run) => runtime.run(run)));
      await runtime.close();
      await provider.idle();
      const level = await tenantLevel(createSqliteLedger(database), "shared");
      const { bills } = provider;
      const billed = sumOf(bills);
      const perRun = runs.map(({ id }) => sumOf(bills.filter(({ run }) => run === id)));
      const beyondCap = Math.max(0, billed - capUsd * 1e6);
      const beyondCeilings = perRun.reduce((sum, spent) => sum + Math.max(0, spent - ceilingUsd * 1e6), 0);
      const hidden = bills.reduce(
        (sum, bill) => sum + outputMicroUsd(Math.max(0, bill.hiddenTokens - outputBound)),
        0,
      );
      const results = endings.map(({ result }) => result);
      const failed = results.flatMap((result) =>
        result !== "refused" && result.outcome !== "succeeded" && result.outcome !== "budget_exhausted"
          ? [`${one.what}: a run ended with ${result.outcome}: ${result.summary}`]
          : [],
      );
      return {
        what: one.what,
        capUsd,
        ceilingUsd,
        permits,
        refusedPermits: results.filter((result) => result === "refused").length,
        stopped: results.filter((result) => result !== "refused" && result.outcome === "budget_exhausted")
          .length,
        calls: bills.length,
        shortened: bills.filter(({ isShortened }) => isShortened).length,
        billedMicroUsd: billed,
        ledgerMicroUsd: level.costSpentMicroUsd,
        beyondCapMicroUsd: beyondCap,
        beyondCeilingsMicroUsd: beyondCeilings,
        hiddenMicroUsd: hidden,
        findings: [
          ...failed,
          ...(Math.max(beyondCap, beyondCeilings) > hidden
            ? [
                `${one.what}: ${beyondCap} beyond the cap, ${beyondCeilings} beyond ceilings, in micro-dollars; hidden reasoning explains ${hidden}`,
              ]
            : []),
          ...(level.costSpentMicroUsd + hidden < billed
            ? [`${one.what}: the ledger has ${level.costSpentMicroUsd} micro-dollars, ${billed} were billed`]
            : []),
          ...(level.costHeldMicroUsd > 0 ? [`${one.what}: ${level.costHeldMicroUsd} are still held`] : []),
        ],
      };
    } finally {
      await runtime.close();
      await provider.close();
    }
  });
}

function sumOf(bills: readonly Bill[]): number {
  return bills.reduce((sum, { microUsd }) => sum + microUsd, 0);
}
