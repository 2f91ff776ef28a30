import { expect, it } from "vitest";
import { envText } from "./env-text.ts";

const env = { HOME: "/h", EMPTY: "" };

it.each([
  ["${HOME}/x", "/h/x"],
  ["a${EMPTY}b", "ab"],
  ["$HOME", "$HOME"],
  ["$${HOME}", "${HOME}"],
  ["plain", "plain"],
])("%s becomes %s", (text, expected) => {
  expect(envText(env).parse(text)).toBe(expected);
});

it("every variable that is not set is named", () => {
  const parsed = envText(env).safeParse("${A}${B}${constructor}");
  expect(parsed.error?.issues.map(({ message }) => message)).toEqual([
    "the environment variable A is not set",
    "the environment variable B is not set",
    "the environment variable constructor is not set",
  ]);
});
