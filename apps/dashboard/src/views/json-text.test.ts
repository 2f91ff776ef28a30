import { expect, it } from "vitest";
import { isoOfLocal, jsonText, parseJson } from "./json-text.ts";

it("payloads are shown as text, without terminal escapes and within a bound", () => {
  expect(jsonText({ a: "<b>\u001b[31m" })).toBe('{\n  "a": "<b>\\u001b[31m"\n}');
  expect(jsonText({ a: "\u202e" }, { indent: 0 })).toBe('{"a":"\u{FFFD}"}');
  expect(jsonText("x".repeat(100), { max: 11 })).toBe('"xxxxxxxxxx …');
  expect(jsonText(undefined)).toBe("null");
});

it("JSON that was typed is checked, and nothing is an empty object", () => {
  expect(parseJson(' {"a": 1} ')).toEqual({ ok: true, value: { a: 1 } });
  expect(parseJson(" ")).toEqual({ ok: true, value: {} });
  expect(parseJson("{a: 1}")).toMatchObject({
    ok: false,
    message: expect.stringContaining("JSON") as string,
  });
});

it("a local moment gets its zone, and what is none is refused", () => {
  expect(isoOfLocal("2026-05-01T10:00")).toBe(new Date(2026, 4, 1, 10).toISOString());
  expect(isoOfLocal("")).toBeNull();
});
