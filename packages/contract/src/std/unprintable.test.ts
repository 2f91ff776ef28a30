import { expect, it } from "vitest";
import { escapeUnprintable, loggable } from "./unprintable.ts";

it("escape sequences, direction overrides and lone surrogates are written as escapes", () => {
  expect(escapeUnprintable("\u001b[31mred\u009b2J\u202etxt\ud83d")).toBe(
    String.raw`\u001b[31mred\u009b2J\u202etxt\ud83d`,
  );
  expect(escapeUnprintable("plain, grün, 😀")).toBe("plain, grün, 😀");
});

it("a long text is cut, and a character that the cut divides is escaped", () => {
  expect(loggable("abcdef", 3)).toBe("abc…");
  expect(loggable("ab😀", 3)).toBe(String.raw`ab\ud83d…`);
  expect(loggable("x".repeat(1000))).toHaveLength(201);
});
