import { expect, it } from "vitest";
import { retryAfterMs } from "./retry-after.ts";

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
