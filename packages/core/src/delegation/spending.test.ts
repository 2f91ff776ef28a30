import type { WorkerResult } from "@agentcore/contract";
import { expect, it } from "vitest";
import { fakeResult } from "../testing/fake-worker.ts";
import { chargeOf, type RunBounds, type RunSightings, withCharge } from "./spending.ts";

const ran: RunSightings = {
  released: true,
  answered: true,
  costUsd: null,
  tokens: 0,
  costliestUsd: 0,
  costliestTokens: 0,
};
const silent: RunSightings = { ...ran, answered: false };
const response = { costMicroUsd: 250_000, tokens: 400 };
const bound: RunBounds = { costMicroUsd: 5_000_000, tokens: 1000, response };
const small: RunBounds = { costMicroUsd: 100_000, tokens: 100, response };
const noBound: RunBounds = { costMicroUsd: null, tokens: null, response };
const answeredTwice = { ...ran, costUsd: 0.75, tokens: 300, costliestUsd: 0.5, costliestTokens: 200 };
const tokens = { inputTokens: 10, cachedInputTokens: null, outputTokens: 5 };

type Case = [string, Partial<WorkerResult>, RunSightings, RunBounds, boolean, ReturnType<typeof chargeOf>];
it.each<Case>([
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
    "that was killed after reporting on the way, while its next answer may have been under way",
    { outcome: "cancelled", errorClass: "cancelled" },
    answeredTwice,
    bound,
    true,
    { costMicroUsd: 1_250_000, tokens: 500, basis: "estimated" },
  ],
  [
    "that was killed and is priced from what it came to report, which is not less than was seen",
    {
      outcome: "budget_exhausted",
      errorClass: "budget_exhausted",
      costUsd: 0.1,
      costBasis: "estimated",
      usage: tokens,
    },
    answeredTwice,
    bound,
    true,
    { costMicroUsd: 1_250_000, tokens: 500, basis: "estimated" },
  ],
  [
    "that was killed and still said what all of it had cost",
    { outcome: "cancelled", errorClass: "cancelled", costUsd: 0.8, costBasis: "reported", usage: tokens },
    answeredTwice,
    bound,
    true,
    { costMicroUsd: 800_000, tokens: 300, basis: "reported" },
  ],
  [
    "that was killed for what had been counted, and said at its end that it had cost less",
    { outcome: "budget_exhausted", errorClass: "budget_exhausted", costUsd: 1e-300, costBasis: "reported" },
    answeredTwice,
    bound,
    true,
    { costMicroUsd: 750_000, tokens: 300, basis: "estimated" },
  ],
  [
    "that said at its end what had been counted, but for the noise of binary fractions",
    { costUsd: 0.749_999_999, costBasis: "reported", usage: tokens },
    answeredTwice,
    bound,
    true,
    { costMicroUsd: 750_000, tokens: 300, basis: "reported" },
  ],
  [
    "that ended as it should, having reported totals only on the way",
    {},
    answeredTwice,
    bound,
    true,
    { costMicroUsd: 750_000, tokens: 300, basis: "reported" },
  ],
  [
    "that was refused after answers whose cost it had reported",
    { outcome: "failed", errorClass: "rate_limited" },
    answeredTwice,
    bound,
    true,
    { costMicroUsd: 750_000, tokens: 300, basis: "reported" },
  ],
  [
    "that crashed after answers whose cost it had reported",
    { outcome: "failed", errorClass: "worker_crashed" },
    answeredTwice,
    bound,
    true,
    { costMicroUsd: 1_250_000, tokens: 500, basis: "estimated" },
  ],
  [
    "that hung before its first answer",
    { outcome: "timed_out", errorClass: "timeout" },
    silent,
    bound,
    true,
    { costMicroUsd: 250_000, tokens: 400, basis: "estimated" },
  ],
  [
    "that hung before its first answer and was allowed less than a response",
    { outcome: "stalled", errorClass: "stalled" },
    silent,
    small,
    true,
    { costMicroUsd: 100_000, tokens: 100, basis: "estimated" },
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
    "that was refused after answers whose cost nobody knows",
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
    { costMicroUsd: 250_000, tokens: 400, basis: "estimated" },
  ],
])("a run %s", (_name, change, seen, bounds, hasProvider, expected) => {
  expect(chargeOf(fakeResult(change), seen, bounds, hasProvider)).toEqual(expected);
});

it("a result says what was charged where the worker did not", () => {
  const charged = withCharge(fakeResult(), { costMicroUsd: 5_000_000, tokens: 0, basis: "estimated" });
  expect(charged).toMatchObject({ costUsd: 5, costBasis: "estimated" });
});

it("a result that says less than was charged takes over the charge", () => {
  const partial = fakeResult({ costUsd: 0.1, costBasis: "estimated" });
  const charged = withCharge(partial, { costMicroUsd: 1_250_000, tokens: 0, basis: "estimated" });
  expect(charged).toMatchObject({ costUsd: 1.25, costBasis: "estimated" });
});

it("a result keeps what the worker said, and stays unknown where nothing was charged", () => {
  const reported = fakeResult({ costUsd: 1, costBasis: "reported" });
  expect(withCharge(reported, { costMicroUsd: 1e6, tokens: 5, basis: "estimated" })).toBe(reported);
  const free = fakeResult();
  expect(withCharge(free, { costMicroUsd: 0, tokens: 0, basis: "none" })).toBe(free);
});
