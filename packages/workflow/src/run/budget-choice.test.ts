import { describe, expect, it } from "vitest";
import type { Budget } from "../definition.ts";
import type { PlanStep } from "../plan/plan-step.ts";
import { chooseStarts, orderOf, type BudgetQuestion } from "./budget-choice.ts";
import { noCeiling } from "./budget-share.ts";

const usd = (costUsd: number): Budget => ({ costUsd, tokens: null });
const start = (step: string, rest: { spends?: boolean; own?: Budget } = {}) => ({
  step,
  spends: true,
  own: noCeiling,
  ...rest,
});
const plan = (id: string, dependsOn: readonly string[] = []): PlanStep => ({
  id,
  dependsOn,
  maxRetries: 0,
  onFailure: "abort",
  loop: null,
});
const ask = (rest: Partial<BudgetQuestion>) =>
  chooseStarts({
    starts: [start("a")],
    left: usd(10),
    waiting: [],
    reservationsRunning: false,
    slots: null,
    areOrdered: () => false,
    ...rest,
  });
const given = (rest: Partial<BudgetQuestion>) =>
  Object.fromEntries([...ask(rest).ceilings].map(([step, { costUsd }]) => [step, costUsd]));

describe("the choice of who starts with what", () => {
  it.each<[string, Partial<BudgetQuestion>, Record<string, number | null>]>([
    ["one alone gets all that is left", {}, { a: 10 }],
    ["those that start together get equal parts", { starts: [start("a"), start("b")] }, { a: 5, b: 5 }],
    ["those that could start meanwhile keep their part", { waiting: ["b", "c", "d"] }, { a: 2.5 }],
    ["no more parts than may run at once", { waiting: ["b", "c", "d"], slots: 2 }, { a: 5 }],
    ["those that come after it leave it theirs", { waiting: ["b"], areOrdered: () => true }, { a: 10 }],
    [
      "what spends nothing takes nothing",
      { starts: [start("a", { spends: false }), start("b")] },
      { a: null, b: 10 },
    ],
    ["the step's own budget is a ceiling too", { starts: [start("a", { own: usd(1) })] }, { a: 1 }],
    ["with nothing left it waits for those that run", { left: usd(0), reservationsRunning: true }, {}],
  ])("%s", (_name, question, expected) => {
    expect(given(question)).toEqual(expected);
  });

  it("is over where nothing is left and nothing runs", () => {
    expect(ask({ left: usd(0) }).isExhausted).toBe(true);
    expect(ask({ left: usd(0), reservationsRunning: true }).isExhausted).toBe(false);
  });

  it("knows who waits for whom, also through others", () => {
    const areOrdered = orderOf([plan("a"), plan("b", ["a"]), plan("c", ["b"]), plan("d")]);
    expect([areOrdered("a", "c"), areOrdered("c", "a"), areOrdered("a", "d")]).toEqual([true, true, false]);
  });
});
