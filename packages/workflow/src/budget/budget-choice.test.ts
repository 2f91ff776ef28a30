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
  spends: true,
});
const ask = (rest: Partial<BudgetQuestion>) =>
  chooseStarts({
    starts: [start("a")],
    left: usd(10),
    rivals: () => 0,
    reservationsRunning: false,
    slots: null,
    ...rest,
  });
const given = (rest: Partial<BudgetQuestion>) =>
  Object.fromEntries([...ask(rest).ceilings].map(([step, { costUsd }]) => [step, costUsd]));

describe("the choice of who starts with what", () => {
  it.each<[string, Partial<BudgetQuestion>, Record<string, number | null>]>([
    ["one alone gets all that is left", {}, { a: 10 }],
    ["those that start together get equal parts", { starts: [start("a"), start("b")] }, { a: 5, b: 5 }],
    ["those that could start meanwhile keep their part", { rivals: () => 3 }, { a: 2.5 }],
    ["no more parts than may run at once", { rivals: () => 3, slots: 2 }, { a: 5 }],
    [
      "what spends nothing takes nothing",
      { starts: [start("a", { spends: false }), start("b")] },
      { a: null, b: 10 },
    ],
    ["the step's own budget is a ceiling too", { starts: [start("a", { own: usd(1) })] }, { a: 1 }],
    ["with nothing left it waits for those that run", { left: usd(0), reservationsRunning: true }, {}],
    [
      "of those with a budget of their own as many start as have all of it",
      { starts: ["a", "b", "c"].map((step) => start(step, { own: usd(4) })) },
      { a: 4, b: 4 },
    ],
    [
      "a budget of its own is waited for while others may give back",
      { starts: [start("a", { own: usd(4) })], left: usd(3), reservationsRunning: true },
      {},
    ],
    [
      "with nobody to give back, what is left must do",
      { starts: [start("a", { own: usd(4) }), start("b", { own: usd(4) })], left: usd(3) },
      { a: 3 },
    ],
    [
      "those without one share what the others leave, and leave a part to those that wait",
      {
        starts: [start("a"), start("b", { own: usd(4) }), start("c", { own: usd(9) }), start("d")],
      },
      { a: 2, b: 4, d: 2 },
    ],
    [
      "a budget of its own that is used up starts, to fail by it",
      { starts: [start("a", { own: usd(0) })] },
      { a: 0 },
    ],
  ])("%s", (_name, question, expected) => {
    expect(given(question)).toEqual(expected);
  });

  it("is over where nothing is left and nothing runs", () => {
    expect(ask({ left: usd(0) }).isExhausted).toBe(true);
    expect(ask({ left: usd(0), reservationsRunning: true }).isExhausted).toBe(false);
    const starts = [start("free", { spends: false }), start("a")];
    expect(ask({ left: usd(0), starts }).isExhausted).toBe(true);
    expect(ask({ left: usd(0), starts: [start("free", { spends: false })] }).isExhausted).toBe(false);
  });

  it("divides tokens where the step's own budget names only dollars", () => {
    const left = { costUsd: 10, tokens: 900 };
    const { ceilings } = ask({ starts: [start("a", { own: usd(1) }), start("b")], left, rivals: () => 1 });
    expect(ceilings.get("a")).toEqual({ costUsd: 1, tokens: 300 });
    expect(ceilings.get("b")).toEqual({ costUsd: 4.5, tokens: 300 });
  });

  it("knows who waits for whom, also through others", () => {
    const areOrdered = orderOf([plan("a"), plan("b", ["a"]), plan("c", ["b"]), plan("d")]);
    const pairs = [
      ["a", "c"],
      ["c", "a"],
      ["a", "d"],
    ] as const;
    expect(pairs.map(([a, b]) => areOrdered?.(a, b))).toEqual([true, true, false]);
  });
});
