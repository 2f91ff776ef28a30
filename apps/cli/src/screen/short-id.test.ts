import { createIds } from "@agentcore/contract";
import { expect, it } from "vitest";
import { shortId, shortIdsAmong } from "./short-id.ts";

it("is the random end of a generated id, and the whole of an id that a caller chose", () => {
  expect(shortId("01a22a99-dfe9-7000-8aad-1caf2727b1d1")).toBe("2727b1d1");
  expect(shortId("nightly-docs-2026-05")).toBe("nightly-docs-2026-05");
});

it("differs for jobs of one burst", () => {
  const ids = createIds();
  const many = Array.from({ length: 1000 }, () => ids.next());
  const nameOf = shortIdsAmong(many);
  expect(new Set(many.map(nameOf)).size).toBe(1000);
});

it("grows until it fits no other id", () => {
  const one = "01a22a99-dfe9-7000-8aad-1caf2727b1d1";
  const other = "01a22a99-dfe9-7000-8aad-1cae2727b1d1";
  const nameOf = shortIdsAmong([one, other, "x2727b1d1"]);
  expect(nameOf(one)).toBe("f2727b1d1");
  expect(nameOf(other)).toBe("e2727b1d1");
});
