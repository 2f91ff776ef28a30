import type { WorkerResult } from "@agentcore/contract";
import { expect, test } from "vitest";
import { fakeResult } from "../testing/fake-worker.ts";
import { chargeOf, type RunBounds, type RunSightings, withCharge } from "./spending.ts";

const ran: RunSightings = { released: true, answered: true, costUsd: null, tokens: 0 };
const silent: RunSightings = { ...ran, answered: false };
const bound: RunBounds = { costMicroUsd: 5_000_000, tokens: 1000 };
const noBound: RunBounds = { costMicroUsd: null, tokens: null };
const tokens = { inputTokens: 10, cachedInputTokens: null, outputTokens: 5 };

type Case = [string, Partial<WorkerResult>, RunSightings, RunBounds, boolean, ReturnType<typeof chargeOf>];
test.each<Case>([
  [
    "that reported all",
    { costUsd: 1.25, costBasis: "reported", usage: tokens },
    ran,
    bound,
    true,
    { costMicroUsd: 1_250_000, tokens: 15, basis: "reported" },
  ],
  [
    "that was priced from its tokens",
    { costUsd: 0.5, costBasis: "estimated", usage: tokens },
    ran,
    bound,
    true,
    { costMicroUsd: 500_000, tokens: 15, basis: "estimated" },
  ],
  [
    "that spent more than was held",
    { costUsd: 7, costBasis: "reported", usage: tokens },
    ran,
    bound,
    true,
    { costMicroUsd: 7_000_000, tokens: 15, basis: "reported" },
  ],
  [
    "that reported nothing at all",
    {},
    ran,
    bound,
    true,
    { costMicroUsd: 5_000_000, tokens: 1000, basis: "estimated" },
  ],
  [
    "that reported tokens and no cost",
    { usage: tokens },
    ran,
    bound,
    true,
    { costMicroUsd: 5_000_000, tokens: 15, basis: "estimated" },
  ],
  [
    "that was killed after reporting on the way",
    { outcome: "cancelled", errorClass: "cancelled" },
    { ...ran, costUsd: 0.75, tokens: 300 },
    bound,
    true,
    { costMicroUsd: 750_000, tokens: 300, basis: "reported" },
  ],
  [
    "that was killed before reporting",
    { outcome: "timed_out", errorClass: "timeout" },
    silent,
    bound,
    true,
    { costMicroUsd: 5_000_000, tokens: 1000, basis: "estimated" },
  ],
  [
    "that reported nothing and held nothing",
    {},
    ran,
    noBound,
    true,
    { costMicroUsd: 0, tokens: 0, basis: "none" },
  ],
  ["without a provider", {}, ran, bound, false, { costMicroUsd: 0, tokens: 0, basis: "none" }],
  [
    "whose worker never started",
    { outcome: "failed", errorClass: "worker_missing" },
    { ...silent, released: false },
    bound,
    true,
    { costMicroUsd: 0, tokens: 0, basis: "none" },
  ],
  [
    "that failed before its worker was let go",
    { outcome: "failed", errorClass: "internal" },
    { ...silent, released: false },
    bound,
    true,
    { costMicroUsd: 0, tokens: 0, basis: "none" },
  ],
  [
    "whose first request was refused",
    { outcome: "failed", errorClass: "auth" },
    silent,
    bound,
    true,
    { costMicroUsd: 0, tokens: 0, basis: "none" },
  ],
  [
    "that was refused after it had been answered",
    { outcome: "failed", errorClass: "rate_limited" },
    ran,
    bound,
    true,
    { costMicroUsd: 5_000_000, tokens: 1000, basis: "estimated" },
  ],
  [
    "that crashed without a word",
    { outcome: "failed", errorClass: "worker_crashed" },
    silent,
    bound,
    true,
    { costMicroUsd: 5_000_000, tokens: 1000, basis: "estimated" },
  ],
])("a run %s", (_name, change, seen, bounds, hasProvider, expected) => {
  expect(chargeOf(fakeResult(change), seen, bounds, hasProvider)).toEqual(expected);
});

test("a result says what was charged where the worker did not", () => {
  const charged = withCharge(fakeResult(), { costMicroUsd: 5_000_000, tokens: 0, basis: "estimated" });
  expect(charged).toMatchObject({ costUsd: 5, costBasis: "estimated" });
});

test("a result keeps what the worker said, and stays unknown where nothing was charged", () => {
  const reported = fakeResult({ costUsd: 1, costBasis: "reported" });
  expect(withCharge(reported, { costMicroUsd: 1e6, tokens: 5, basis: "estimated" })).toBe(reported);
  const free = fakeResult();
  expect(withCharge(free, { costMicroUsd: 0, tokens: 0, basis: "none" })).toBe(free);
});
