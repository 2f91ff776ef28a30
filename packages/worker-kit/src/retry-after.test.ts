import { expect, it } from "vitest";
import { rateLimitPatience, retryAfterMs, waitInWords } from "./retry-after.ts";

const answeredAt = "Mon, 23 Nov 2026 15:22:34 GMT";

it.each([
  [{ "retry-after": "1" }, 1000],
  [{ "retry-after": " 2.5 " }, 2500],
  [{ "retry-after-ms": "350", "retry-after": "1" }, 350],
  [{ "retry-after": "Mon, 23 Nov 2026 15:23:34 GMT", date: answeredAt }, 60_000],
  [{ "retry-after": "Mon, 23 Nov 2026 15:21:34 GMT", date: answeredAt }, 0],
  [{ "retry-after": "999999999" }, 86_400_000],
  [{ "retry-after": "Mon, 23 Nov 2026 15:23:34 GMT" }, null],
  [{ "retry-after": "-3" }, null],
  [{ "retry-after": "soon", date: answeredAt }, null],
  [{ "retry-after": 5 }, null],
  [{}, null],
  [null, null],
  ["retry-after: 3", null],
])("reads %j as %s ms", (headers, waitMs) => {
  expect(retryAfterMs(headers)).toBe(waitMs);
});

it.each([
  ["Rate limit reached. Please try again in 20s.", 20_000],
  ["Please try again in 1m26.5s. Visit …", 86_500],
  ["try again in 250ms", 250],
  ["Retry after 3 minutes", 180_000],
  ["retry after: 2 hours", 7_200_000],
  ["please try again in 99999 hours", 86_400_000],
  ["try again later", null],
  ["attempt 2 of 5", null],
  ["", null],
])("reads %j as a wait of %s ms", (message, waitMs) => {
  expect(waitInWords(message)).toBe(waitMs);
});

it.each([
  [null, 15_000],
  [0, 15_000],
  [60_000, 75_000],
  [60_001, null],
])("a provider that asks for %s ms is waited for in the run for %s", (waitMs, forMs) => {
  const error = { class: "rate_limited", message: "", status: 429, retryAfterMs: waitMs } as const;
  expect(rateLimitPatience(error)?.forMs ?? null).toBe(forMs);
});
