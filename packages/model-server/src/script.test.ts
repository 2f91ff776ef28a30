import { expect, it } from "vitest";
import { turnsSchema } from "./script.ts";

const good = [
  [{ text: "hello" }],
  [{ text: "slow", drip: { chunkMs: 1000 } }],
  [{ toolCall: { name: "shell", input: { command: "ls" } }, repeat: 3 }, { text: "done" }],
  [{ toolCall: { name: "WebFetch", input: { url: "x" } } }],
  [{ status: 429, retryAfterSeconds: 1, repeat: "forever" }],
  [{ hang: "mid-stream" }],
  [{ garbage: "sse" }],
  [{ cut: true }],
];

const bad = [
  [],
  {},
  [{}],
  [{ txt: "hello" }],
  [{ text: "hello", status: 500 }],
  [{ status: 200 }],
  [{ hang: "now" }],
  [{ text: "x", repeat: 0 }],
  [{ text: "x", usage: { inputTokens: -1, outputTokens: 1 } }],
];

it.each(good.map((turns) => ({ turns })))("accepts $turns", ({ turns }) => {
  expect(turnsSchema.safeParse(turns).success).toBe(true);
});

it.each(bad.map((turns) => ({ turns })))("refuses $turns", ({ turns }) => {
  expect(turnsSchema.safeParse(turns).success).toBe(false);
});
