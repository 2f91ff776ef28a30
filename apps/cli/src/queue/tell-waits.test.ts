import { expect, it } from "vitest";
import { waitOf, type WaitFacts } from "./tell-waits.ts";

const pressure = { code: "AC_PRESSURE", message: "too little disk space is free" };
const facts = (rest: Partial<WaitFacts>): WaitFacts => ({
  stats: { ready: 0, delayed: 0, running: 0 },
  reasons: [],
  nextAt: null,
  now: 1000,
  ...rest,
});

it.each<[string, Partial<WaitFacts>, string | null]>([
  ["an empty queue waits for nothing", {}, null],
  ["what runs needs no word", { stats: { ready: 3, delayed: 1, running: 1 }, reasons: [pressure] }, null],
  ["a queue that nothing holds back starts at once", { stats: { ready: 3, delayed: 0, running: 0 } }, null],
  [
    "a queue that is held back says by what",
    { stats: { ready: 3, delayed: 0, running: 0 }, reasons: [pressure] },
    "for 3 queued jobs: too little disk space is free (AC_PRESSURE)",
  ],
  [
    "a drain says what it waits for",
    { stats: { ready: 0, delayed: 1, running: 0 }, nextAt: 7_201_000 },
    "for 1 delayed job; the next is due in 2h",
  ],
])("%s", (_what, rest, text) => {
  expect(waitOf(facts(rest))?.text ?? null).toBe(text);
});
