import { expect, it } from "vitest";
import { chainLinksMax, formatChain, isChain, parseChain } from "./chain.ts";

const link = (run: string) => ({ daemon: "night, shift/1", trigger: "täglich", run });

it("a chain is the same after it was text, which a header can hold", () => {
  const chain = [link("r1"), link("r2"), link("%")];
  const text = formatChain(chain);
  expect(text).toMatch(/^[\x21-\x7e]+$/);
  expect(parseChain(text)).toEqual(chain);
  expect(parseChain(text.replaceAll(",", " , "))).toEqual(chain);
  expect(parseChain("")).toEqual([]);
});

it.each([
  ["too few parts", "a/b"],
  ["too many parts", "a/b/c/d"],
  ["an empty part", "a//c"],
  ["an empty link", "a/b/c,"],
  ["an escape that is none", "a/b/%zz"],
  ["a name that is too long", `a/b/${"c".repeat(201)}`],
  ["too many links", Array.from({ length: chainLinksMax + 1 }, () => "a/b/c").join(",")],
  ["a text that is too long", "a".repeat(8193)],
])("%s is no chain", (_name, text) => {
  expect(parseChain(text)).toBeNull();
});

it("a value from outside is a chain only if all its links are", () => {
  expect([[], [link("a")]].map(isChain)).toEqual([true, true]);
  expect([null, "a/b/c", [null], [{}], [{ ...link("a"), run: 1 }]].map(isChain)).toEqual(
    Array.from({ length: 5 }, () => false),
  );
});
