import { testSeed } from "@agentcore/contract/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Budget } from "../definition.ts";
import { budgetLeft, budgetShare, isUsedUp, lower, noCeiling, nothingSpent } from "./budget-share.ts";

const seed = testSeed("budget shares");
const usd = (costUsd: number): Budget => ({ costUsd, tokens: null });

describe("the division of a budget", () => {
  it.each<[string, Budget, Budget]>([
    [
      "nothing is taken where there is no ceiling",
      budgetLeft(noCeiling, { costUsd: 9, tokens: 9 }, []),
      noCeiling,
    ],
    [
      "spent and reserved amounts are gone",
      budgetLeft({ costUsd: 10, tokens: 100 }, { costUsd: 2, tokens: 10 }, [{ costUsd: 3, tokens: 40 }]),
      { costUsd: 5, tokens: 50 },
    ],
    ["it is never below nothing", budgetLeft(usd(1), { costUsd: 2, tokens: 0 }, []), usd(0)],
    [
      "parts are equal and rounded down",
      budgetShare({ costUsd: 1, tokens: 100 }, 3),
      { costUsd: 0.333333, tokens: 33 },
    ],
    [
      "the lower of two ceilings holds, field by field",
      lower({ costUsd: 1, tokens: null }, { costUsd: 2, tokens: 5 }),
      { costUsd: 1, tokens: 5 },
    ],
  ])("%s", (_name, found, expected) => {
    expect(found).toEqual(expected);
  });

  it.each<[Budget, boolean]>([
    [noCeiling, false],
    [usd(0), true],
    [usd(0.000_001), false],
    [{ costUsd: 5, tokens: 0 }, true],
  ])("%j is used up: %s", (budget, expected) => {
    expect(isUsedUp(budget)).toBe(expected);
  });

  it(`keeps spent and reserved within the ceiling whatever starts and ends (seed ${seed})`, () => {
    const moves = fc.array(
      fc.record({
        start: fc.integer({ min: 1, max: 20 }),
        spends: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    );
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 100, noNaN: true }), moves, (ceiling, list) => {
        let spent = nothingSpent;
        const reserved: Budget[] = [];
        for (const { start, spends } of list) {
          const share = budgetShare(budgetLeft(usd(ceiling), spent, reserved), start);
          if (isUsedUp(share)) {
            const ended = reserved.shift();
            spent = { ...spent, costUsd: spent.costUsd + (ended?.costUsd ?? 0) * spends };
          } else reserved.push(...Array.from({ length: start }, () => share));
          const sum = spent.costUsd + reserved.reduce((total, one) => total + (one.costUsd ?? 0), 0);
          expect(sum).toBeLessThanOrEqual(ceiling + 1e-6);
        }
      }),
      { seed, numRuns: 300 },
    );
  });
});
